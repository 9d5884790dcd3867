//! Transposition from position-major to channel-major order, in which users expect several curves
//! or images.

use crate::index::numbered;

use super::scalar;

/// Writes `y[channel * length + position] = x[position * channels + channel]`. Exact.
///
/// *Shapes*: `x: [length][channels]`, `y: [channels][length]`; an image has rows times columns
/// positions.
#[inline]
pub fn transpose(x: &[f32], y: &mut [f32], length: usize, channels: usize) {
    if channels == 2 && !scalar::IN_USE {
        return two(x, y, length);
    }
    for (channel, y) in numbered(y.chunks_exact_mut(length.max(1))).take(channels) {
        for (y, x) in y.iter_mut().zip(x.chunks_exact(channels.max(1))) {
            *y = x.get(channel).copied().unwrap_or_default();
        }
    }
}

/// Two channels: with constant steps, the loop vectorises.
#[inline(always)]
fn two(x: &[f32], y: &mut [f32], length: usize) {
    let x = x.as_chunks::<2>().0;
    for (channel, y) in numbered(y.chunks_exact_mut(length.max(1))).take(2) {
        for (y, pair) in y.iter_mut().zip(x) {
            *y = pair[channel];
        }
    }
}
