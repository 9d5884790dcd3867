//! Standardise: `Sub`, then `Mul`.

use super::Standardise;
use crate::onnx::builder::ModelBuilder;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Standardise {
    const OPERATORS: &'static [&'static str] = &["Sub", "Mul"];
}

impl WriteOnnx for Standardise {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        let centre = builder.one_each(self.centre, operands.result);
        let scale = builder.one_each(self.scale, operands.result);
        let moved = builder.push("Sub", &[&operands.values[0], &centre], Vec::new());
        builder.push("Mul", &[&moved, &scale], Vec::new())
    }
}
