//! Transposed convolution of a sequence: each input position is spread over the outputs around `stride` times it.
//!
//! `y[p][o] = bias[o] + sum over t, then i, ascending, of x[q][i] * weight[t][i][o]`, `q = (p + K / 2 - t) / stride` where
//! that is whole and inside. Of its natural length `(length_in - 1) * stride - 2 (K / 2) + K` it is cut to
//! `length_out`, or followed by zeros (without bias). PyTorch's ConvTranspose1d with padding K / 2.

use super::taps::{Channels, position};
use crate::dispatch::vectorised;

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
    /// Taps, an odd number.
    pub kernel: usize,
    /// Output positions an input position.
    pub stride: usize,
}

impl TransposedConv1d {
    /// Returns how many positions there are before cutting or padding.
    #[must_use]
    pub const fn natural_length(&self) -> usize {
        let spread = self.length_in.saturating_sub(1).saturating_mul(self.stride);
        spread
            .saturating_add(self.kernel)
            .saturating_sub(self.kernel / 2 * 2)
    }
}

vectorised! {
    /// Computes a transposed convolution.
    ///
    /// *Shapes*: `x: [length_in][inputs]`, `weights: [kernel][inputs][outputs]`, `bias: [outputs]`,
    /// `y: [length_out][outputs]`.
    pub fn transposed_conv1d(
        x: &[f32],
        weights: &[f32],
        bias: &[f32],
        y: &mut [f32],
        sizes: TransposedConv1d,
    ) {
        let half = sizes.kernel / 2;
        let stride = sizes.stride.max(1);
        let channels = Channels {
            inputs: sizes.inputs,
            outputs: sizes.outputs,
        };
        let natural = sizes.natural_length();
        for (p, y) in y
            .chunks_exact_mut(sizes.outputs.max(1))
            .enumerate()
            .take(sizes.length_out)
        {
            if p >= natural {
                y.fill(0.0);
                continue;
            }
            let taps = (0..sizes.kernel)
                .filter_map(|t| Some((t, (p + half).checked_sub(t)?)))
                .filter(|&(_, spread)| spread % stride == 0)
                .map(|(t, spread)| (t, spread / stride))
                .filter(|&(_, q)| q < sizes.length_in);
            position(x, weights, bias, y, channels, taps);
        }
    }
}
