//! Logarithm: `Log(Max(x, f32::MIN_POSITIVE))`, put in by `Where` if only some numbers are masked.

use super::draft::{Draft, position_major, sizes};
use super::operation::{Operands, Write};
use super::proto::TensorProto;
use crate::graph::Logarithm;

impl Write for Logarithm {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let x = &operands.values[0];
        if !self.mask.contains(&true) {
            return x.clone();
        }
        let smallest = draft.number("smallest", f32::MIN_POSITIVE);
        let positive = draft.push("Max", &[x, &smallest], Vec::new());
        let logarithm = draft.push("Log", &[&positive], Vec::new());
        if !self.mask.contains(&false) {
            return logarithm;
        }
        let shape = operands.shapes[0];
        let masked = |place| u8::from(self.mask[position_major(shape, place)]);
        let bytes = (0..self.mask.len()).map(masked).collect();
        let mask = draft.constant("logarithmic", &sizes(shape), TensorProto::BOOL, bytes);
        draft.push("Where", &[&mask, &logarithm, x], Vec::new())
    }
}
