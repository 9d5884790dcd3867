//! From position-major to channel-major: the order in which users have several curves or images.

/// Writes `y[channel * length + position] = x[position * channels + channel]`. Exact.
///
/// *Shapes*: `x: [length][channels]`, `y: [channels][length]`; an image has rows times columns positions.
#[inline]
pub fn transpose(x: &[f32], y: &mut [f32], length: usize, channels: usize) {
    for (channel, y) in y.chunks_exact_mut(length.max(1)).enumerate().take(channels) {
        for (y, x) in y.iter_mut().zip(x.chunks_exact(channels.max(1))) {
            *y = x.get(channel).copied().unwrap_or_default();
        }
    }
}
