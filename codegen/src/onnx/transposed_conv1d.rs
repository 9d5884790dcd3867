//! TransposedConv1d: `ConvTranspose` with weights `[CIN, COUT, K]`, then `Slice` or `Pad` to the length.

use super::conv1d::{kernel, window};
use super::draft::Draft;
use super::operation::{Operands, Write};
use crate::graph::{Shape, TransposedConv1d};

impl Write for TransposedConv1d {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let [kernel, channels, outputs] = kernel(draft.graph, self.weight);
        let weight = draft.parameter(self.weight, &[channels, outputs, kernel], |place| {
            let (channel, output) = (place / kernel / outputs, place / kernel % outputs);
            (place % kernel * channels + channel) * outputs + output
        });
        let bias = draft.one_each(self.bias, Shape::Vector(outputs));
        let settings = window(kernel, self.stride);
        let x = &operands.values[0];
        let grown = draft.push("ConvTranspose", &[x, &weight, &bias], settings);
        self.cut_or_fill(draft, grown, operands.shapes[0])
    }
}

impl TransposedConv1d {
    /// The result at its length: what is beyond is dropped, what is missing is zero.
    fn cut_or_fill(&self, draft: &mut Draft<'_>, grown: String, from: Shape) -> String {
        let Shape::Sequence { length, .. } = from else {
            return grown;
        };
        let natural = (length - 1) * self.stride + 1;
        if self.length < natural {
            let start = draft.integers("start", &[0]);
            let end = draft.integers("end", &[self.length as i64]);
            let axis = draft.integers("axis", &[2]);
            draft.push("Slice", &[&grown, &start, &end, &axis], Vec::new())
        } else if self.length > natural {
            let missing = (self.length - natural) as i64;
            let widths = draft.integers("widths", &[0, 0, 0, 0, 0, missing]);
            draft.push("Pad", &[&grown, &widths], Vec::new())
        } else {
            grown
        }
    }
}
