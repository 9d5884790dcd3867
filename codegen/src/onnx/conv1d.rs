//! Conv1d: `Conv` with weights `[COUT, CIN, K]` and K/2 zeros at both ends.

use super::conv2d::convolution;
use super::draft::Draft;
use super::operation::{Operands, Write};
use crate::graph::Conv1d;

impl Write for Conv1d {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        convolution(draft, &operands.values[0], self.weight, self.bias)
    }
}
