//! Clip: `Max`, then `Min`; the operator `Clip` has one pair of bounds for all values.

use super::Clip;
use crate::onnx::draft::Draft;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Clip {
    const OPERATORS: &'static [&'static str] = &["Max", "Min"];
}

impl WriteOnnx for Clip {
    fn onnx(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let low = draft.one_each(self.low, operands.result);
        let high = draft.one_each(self.high, operands.result);
        let raised = draft.push("Max", &[&operands.values[0], &low], Vec::new());
        draft.push("Min", &[&raised, &high], Vec::new())
    }
}
