//! Multiply: `x1 * x2`, elementwise.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{Parameters, Real, Shape};
use crate::operation::rule::{Mismatch, Rule, Value, pair};
use serde::{Deserialize, Serialize};

/// The product of two values of the same shape, for gates.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Multiply;

impl Rule for Multiply {
    const KIND: &'static str = "multiply";

    fn shape(&self, _: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        pair(inputs)
    }

    fn evaluate<R: Real>(&self, _: &Parameters, inputs: &[Value<'_, R>], _: Shape) -> Vec<R> {
        let pairs = inputs[0].data.iter().zip(inputs[1].data);
        pairs.map(|(&x1, &x2)| x1.mul(x2)).collect()
    }
}
