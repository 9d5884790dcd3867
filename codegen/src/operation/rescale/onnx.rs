//! Rescale: `Mul`, then `Add`.

use super::Rescale;
use crate::onnx::builder::ModelBuilder;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Rescale {
    const OPERATORS: &'static [&'static str] = &["Mul", "Add"];
}

impl WriteOnnx for Rescale {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        let scale = builder.one_each(self.scale, operands.result);
        let offset = builder.one_each(self.offset, operands.result);
        let scaled = builder.push("Mul", &[&operands.values[0], &scale], Vec::new());
        builder.push("Add", &[&scaled, &offset], Vec::new())
    }
}
