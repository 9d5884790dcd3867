//! Transposed convolution of a sequence: each input position is spread over the outputs around
//! `stride` times it.
//!
//! `y[p][o] = bias[o] + sum over t, then i, ascending, of x[q][i] * weight[t][i][o]`, with
//! `q = (p + K / 2 - t) / stride` where that is an integer and inside, then `+ 0.0`: never a
//! negative zero. The natural length `(length_in - 1) * stride - 2 (K / 2) + K` is cut to
//! `length_out` or padded with zeros (without bias). As PyTorch's ConvTranspose1d with padding K /
//! 2. Computed as an image of one row.

use super::finish::Then;
use super::transposed_conv2d::{TransposedConv2d, transposed_conv2d};

/// The sizes of a transposed convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransposedConv1d {
    /// Positions of the input.
    pub length_in: usize,
    /// Positions of the output.
    pub length_out: usize,
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Taps, odd.
    pub kernel: usize,
    /// Output positions for each input position.
    pub stride: usize,
}

/// Computes a transposed convolution; `then` is [`Then::Nothing`] or [`Then::Relu`].
///
/// *Shapes*: `x: [length_in][inputs]`, `weights`: packed, `bias: [outputs]`,
/// `y: [length_out][outputs]`.
#[cfg_attr(all(target_feature = "avx2", target_feature = "fma"), inline(always))]
#[cfg_attr(not(all(target_feature = "avx2", target_feature = "fma")), inline)]
pub fn transposed_conv1d(
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    y: &mut [f32],
    sizes: TransposedConv1d,
    then: Then,
) {
    let sizes = TransposedConv2d {
        size_in: [1, sizes.length_in],
        size_out: [1, sizes.length_out],
        inputs: sizes.inputs,
        outputs: sizes.outputs,
        kernel: [1, sizes.kernel],
        stride: [1, sizes.stride],
    };
    transposed_conv2d(x, weights, bias, y, sizes, then);
}
