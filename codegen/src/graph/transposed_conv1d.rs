//! TransposedConv1d: PyTorch's `ConvTranspose1d` with padding K/2, cut or filled with zeros to a length.
//!
//! `y[p][o] = bias[o] + sum_t sum_c x[i][c] * weight[t][c][o]` over the taps t (ascending) for which
//! `i * stride = p + K/2 - t` has a solution inside. The natural length is `(n - 1) * stride + 1`; positions beyond it are
//! plain zeros, without the bias. A computed sum ends in `+ 0.0`: never a negative zero.

use super::conv1d::kernel;
use super::rule::{Mismatch, Rule, Value, one_each, sequence};
use super::{ParameterId, Parameters, Real, Shape};
use serde::{Deserialize, Serialize};

/// A convolution that grows the sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TransposedConv1d {
    /// `[K][CIN][COUT]`, K odd.
    pub weight: ParameterId,
    /// `[COUT]`.
    pub bias: ParameterId,
    /// Distance of neighbouring source positions in the result.
    pub stride: usize,
    /// Length of the result.
    pub length: usize,
}

impl TransposedConv1d {
    /// The source position of `position` through `tap`, if there is one.
    fn source(&self, position: usize, tap: usize, kernel: usize, length: usize) -> Option<usize> {
        let stretched = (position + kernel / 2).checked_sub(tap)?;
        let source = stretched / self.stride;
        (stretched % self.stride == 0 && source < length).then_some(source)
    }

    /// Positions of the result that are computed, not filled.
    fn computed(&self, length: usize) -> usize {
        self.length.min((length - 1) * self.stride + 1)
    }
}

impl Rule for TransposedConv1d {
    const KIND: &'static str = "transposed_conv1d";

    fn parameters(&self) -> Vec<ParameterId> {
        vec![self.weight, self.bias]
    }

    fn renamed(&self, rename: &dyn Fn(ParameterId) -> ParameterId) -> Self {
        Self {
            weight: rename(self.weight),
            bias: rename(self.bias),
            ..*self
        }
    }

    fn shape(&self, parameters: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let (_, channels) = sequence(inputs)?;
        let (_, outputs) = kernel(parameters, self.weight, channels)?;
        one_each(parameters, self.bias, "bias", outputs)?;
        if !(1..=Shape::LARGEST).contains(&self.stride) {
            return Err(Mismatch::new(
                format!("a stride of 1 to {}", Shape::LARGEST),
                self.stride,
            ));
        }
        Ok(Shape::Sequence {
            length: self.length,
            channels: outputs,
        })
    }

    fn macs(&self, parameters: &Parameters, inputs: &[Shape], _: Shape) -> u64 {
        let Shape::Sequence { length, .. } = inputs[0] else {
            return 0;
        };
        let kernel = parameters.shape(self.weight)[0];
        let taps = |position| {
            (0..kernel).filter(move |&tap| self.source(position, tap, kernel, length).is_some())
        };
        let pairs: usize = (0..self.computed(length))
            .map(|position| taps(position).count())
            .sum();
        pairs as u64 * (parameters.values(self.weight).len() / kernel) as u64
    }

    fn evaluate<R: Real>(
        &self,
        parameters: &Parameters,
        inputs: &[Value<'_, R>],
        output: Shape,
    ) -> Vec<R> {
        let (weight, bias) = (parameters.values(self.weight), parameters.values(self.bias));
        let [kernel, channels, outputs] = *parameters.shape(self.weight) else {
            return Vec::new();
        };
        let (x, length) = (inputs[0].data, inputs[0].data.len() / channels);
        let mut y = Vec::with_capacity(output.size());
        for position in 0..self.computed(length) {
            for o in 0..outputs {
                let mut sum = R::from_f32(bias[o]);
                for tap in 0..kernel {
                    let Some(source) = self.source(position, tap, kernel, length) else {
                        continue;
                    };
                    for c in 0..channels {
                        let weight = R::from_f32(weight[(tap * channels + c) * outputs + o]);
                        sum = x[source * channels + c].fma(weight, sum);
                    }
                }
                y.push(sum.add(R::from_f32(0.0)));
            }
        }
        y.resize(output.size(), R::from_f32(0.0));
        y
    }
}
