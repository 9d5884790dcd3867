//! Transform: the inverse of an output transform, elementwise.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{Parameters, Real, Shape};
use crate::operation::rule::{Mismatch, Rule, Value, single};
use serde::{Deserialize, Serialize};

/// Transforms outputs back from the coordinate in which they were learnt.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transform {
    /// The function.
    pub function: Inverse,
}

/// The inverse output transforms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inverse {
    /// Undoes the logarithm.
    Exp,
    /// Undoes the inverse hyperbolic sine.
    Sinh,
}

impl Rule for Transform {
    const KIND: &'static str = "transform";
    const IN_PLACE: bool = true;

    fn shape(&self, _: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        single(inputs)
    }

    fn evaluate<R: Real>(&self, _: &Parameters, inputs: &[Value<'_, R>], _: Shape) -> Vec<R> {
        let function = |x: &R| match self.function {
            Inverse::Exp => x.exp(),
            Inverse::Sinh => x.sinh(),
        };
        inputs[0].data.iter().map(function).collect()
    }
}
