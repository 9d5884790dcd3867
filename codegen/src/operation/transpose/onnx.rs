//! Transpose: a `Reshape`, since sequences and images are channels-first in the model.

use super::Transpose;
use crate::onnx::builder::ModelBuilder;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Transpose {
    const OPERATORS: &'static [&'static str] = &["Reshape"];
}

impl WriteOnnx for Transpose {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        builder.reshape(&operands.values[0], &[operands.result.size()])
    }
}
