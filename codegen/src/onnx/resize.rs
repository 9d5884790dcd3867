//! Resize: `Resize` where the length grows by a whole factor; elsewhere `Gather` of the positions.

use super::draft::Draft;
use super::operation::{Operands, Write};
use super::resize2d::nearest;
use crate::graph::Resize;

impl Write for Resize {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        nearest(draft, operands)
    }
}
