//! TransposedConv1d: `ConvTranspose` with weights `[CIN, COUT, K]`, then `Slice` or `Pad` to the length.

use super::TransposedConv1d;
use crate::onnx::draft::Draft;
use crate::operation::convolution::onnx::transposed;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for TransposedConv1d {
    const OPERATORS: &'static [&'static str] = &["ConvTranspose", "Slice", "Pad"];
}

impl WriteOnnx for TransposedConv1d {
    fn onnx(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        transposed(draft, operands, [self.weight, self.bias], &[self.stride])
    }
}
