//! TransposedConv2d: `ConvTranspose` with weights `[CIN, COUT, KH, KW]`, then `Slice` and `Pad` to
//! the size.

use super::TransposedConv2d;
use crate::onnx::builder::ModelBuilder;
use crate::operation::convolution::onnx::transposed;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for TransposedConv2d {
    const OPERATORS: &'static [&'static str] = &["ConvTranspose", "Slice", "Pad"];
}

impl WriteOnnx for TransposedConv2d {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        transposed(builder, operands, [self.weight, self.bias], &self.stride)
    }
}
