//! Resizing a sequence by its nearest neighbour: `y[p] = x[floor(p * length_in / length_out)]`, every channel.

/// The sizes of a resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize {
    /// Positions of the input.
    pub length_in: usize,
    /// Positions of the output.
    pub length_out: usize,
    /// Channels of both.
    pub channels: usize,
}

/// Resizes a sequence. Exact.
///
/// *Shapes*: `x: [length_in][channels]`, `y: [length_out][channels]`.
#[inline]
pub fn resize(x: &[f32], y: &mut [f32], sizes: Resize) {
    let channels = sizes.channels.max(1);
    for (p, y) in y
        .chunks_exact_mut(channels)
        .enumerate()
        .take(sizes.length_out)
    {
        let source = p.saturating_mul(sizes.length_in) / sizes.length_out.max(1);
        let start = source.saturating_mul(channels);
        for (y, &x) in y.iter_mut().zip(x.get(start..).unwrap_or_default()) {
            *y = x;
        }
    }
}
