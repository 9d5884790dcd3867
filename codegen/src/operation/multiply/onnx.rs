//! Multiply: `Mul`.

use super::Multiply;
use crate::onnx::builder::ModelBuilder;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Multiply {
    const OPERATORS: &'static [&'static str] = &["Mul"];
}

impl WriteOnnx for Multiply {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        let [x1, x2] = [0, 1].map(|which| &operands.values[which][..]);
        builder.push("Mul", &[x1, x2], Vec::new())
    }
}
