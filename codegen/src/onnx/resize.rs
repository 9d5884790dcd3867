//! Resize: `Resize` where the length grows by a whole factor; elsewhere `Gather` of the positions.
//!
//! `Resize` divides by a factor in single precision, in ways that differ between engines: where the quotient ought to be
//! a whole number it may fall just below, and the position before would be taken.

use super::draft::{Draft, int, word};
use super::operation::{Operands, Write};
use crate::graph::{Resize, Shape};

impl Write for Resize {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let x = &operands.values[0];
        let Shape::Sequence { length, .. } = operands.shapes[0] else {
            return x.clone();
        };
        if self.length.is_multiple_of(length) {
            let factor = (self.length / length) as f32;
            let factors = draft.numbers("factors", &[1.0, 1.0, factor]);
            let settings = vec![
                word("mode", "nearest"),
                word("coordinate_transformation_mode", "asymmetric"),
                word("nearest_mode", "floor"),
            ];
            return draft.push("Resize", &[x, "", &factors], settings);
        }
        let source = |position| (position * length / self.length) as i64;
        let sources: Vec<_> = (0..self.length).map(source).collect();
        let sources = draft.integers("positions", &sources);
        draft.push("Gather", &[x, &sources], vec![int("axis", 2)])
    }
}
