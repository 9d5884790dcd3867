//! Multiply: `Mul`.

use super::Multiply;
use crate::onnx::draft::Draft;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Multiply {
    const OPERATORS: &'static [&'static str] = &["Mul"];
}

impl WriteOnnx for Multiply {
    fn onnx(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let [x1, x2] = [0, 1].map(|which| &operands.values[which][..]);
        draft.push("Mul", &[x1, x2], Vec::new())
    }
}
