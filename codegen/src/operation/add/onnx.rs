//! Add: `Add`.

use super::Add;
use crate::onnx::builder::ModelBuilder;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Add {
    const OPERATORS: &'static [&'static str] = &["Add"];
}

impl WriteOnnx for Add {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        let [x1, x2] = [0, 1].map(|which| &operands.values[which][..]);
        builder.push("Add", &[x1, x2], Vec::new())
    }
}
