//! Nearest-neighbour resizing of an image, along each axis:
//! `y[r][c] = x[floor(r * height_in / height_out)][floor(c * width_in / width_out)]`, every
//! channel.

use super::resize::{Resize, Sources, resize};

/// The sizes of a resize.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resize2d {
    /// Rows and columns of the input.
    pub size_in: [usize; 2],
    /// Rows and columns of the output.
    pub size_out: [usize; 2],
    /// Channels of both.
    pub channels: usize,
}

/// Resizes an image. Exact.
///
/// *Shapes*: `x: [height_in][width_in][channels]`, `y: [height_out][width_out][channels]`.
#[inline]
pub fn resize2d(x: &[f32], y: &mut [f32], sizes: Resize2d) {
    let ([height_in, width_in], [height_out, width_out]) = (sizes.size_in, sizes.size_out);
    let row = Resize {
        length_in: width_in,
        length_out: width_out,
        channels: sizes.channels,
    };
    let (row_in, row_out) = (
        width_in.wrapping_mul(sizes.channels),
        width_out.saturating_mul(sizes.channels).max(1),
    );
    let rows = y.chunks_exact_mut(row_out).take(height_out);
    for (source, y) in Sources::new(height_in, height_out).zip(rows) {
        let x = x.get(source.wrapping_mul(row_in)..).unwrap_or_default();
        resize(x, y, row);
    }
}
