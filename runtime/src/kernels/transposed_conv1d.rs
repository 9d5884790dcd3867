//! Transposed convolution of a sequence: each input position is spread over the outputs around `stride` times it.
//!
//! `y[p][o] = bias[o] + sum over t, then i, ascending, of x[q][i] * weight[t][i][o]`, `q = (p + K / 2 - t) / stride` where
//! that is whole and inside. Of its natural length `(length_in - 1) * stride - 2 (K / 2) + K` it is cut to
//! `length_out`, or followed by zeros (without bias). PyTorch's ConvTranspose1d with padding K / 2.

use super::taps::{Convolution, Run};
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
        let TransposedConv1d { length_out, inputs, outputs, kernel, .. } = sizes;
        // What the slices have room for: sizes beyond them would be work on nothing.
        let length_in = sizes.length_in.min(x.len());
        let kernel = kernel.min(weights.len());
        let stride = sizes.stride.max(1);
        let half = kernel / 2;
        let natural = sizes.natural_length().min(length_out).min(y.len());
        let convolution = Convolution { x, weights, bias, inputs, outputs };
        // Positions a stride apart share their taps.
        for phase in 0..stride.min(natural + half) {
            let taps = kernel.saturating_sub(phase).div_ceil(stride);
            let first = half.saturating_sub(phase).div_ceil(stride);
            let last = (natural + half).saturating_sub(phase).div_ceil(stride).max(first);
            let phase = Phase { phase, stride, taps, half, length_in };
            // Those that have all their taps, and those before and after.
            let inside = taps.saturating_sub(1).clamp(first, last);
            let after = length_in.clamp(inside, last);
            for s in first..inside {
                phase.write(convolution, y, s, 1);
            }
            if inside < after {
                phase.write(convolution, y, inside, after - inside);
            }
            for s in after..last {
                phase.write(convolution, y, s, 1);
            }
        }
        let padding = y.get_mut(natural.saturating_mul(outputs)..length_out.saturating_mul(outputs));
        padding.unwrap_or_default().fill(0.0);
    }
}

/// The output positions p = s * stride + phase - K / 2: they take the taps t = phase + j * stride, from q = s - j.
struct Phase {
    phase: usize,
    stride: usize,
    taps: usize,
    half: usize,
    length_in: usize,
}

impl Phase {
    /// Writes the `count` positions from number `s` on, which have the taps of the first.
    #[inline(always)]
    fn write(&self, convolution: Convolution, y: &mut [f32], s: usize, count: usize) {
        let taps = (s + 1).saturating_sub(self.length_in)..self.taps.min(s + 1);
        let taps = taps.map(|j| (self.phase + j * self.stride, s - j));
        let position = s * self.stride + self.phase - self.half;
        convolution.write(
            y,
            Run {
                position,
                step: self.stride,
                count,
            },
            taps,
        );
    }
}
