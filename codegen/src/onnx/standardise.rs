//! Standardise: `Sub`, then `Mul`.

use super::draft::Draft;
use super::operation::{Operands, Write};
use crate::graph::Standardise;

impl Write for Standardise {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let centre = draft.one_each(self.centre, operands.result);
        let scale = draft.one_each(self.scale, operands.result);
        let moved = draft.push("Sub", &[&operands.values[0], &centre], Vec::new());
        draft.push("Mul", &[&moved, &scale], Vec::new())
    }
}
