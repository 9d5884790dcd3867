//! Dense layer: `y[o] = bias[o] + sum over i, ascending, of x[i] * weight[i][o]`.
//!
//! A sum per output has to be taken in its order, so many outputs are accumulated side by side, input after input, which
//! vectorises in strict order. With several samples at once, each weight that is loaded serves a tile of them.

use super::finish::{Finish, Then};
use super::tiles::{Axis, Layer, all_lanes};

/// The sizes of a dense layer on some samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Rows of `x` and of `y`.
    pub samples: usize,
    /// Numbers that a sample has in `x`, and from one to the next.
    pub inputs: usize,
    /// See `inputs`.
    pub from: usize,
    /// Numbers that a sample has in `y`, and from one to the next.
    pub outputs: usize,
    /// See `outputs`.
    pub to: usize,
    /// Numbers from one sample's residual to the next, where there is one.
    pub residual: usize,
}

impl Dense {
    /// The sizes for one sample.
    #[must_use]
    pub const fn one(inputs: usize, outputs: usize) -> Self {
        Self {
            samples: 1,
            inputs,
            from: inputs,
            outputs,
            to: outputs,
            residual: outputs,
        }
    }
}

/// Returns the length of the packed weights of a layer, or of a convolution with `inputs` in all its taps together.
#[must_use]
pub const fn packed_length(inputs: usize, outputs: usize) -> usize {
    inputs.saturating_mul(all_lanes(outputs))
}

/// Computes a dense layer.
///
/// *Shapes*: `x: [samples][from]`, `weights`: packed, [`packed_length`]`(inputs, outputs)`, `bias: [outputs]`,
/// `y: [samples][to]`; `residual`, where `then` has one: `[samples][sizes.residual]`.
#[inline]
pub fn dense(
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    y: &mut [f32],
    sizes: Dense,
    then: Then,
    residual: &[f32],
) {
    let samples = sizes.samples.min(y.len());
    let layer = Layer {
        x,
        weights,
        bias,
        inputs: sizes.inputs.min(weights.len()),
        outputs: sizes.outputs,
        from: sizes.from,
        to: sizes.to,
        columns: samples,
        row_of_taps: 1,
        taps: 1,
        vertical: Axis::ONE,
        horizontal: Axis::each(samples),
        finish: Finish {
            then,
            residual,
            step: sizes.residual,
            positive_zero: false,
        },
    };
    layer.write(y);
}
