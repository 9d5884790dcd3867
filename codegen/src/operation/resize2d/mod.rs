//! Resize2d: nearest neighbour to another number of rows and columns, each axis as in `resize.rs`.

mod c;
mod host;
pub(crate) mod onnx;
mod rust;

use crate::graph::{Parameters, Real, Shape};
use crate::operation::rule::{Mismatch, Rule, Value, image};
use serde::{Deserialize, Serialize};

/// Repeats or drops rows and columns of an image.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Resize2d {
    /// Rows of the result.
    pub height: usize,
    /// Columns of the result.
    pub width: usize,
}

impl Rule for Resize2d {
    const KIND: &'static str = "resize2d";

    fn shape(&self, _: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let (_, channels) = image(inputs)?;
        Ok(Shape::Image {
            height: self.height,
            width: self.width,
            channels,
        })
    }

    fn evaluate<R: Real>(&self, _: &Parameters, inputs: &[Value<'_, R>], output: Shape) -> Vec<R> {
        let ([height, width], channels) = inputs[0].shape.size_and_channels();
        let mut y = Vec::with_capacity(output.size());
        for row in 0..self.height {
            for column in 0..self.width {
                let (row, column) = (row * height / self.height, column * width / self.width);
                let source = row * width + column;
                y.extend_from_slice(&inputs[0].data[source * channels..][..channels]);
            }
        }
        y
    }
}
