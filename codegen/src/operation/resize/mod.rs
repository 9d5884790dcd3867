//! Resize: nearest neighbour to another length, `y[p] = x[floor(p * n_in / n_out)]`.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{Parameters, Real, Shape};
use crate::operation::rule::{Mismatch, Rule, Value, sequence};
use serde::{Deserialize, Serialize};

/// Repeats or drops positions of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resize {
    /// Length of the result.
    pub length: usize,
}

impl Rule for Resize {
    const KIND: &'static str = "resize";

    fn shape(&self, _: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let (_, channels) = sequence(inputs)?;
        Ok(Shape::Sequence {
            length: self.length,
            channels,
        })
    }

    fn evaluate<R: Real>(&self, _: &Parameters, inputs: &[Value<'_, R>], output: Shape) -> Vec<R> {
        let Shape::Sequence { length, channels } = inputs[0].shape else {
            return Vec::new();
        };
        let mut y = Vec::with_capacity(output.size());
        for position in 0..self.length {
            let source = position * length / self.length;
            y.extend_from_slice(&inputs[0].data[source * channels..][..channels]);
        }
        y
    }
}
