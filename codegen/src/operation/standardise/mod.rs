//! Standardise: `(x - centre) * scale`, rounded twice.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{ParameterId, Parameters, Real, Shape};
use crate::operation::rule::{Mismatch, Rule, Value, one_each, single};
use serde::{Deserialize, Serialize};

/// Shifts and scales every value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Standardise {
    /// Subtracted from the values, one for each.
    pub centre: ParameterId,
    /// The factor of the difference, one for each value.
    pub scale: ParameterId,
}

impl Rule for Standardise {
    const KIND: &'static str = "standardise";
    const IN_PLACE: bool = true;

    fn parameters_mut(&mut self) -> Vec<&mut ParameterId> {
        vec![&mut self.centre, &mut self.scale]
    }

    fn shape(&self, parameters: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let shape = single(inputs)?;
        one_each(parameters, self.centre, "centre", shape.size())?;
        one_each(parameters, self.scale, "scale", shape.size())?;
        Ok(shape)
    }

    fn evaluate<R: Real>(
        &self,
        parameters: &Parameters,
        inputs: &[Value<'_, R>],
        _: Shape,
    ) -> Vec<R> {
        let (centre, scale) = (
            parameters.values(self.centre),
            parameters.values(self.scale),
        );
        let constants = centre.iter().zip(scale);
        inputs[0]
            .data
            .iter()
            .zip(constants)
            .map(|(&x, (&centre, &scale))| x.sub(R::from_f32(centre)).mul(R::from_f32(scale)))
            .collect()
    }
}
