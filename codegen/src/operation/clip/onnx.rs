//! Clip: `Max`, then `Min`; the operator `Clip` has one pair of bounds for all values.

use super::Clip;
use crate::onnx::builder::ModelBuilder;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Clip {
    const OPERATORS: &'static [&'static str] = &["Max", "Min"];
}

impl WriteOnnx for Clip {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        let low = builder.one_each(self.low, operands.result);
        let high = builder.one_each(self.high, operands.result);
        let raised = builder.push("Max", &[&operands.values[0], &low], Vec::new());
        builder.push("Min", &[&raised, &high], Vec::new())
    }
}
