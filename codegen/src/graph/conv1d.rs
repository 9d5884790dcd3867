//! Conv1d: convolution of stride 1 that keeps the length; taps that fall outside are skipped.
//!
//! `y[p][o] = bias[o] + sum_t sum_c x[p + t - K/2][c] * weight[t][c][o]`, started from the bias, taps then channels ascending,
//! and `+ 0.0` at the end, so that no value is a negative zero whichever zeros were added.

use super::rule::{Mismatch, Rule, Value, one_each, sequence};
use super::{ParameterId, Parameters, Real, Shape};
use serde::{Deserialize, Serialize};

/// A convolution along the positions of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Conv1d {
    /// `[K][CIN][COUT]`, K odd.
    pub weight: ParameterId,
    /// `[COUT]`.
    pub bias: ParameterId,
}

/// Kernel size, channels in and channels out of a convolution's weight.
pub(super) fn kernel(
    parameters: &Parameters,
    weight: ParameterId,
    inputs: usize,
) -> Result<(usize, usize), Mismatch> {
    match *parameters.shape(weight) {
        [kernel, channels, outputs] if kernel % 2 == 1 && channels == inputs => {
            Ok((kernel, outputs))
        }
        ref other => Err(Mismatch::new(
            format!("weight [odd, {inputs}, any]"),
            format!("{other:?}"),
        )),
    }
}

impl Rule for Conv1d {
    const KIND: &'static str = "conv1d";

    fn parameters(&self) -> Vec<ParameterId> {
        vec![self.weight, self.bias]
    }

    fn renamed(&self, rename: &dyn Fn(ParameterId) -> ParameterId) -> Self {
        Self {
            weight: rename(self.weight),
            bias: rename(self.bias),
        }
    }

    fn shape(&self, parameters: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let (length, channels) = sequence(inputs)?;
        let (_, outputs) = kernel(parameters, self.weight, channels)?;
        one_each(parameters, self.bias, "bias", outputs)?;
        Ok(Shape::Sequence {
            length,
            channels: outputs,
        })
    }

    fn macs(&self, parameters: &Parameters, inputs: &[Shape], _: Shape) -> u64 {
        let Shape::Sequence { length, .. } = inputs[0] else {
            return 0;
        };
        let kernel = parameters.shape(self.weight)[0];
        // A tap d positions from the centre falls inside at all but d positions.
        let pairs: usize = (0..kernel)
            .map(|tap| length.saturating_sub(tap.abs_diff(kernel / 2)))
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
        for position in 0..length {
            for o in 0..outputs {
                let mut sum = R::from_f32(bias[o]);
                for tap in 0..kernel {
                    let Some(source) = (position + tap)
                        .checked_sub(kernel / 2)
                        .filter(|&source| source < length)
                    else {
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
        y
    }
}
