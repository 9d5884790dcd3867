//! Rescale: `Mul`, then `Add`.

use super::Rescale;
use crate::onnx::draft::Draft;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Rescale {
    const OPERATORS: &'static [&'static str] = &["Mul", "Add"];
}

impl WriteOnnx for Rescale {
    fn onnx(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let scale = draft.one_each(self.scale, operands.result);
        let offset = draft.one_each(self.offset, operands.result);
        let scaled = draft.push("Mul", &[&operands.values[0], &scale], Vec::new());
        draft.push("Add", &[&scaled, &offset], Vec::new())
    }
}
