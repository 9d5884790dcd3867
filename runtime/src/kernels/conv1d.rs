//! Convolution of a sequence, stride 1, same length: the kernel is centred, and taps outside the input are left out.
//!
//! `y[p][o] = bias[o] + sum over t, then i, ascending, of x[p + t - K / 2][i] * weight[t][i][o]`.

use super::taps::{Convolution, Run};
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
        let Conv1d { length, inputs, outputs, kernel } = sizes;
        // What the slices have room for: sizes beyond them would be work on nothing.
        let length = length.min(y.len());
        let kernel = kernel.min(weights.len());
        let half = kernel / 2;
        let convolution = Convolution { x, weights, bias, inputs, outputs };
        // The positions that have all their taps, and those before and after.
        let inside = half.min(length);
        let after = (length + half + 1).saturating_sub(kernel).clamp(inside, length);
        for position in 0..inside {
            write(convolution, y, length, kernel, Run { position, step: 1, count: 1 });
        }
        if inside < after {
            let run = Run { position: inside, step: 1, count: after - inside };
            write(convolution, y, length, kernel, run);
        }
        for position in after..length {
            write(convolution, y, length, kernel, Run { position, step: 1, count: 1 });
        }
    }
}

/// Writes a run of positions that have the taps of its first.
#[inline(always)]
fn write(convolution: Convolution, y: &mut [f32], length: usize, kernel: usize, run: Run) {
    let half = kernel / 2;
    let taps = half.saturating_sub(run.position)..kernel.min(length - run.position + half);
    convolution.write(
        y,
        run,
        taps.map(|t| (t, (run.position + t).saturating_sub(half))),
    );
}
