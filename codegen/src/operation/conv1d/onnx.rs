//! Conv1d: `Conv` with weights `[COUT, CIN, K]` and K/2 zeros at both ends.

use super::Conv1d;
use crate::onnx::builder::ModelBuilder;
use crate::operation::convolution::onnx::convolution;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Conv1d {
    const OPERATORS: &'static [&'static str] = &["Conv"];
}

impl WriteOnnx for Conv1d {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        convolution(builder, &operands.values[0], self.weight, self.bias)
    }
}
