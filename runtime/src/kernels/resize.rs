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
    // Source and remainder of p * length_in / length_out, step by step: no division for each position.
    let length_out = sizes.length_out.max(1);
    let (whole, part) = (sizes.length_in / length_out, sizes.length_in % length_out);
    let (mut source, mut remainder) = (0_usize, 0);
    for y in y.chunks_exact_mut(channels).take(sizes.length_out) {
        let start = source.wrapping_mul(channels);
        let x = x.get(start..).unwrap_or_default();
        copy(x, y);
        (source, remainder) = (source + whole, remainder + part);
        if remainder >= length_out {
            (source, remainder) = (source + 1, remainder - length_out);
        }
    }
}

/// Copies by eights: of a length that the compiler does not know, it would be a call.
#[inline(always)]
fn copy(x: &[f32], y: &mut [f32]) {
    let (whole, rest) = y.as_chunks_mut::<8>();
    let x_rest = x.get(whole.len() * 8..).unwrap_or_default();
    for (y, x) in whole.iter_mut().zip(x.as_chunks().0) {
        *y = *x;
    }
    for (y, &x) in rest.iter_mut().zip(x_rest) {
        *y = x;
    }
}
