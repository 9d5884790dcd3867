//! Resize: `Resize` where the length grows by a whole factor; elsewhere `Gather` of the positions.

use super::Resize;
use crate::onnx::builder::ModelBuilder;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};
use crate::operation::resize2d::onnx::nearest;

impl Operators for Resize {
    const OPERATORS: &'static [&'static str] = &["Resize", "Gather"];
}

impl WriteOnnx for Resize {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        nearest(builder, operands)
    }
}
