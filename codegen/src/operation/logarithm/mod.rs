//! Logarithm: `ln(max(x, f32::MIN_POSITIVE))` where the mask is set, `x` elsewhere.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{Parameters, Real, Shape};
use crate::operation::rule::{Mismatch, Rule, Value, single};
use serde::{Deserialize, Serialize};

/// Takes the natural logarithm of some inputs; values below the smallest normal float are raised to
/// it first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Logarithm {
    /// Whether each value is replaced by its logarithm.
    pub mask: Vec<bool>,
}

impl Rule for Logarithm {
    const KIND: &'static str = "logarithm";
    const IN_PLACE: bool = true;

    fn shape(&self, _: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let shape = single(inputs)?;
        if shape.size() != self.mask.len() {
            return Err(Mismatch::new(
                format!("a value of {} numbers", self.mask.len()),
                shape,
            ));
        }
        Ok(shape)
    }

    fn evaluate<R: Real>(&self, _: &Parameters, inputs: &[Value<'_, R>], _: Shape) -> Vec<R> {
        let smallest = R::from_f32(f32::MIN_POSITIVE);
        let logarithm = |x: R| if x >= smallest { x.ln() } else { smallest.ln() };
        inputs[0]
            .data
            .iter()
            .zip(&self.mask)
            .map(|(&x, &masked)| if masked { logarithm(x) } else { x })
            .collect()
    }
}
