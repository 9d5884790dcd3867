//! Transpose: a sequence `[length][channels]` becomes a vector, channel-major, the order of the user's curves.

use super::rule::{Mismatch, Rule, Value, sequence};
use super::{ParameterId, Parameters, Real, Shape};
use serde::{Deserialize, Serialize};

/// Puts all positions of a channel side by side.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transpose;

impl Rule for Transpose {
    const KIND: &'static str = "transpose";

    fn renamed(&self, _: &dyn Fn(ParameterId) -> ParameterId) -> Self {
        Self
    }

    fn shape(&self, _: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let (length, channels) = sequence(inputs)?;
        Ok(Shape::Vector(length.saturating_mul(channels)))
    }

    fn evaluate<R: Real>(&self, _: &Parameters, inputs: &[Value<'_, R>], _: Shape) -> Vec<R> {
        let Shape::Sequence { length, channels } = inputs[0].shape else {
            return Vec::new();
        };
        let element = |place: usize| inputs[0].data[place % length * channels + place / length];
        (0..length * channels).map(element).collect()
    }
}
