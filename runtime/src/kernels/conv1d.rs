//! Convolution of a sequence, stride 1, same length: the kernel is centred, and taps outside the input are left out.
//!
//! `y[p][o] = bias[o] + sum over t, then i, ascending, of x[p + t - K / 2][i] * weight[t][i][o]`.

use super::taps::{Channels, position};
use crate::dispatch::vectorised;

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1d {
    /// Positions of the input and of the output.
    pub length: usize,
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output.
    pub outputs: usize,
    /// Taps, an odd number.
    pub kernel: usize,
}

vectorised! {
    /// Computes a convolution.
    ///
    /// *Shapes*: `x: [length][inputs]`, `weights: [kernel][inputs][outputs]`, `bias: [outputs]`, `y: [length][outputs]`.
    pub fn conv1d(x: &[f32], weights: &[f32], bias: &[f32], y: &mut [f32], sizes: Conv1d) {
        let half = sizes.kernel / 2;
        let channels = Channels {
            inputs: sizes.inputs,
            outputs: sizes.outputs,
        };
        for (p, y) in y
            .chunks_exact_mut(sizes.outputs.max(1))
            .enumerate()
            .take(sizes.length)
        {
            let first = half.saturating_sub(p);
            let last = sizes.kernel.min((sizes.length - p).saturating_add(half));
            position(
                x,
                weights,
                bias,
                y,
                channels,
                (first..last).map(|t| (t, (p + t).saturating_sub(half))),
            );
        }
    }
}
