//! Transpose: a `Reshape`, since sequences and images have their channels first here.

use super::Transpose;
use crate::onnx::draft::Draft;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Transpose {
    const OPERATORS: &'static [&'static str] = &["Reshape"];
}

impl WriteOnnx for Transpose {
    fn onnx(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        draft.reshape(&operands.values[0], &[operands.result.size()])
    }
}
