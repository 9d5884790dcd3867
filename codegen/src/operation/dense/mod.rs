//! Dense: `y[o] = bias[o] + sum_i x[i] * weight[i][o]`, the sum started from the bias, inputs
//! ascending.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{ParameterId, Parameters, Real, Shape};
use crate::operation::rule::{Fusion, Mismatch, Rule, Value, one_each, single};
use serde::{Deserialize, Serialize};

/// A fully connected layer on the flattened operand.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dense {
    /// `[IN][OUT]`.
    pub weight: ParameterId,
    /// `[OUT]`.
    pub bias: ParameterId,
    /// The shape of the result: any shape of `OUT` values.
    pub output: Shape,
}

impl Rule for Dense {
    const KIND: &'static str = "dense";

    fn fusion(&self) -> Fusion {
        Fusion::Layer { adds: true }
    }

    fn parameters_mut(&mut self) -> Vec<&mut ParameterId> {
        vec![&mut self.weight, &mut self.bias]
    }

    fn shape(&self, parameters: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let (inputs, outputs) = (single(inputs)?.size(), self.output.size());
        let weight = parameters.shape(self.weight);
        if weight != [inputs, outputs] {
            return Err(Mismatch::new(
                format!("weight [{inputs}, {outputs}]"),
                format!("{weight:?}"),
            ));
        }
        one_each(parameters, self.bias, "bias", outputs)?;
        Ok(self.output)
    }

    fn macs(&self, _: &Parameters, inputs: &[Shape], output: Shape) -> u64 {
        inputs[0].size() as u64 * output.size() as u64
    }

    fn evaluate<R: Real>(
        &self,
        parameters: &Parameters,
        inputs: &[Value<'_, R>],
        output: Shape,
    ) -> Vec<R> {
        let (weight, bias) = (parameters.values(self.weight), parameters.values(self.bias));
        let outputs = output.size();
        let mut y = Vec::with_capacity(outputs);
        for o in 0..outputs {
            let mut sum = R::from_f32(bias[o]);
            for (i, x) in inputs[0].data.iter().enumerate() {
                sum = x.fma(R::from_f32(weight[i * outputs + o]), sum);
            }
            y.push(sum);
        }
        y
    }
}
