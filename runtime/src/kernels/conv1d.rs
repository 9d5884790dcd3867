//! Convolution of a sequence, stride 1, same length. The kernel is centred; taps outside the input
//! are left out.
//!
//! `y[p][o] = bias[o] + sum over t, then i, ascending, of x[p + t - K / 2][i] * weight[t][i][o]`,
//! then `+ 0.0`: never a negative zero. Computed as an image of one row.

use super::conv2d::{Conv2d, conv2d};
use super::finish::Then;

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1d {
    /// Positions of the input and of the output.
    pub length: usize,
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Taps, odd.
    pub kernel: usize,
}

/// Computes a convolution.
///
/// *Shapes*: `x: [length][inputs]`, `weights`: packed, `bias: [outputs]`, `y: [length][outputs]`;
/// `residual`, where `then` has one: that of `y`.
#[cfg_attr(all(target_feature = "avx2", target_feature = "fma"), inline(always))]
#[cfg_attr(not(all(target_feature = "avx2", target_feature = "fma")), inline)]
pub fn conv1d(
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    y: &mut [f32],
    sizes: Conv1d,
    then: Then,
    residual: &[f32],
) {
    let sizes = Conv2d {
        size: [1, sizes.length],
        inputs: sizes.inputs,
        outputs: sizes.outputs,
        kernel: [1, sizes.kernel],
    };
    conv2d(x, weights, bias, y, sizes, then, residual);
}
