//! Add: `x1 + x2`, elementwise.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{Parameters, Real, Shape};
use crate::operation::rule::{Fusion, Mismatch, Rule, Value, pair};
use serde::{Deserialize, Serialize};

/// The sum of two values of the same shape.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Add;

impl Rule for Add {
    const KIND: &'static str = "add";

    fn fusion(&self) -> Fusion {
        Fusion::Addition
    }

    fn shape(&self, _: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        pair(inputs)
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
