//! Transpose: a `Reshape`, since sequences and images have their channels first here.

use super::draft::Draft;
use super::operation::{Operands, Write};
use crate::graph::Transpose;

impl Write for Transpose {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        draft.reshape(&operands.values[0], &[operands.result.size()])
    }
}
