//! Multiply: `Mul`.

use super::draft::Draft;
use super::operation::{Operands, Write};
use crate::graph::Multiply;

impl Write for Multiply {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let [x1, x2] = [0, 1].map(|which| &operands.values[which][..]);
        draft.push("Mul", &[x1, x2], Vec::new())
    }
}
