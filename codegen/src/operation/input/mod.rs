//! Input: the checked raw inputs; those that were not finite are replaced by the centre of the box.

use crate::graph::{Parameters, Real, Shape};
use crate::operation::rule::{Mismatch, Rule, Value};
use serde::{Deserialize, Serialize};

/// The graph's inputs; only node 0 is of this kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Input {
    /// The number of inputs.
    pub size: usize,
}

impl Rule for Input {
    const KIND: &'static str = "input";

    fn shape(&self, _: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        if !inputs.is_empty() {
            return Err(Mismatch::new("no operand", inputs.len()));
        }
        Ok(Shape::Vector(self.size))
    }

    fn evaluate<R: Real>(&self, _: &Parameters, _: &[Value<'_, R>], output: Shape) -> Vec<R> {
        vec![R::from_f32(0.0); output.size()]
    }
}
