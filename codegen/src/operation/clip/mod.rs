//! Clip: `min(max(x, low), high)`, exact.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{ParameterId, Parameters, Real, Shape};
use crate::operation::rule::{Mismatch, Rule, Value, one_each, single};
use serde::{Deserialize, Serialize};

/// Clamps every value to its own bounds, for instance an output that cannot be negative.
///
/// A value equal to a bound stays as it is, the sign of a zero too; NaN stays NaN.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Clip {
    /// One lower bound for each value.
    pub low: ParameterId,
    /// One upper bound for each value, not below the lower one.
    pub high: ParameterId,
}

impl Rule for Clip {
    const KIND: &'static str = "clip";
    const FORMAT: u64 = 4;
    const IN_PLACE: bool = true;

    fn parameters_mut(&mut self) -> Vec<&mut ParameterId> {
        vec![&mut self.low, &mut self.high]
    }

    fn shape(&self, parameters: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let shape = single(inputs)?;
        one_each(parameters, self.low, "low", shape.size())?;
        one_each(parameters, self.high, "high", shape.size())?;
        let (low, high) = (parameters.values(self.low), parameters.values(self.high));
        match low.iter().zip(high).find(|(low, high)| low > high) {
            None => Ok(shape),
            Some((low, high)) => Err(Mismatch::new(
                "lower bounds that are not above the upper ones",
                format!("{low} above {high}"),
            )),
        }
    }

    fn evaluate<R: Real>(
        &self,
        parameters: &Parameters,
        inputs: &[Value<'_, R>],
        _: Shape,
    ) -> Vec<R> {
        let (low, high) = (parameters.values(self.low), parameters.values(self.high));
        let bounds = low.iter().zip(high);
        inputs[0]
            .data
            .iter()
            .zip(bounds)
            .map(|(&x, (&low, &high))| {
                let (low, high) = (R::from_f32(low), R::from_f32(high));
                let raised = if x < low { low } else { x };
                if raised > high { high } else { raised }
            })
            .collect()
    }
}
