//! Convolution of an image, stride 1, same size. The kernel is centred; taps outside the input are
//! left out.
//!
//! ```text
//! y[r][c][o] = bias[o]
//!     + sum over s, t, then i, ascending, of x[r + s - KH / 2][c + t - KW / 2][i] * weight[s][t][i][o]
//! ```
//!
//! then `+ 0.0`: never a negative zero.

use super::axis::Axis;
use super::finish::{Finish, Then};
use super::layer::Layer;

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv2d {
    /// Rows and columns of the input and of the output.
    pub size: [usize; 2],
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Taps along rows and columns, odd.
    pub kernel: [usize; 2],
}

/// Computes a convolution.
///
/// *Shapes*: `x: [height][width][inputs]`, `weights`: packed, `bias: [outputs]`,
/// `y: [height][width][outputs]`; `residual`, where `then` has one: that of `y`.
#[cfg_attr(all(target_feature = "avx2", target_feature = "fma"), inline(always))]
#[cfg_attr(
    not(any(
        all(target_feature = "avx2", target_feature = "fma"),
        target_arch = "arm"
    )),
    inline
)]
#[cfg_attr(target_arch = "arm", inline(always))]
pub fn conv2d(
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    y: &mut [f32],
    sizes: Conv2d,
    then: Then,
    residual: &[f32],
) {
    layer(x, weights, bias, y.len(), sizes, then, residual).write(y);
}

/// The convolution as a layer, for `room` outputs.
#[cfg_attr(all(target_feature = "avx2", target_feature = "fma"), inline(always))]
#[cfg_attr(not(all(target_feature = "avx2", target_feature = "fma")), inline)]
pub(super) fn layer<'a>(
    x: &'a [f32],
    weights: &'a [f32],
    bias: &'a [f32],
    room: usize,
    sizes: Conv2d,
    then: Then,
    residual: &'a [f32],
) -> Layer<'a> {
    // The sizes that fit in the slices: beyond them there is nothing to compute.
    let [height, width] = sizes.size.map(|size| size.min(room));
    let [rows, columns] = sizes.kernel.map(|kernel| kernel.min(weights.len()));
    let axis = |length, kernel: usize| Axis {
        taps: kernel,
        offset: (kernel / 2).wrapping_neg(),
        ..Axis::each(length)
    };
    Layer {
        x,
        weights,
        bias,
        inputs: sizes.inputs.min(weights.len()),
        outputs: sizes.outputs,
        from: sizes.inputs,
        to: sizes.outputs,
        columns: width,
        row_of_taps: columns,
        taps: rows.saturating_mul(columns),
        vertical: axis(height, rows),
        horizontal: axis(width, columns),
        residual_step: sizes.outputs,
        finish: Finish {
            then,
            residual,
            positive_zero: true,
        },
    }
}
