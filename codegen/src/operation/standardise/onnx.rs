//! Standardise: `Sub`, then `Mul`.

use super::Standardise;
use crate::onnx::draft::Draft;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Standardise {
    const OPERATORS: &'static [&'static str] = &["Sub", "Mul"];
}

impl WriteOnnx for Standardise {
    fn onnx(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let centre = draft.one_each(self.centre, operands.result);
        let scale = draft.one_each(self.scale, operands.result);
        let moved = draft.push("Sub", &[&operands.values[0], &centre], Vec::new());
        draft.push("Mul", &[&moved, &scale], Vec::new())
    }
}
