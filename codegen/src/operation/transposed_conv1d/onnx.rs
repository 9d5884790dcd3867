//! TransposedConv1d: `ConvTranspose` with weights `[CIN, COUT, K]`, then `Slice` or `Pad` to the
//! length.

use super::TransposedConv1d;
use crate::onnx::builder::ModelBuilder;
use crate::operation::convolution::onnx::transposed;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for TransposedConv1d {
    const OPERATORS: &'static [&'static str] = &["ConvTranspose", "Slice", "Pad"];
}

impl WriteOnnx for TransposedConv1d {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        transposed(builder, operands, [self.weight, self.bias], &[self.stride])
    }
}
