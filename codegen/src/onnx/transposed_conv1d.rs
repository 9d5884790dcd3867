//! TransposedConv1d: `ConvTranspose` with weights `[CIN, COUT, K]`, then `Slice` or `Pad` to the length.

use super::draft::Draft;
use super::operation::{Operands, Write};
use super::transposed_conv2d::transposed;
use crate::graph::TransposedConv1d;

impl Write for TransposedConv1d {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let weights = [self.weight, self.bias];
        transposed(draft, operands, weights, &[self.stride])
    }
}
