//! Add: `x1 + x2`, elementwise.

use super::rule::{Mismatch, Rule, Value};
use super::{ParameterId, Parameters, Real, Shape};
use serde::{Deserialize, Serialize};

/// The sum of two values of the same shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Add;

impl Rule for Add {
    const KIND: &'static str = "add";

    fn renamed(&self, _: &dyn Fn(ParameterId) -> ParameterId) -> Self {
        Self
    }

    fn shape(&self, _: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        match inputs {
            [first, second] if first == second => Ok(*first),
            [first, second] => Err(Mismatch::new(format!("a second operand {first}"), second)),
            other => Err(Mismatch::new("two operands", other.len())),
        }
    }

    fn evaluate<R: Real>(&self, _: &Parameters, inputs: &[Value<'_, R>], _: Shape) -> Vec<R> {
        inputs[0]
            .data
            .iter()
            .zip(inputs[1].data)
            .map(|(&x1, &x2)| x1.add(x2))
            .collect()
    }
}
