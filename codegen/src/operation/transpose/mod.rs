//! Transpose: turns a sequence `[length][channels]` or an image `[height][width][channels]` into a
//! vector, channel-major: the order of the user's curves and images.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{Parameters, Real, Shape};
use crate::operation::rule::{Mismatch, Rule, Value, single};
use serde::{Deserialize, Serialize};

/// Makes all positions of a channel adjacent.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transpose;

impl Rule for Transpose {
    const KIND: &'static str = "transpose";

    fn shape(&self, _: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        match single(inputs)? {
            vector @ Shape::Vector(_) => Err(Mismatch::new(
                "a sequence [length][channels] or an image [height][width][channels]",
                vector,
            )),
            shape => Ok(Shape::Vector(shape.size())),
        }
    }

    fn evaluate<R: Real>(&self, _: &Parameters, inputs: &[Value<'_, R>], _: Shape) -> Vec<R> {
        let (positions, channels) = inputs[0].shape.positions_and_channels();
        let x = inputs[0].data;
        let element = |place: usize| x[place % positions * channels + place / positions];
        (0..positions * channels).map(element).collect()
    }
}
