//! Rescale: `x * scale + offset`, one fused or two separate roundings: the conversion to physical
//! units.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{ParameterId, Parameters, Real, Shape};
use crate::operation::rule::{Mismatch, Rule, Value, one_each, single};
use serde::{Deserialize, Serialize};

/// Scales and shifts every value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rescale {
    /// One factor for each value.
    pub scale: ParameterId,
    /// One offset for each value.
    pub offset: ParameterId,
}

impl Rule for Rescale {
    const KIND: &'static str = "rescale";
    const IN_PLACE: bool = true;

    fn parameters_mut(&mut self) -> Vec<&mut ParameterId> {
        vec![&mut self.scale, &mut self.offset]
    }

    fn shape(&self, parameters: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let shape = single(inputs)?;
        one_each(parameters, self.scale, "scale", shape.size())?;
        one_each(parameters, self.offset, "offset", shape.size())?;
        Ok(shape)
    }

    fn macs(&self, _: &Parameters, _: &[Shape], output: Shape) -> u64 {
        output.size() as u64
    }

    fn evaluate<R: Real>(
        &self,
        parameters: &Parameters,
        inputs: &[Value<'_, R>],
        _: Shape,
    ) -> Vec<R> {
        let (scale, offset) = (
            parameters.values(self.scale),
            parameters.values(self.offset),
        );
        let constants = scale.iter().zip(offset);
        inputs[0]
            .data
            .iter()
            .zip(constants)
            .map(|(&x, (&scale, &offset))| x.fma(R::from_f32(scale), R::from_f32(offset)))
            .collect()
    }
}
