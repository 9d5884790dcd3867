//! Transposed convolution of an image: each input position is spread over the outputs around
//! `stride` times it.
//!
//! Along each axis output `p` takes tap `t` from input `q = (p + K / 2 - t) / stride` where that is
//! an integer and inside; with
//! `y[..][o] = bias[o] + sum over s, t, then i, ascending, of x[..][i] * weight[s][t][i][o]`, then
//! `+ 0.0`: never a negative zero. The natural size along each axis,
//! `(size_in - 1) * stride - 2 (K / 2) + K`, is cut to `size_out` or padded with zeros (without
//! bias). As PyTorch's ConvTranspose2d with padding K / 2.

use super::axis::Axis;
use super::finish::{Finish, Then};
use super::layer::Layer;
use crate::index::numbered;

/// The sizes of a transposed convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransposedConv2d {
    /// Rows and columns of the input.
    pub size_in: [usize; 2],
    /// Rows and columns of the output.
    pub size_out: [usize; 2],
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Taps along rows and columns, odd.
    pub kernel: [usize; 2],
    /// Output positions for each input position, along rows and columns.
    pub stride: [usize; 2],
}

/// Returns how many positions an axis has before cutting or padding.
#[must_use]
pub const fn natural_length(length_in: usize, kernel: usize, stride: usize) -> usize {
    let spread = length_in.saturating_sub(1).saturating_mul(stride);
    spread.saturating_add(kernel).saturating_sub(kernel / 2 * 2)
}

/// Computes a transposed convolution; `then` is [`Then::Nothing`] or [`Then::Relu`].
///
/// *Shapes*: `x: [height_in][width_in][inputs]`, `weights`: packed, `bias: [outputs]`,
/// `y: [height_out][width_out][outputs]`.
#[cfg_attr(all(target_feature = "avx2", target_feature = "fma"), inline(always))]
#[cfg_attr(not(all(target_feature = "avx2", target_feature = "fma")), inline)]
pub fn transposed_conv2d(
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    y: &mut [f32],
    sizes: TransposedConv2d,
    then: Then,
) {
    // The sizes that fit in the slices: beyond them there is nothing to compute.
    let [height, width] = sizes.size_out.map(|size| size.min(y.len()));
    let kernel = sizes.kernel.map(|kernel| kernel.min(weights.len()));
    let [rows, columns] = kernel;
    let axis = |k: usize, length_out: usize| Phases {
        length_in: sizes.size_in[k].min(x.len()),
        natural: natural_length(sizes.size_in[k], kernel[k], sizes.stride[k].max(1))
            .min(length_out),
        kernel: kernel[k],
        stride: sizes.stride[k].max(1),
    };
    let (vertical, horizontal) = (axis(0, height), axis(1, width));
    let natural_row = horizontal.natural.saturating_mul(sizes.outputs);
    let lines = y.chunks_exact_mut(width.saturating_mul(sizes.outputs).max(1));
    for (row, y) in numbered(lines).take(height) {
        let zeros = if row < vertical.natural {
            natural_row
        } else {
            0
        };
        y.get_mut(zeros..).unwrap_or_default().fill(0.0);
    }
    // Positions a stride apart have the same taps.
    for row in 0..vertical.count() {
        for column in 0..horizontal.count() {
            let layer = Layer {
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
                vertical: vertical.axis(row),
                horizontal: horizontal.axis(column),
                residual_step: 0,
                finish: Finish {
                    then,
                    residual: &[],
                    positive_zero: true,
                },
            };
            layer.write(y);
        }
    }
}

/// One axis. Its outputs p = s * stride + phase - K / 2 take the taps t = phase + j * stride, from
/// q = s - j.
#[derive(Clone, Copy)]
struct Phases {
    length_in: usize,
    natural: usize,
    kernel: usize,
    stride: usize,
}

impl Phases {
    /// The number of phases that have outputs.
    #[inline(always)]
    fn count(&self) -> usize {
        self.stride
            .min(self.natural.saturating_add(self.kernel / 2))
    }

    /// The outputs of one phase.
    #[inline(always)]
    fn axis(&self, phase: usize) -> Axis {
        let half = self.kernel / 2;
        let first = half.saturating_sub(phase).div_ceil(self.stride);
        let end = self
            .natural
            .saturating_add(half)
            .saturating_sub(phase)
            .div_ceil(self.stride);
        Axis {
            length: self.length_in,
            start: first
                .saturating_mul(self.stride)
                .saturating_add(phase)
                .saturating_sub(half),
            step: self.stride,
            count: end.saturating_sub(first),
            tap: phase,
            tap_step: self.stride,
            taps: self.kernel.saturating_sub(phase).div_ceil(self.stride),
            offset: first,
            direction: 1_usize.wrapping_neg(),
        }
    }
}
