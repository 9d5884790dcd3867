//! Conv2d: `Conv` with weights `[COUT, CIN, KH, KW]` and KH/2 and KW/2 zeros at both ends of rows
//! and columns.

use super::Conv2d;
use crate::onnx::builder::ModelBuilder;
use crate::operation::convolution::onnx::convolution;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Conv2d {
    const OPERATORS: &'static [&'static str] = &["Conv"];
}

impl WriteOnnx for Conv2d {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        convolution(builder, &operands.values[0], self.weight, self.bias)
    }
}
