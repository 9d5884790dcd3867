//! Add: `Add`.

use super::draft::Draft;
use super::operation::{Operands, Write};
use crate::graph::Add;

impl Write for Add {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let [x1, x2] = [0, 1].map(|which| &operands.values[which][..]);
        draft.push("Add", &[x1, x2], Vec::new())
    }
}
