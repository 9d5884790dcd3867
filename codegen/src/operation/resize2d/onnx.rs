//! Resize2d: `Resize` where rows and columns grow by whole factors; elsewhere `Gather` of rows and
//! of columns.
//!
//! `Resize` divides by a factor in single precision, in ways that differ between engines: a
//! quotient that should be an integer may come out just below it, and the position before would be
//! taken.

use super::Resize2d;
use crate::onnx::builder::{ModelBuilder, int, sizes, word};
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Resize2d {
    const OPERATORS: &'static [&'static str] = &["Resize", "Gather"];
}

impl WriteOnnx for Resize2d {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        nearest(builder, operands)
    }
}

/// Nearest neighbour along every axis after the channels.
pub(crate) fn nearest(builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
    let (from, to) = (sizes(operands.shapes[0]), sizes(operands.result));
    let axes: Vec<_> = from[1..].iter().copied().zip(to[1..].to_vec()).collect();
    let x = &operands.values[0];
    if axes.iter().all(|(from, to)| to.is_multiple_of(*from)) {
        let factors = axes.iter().map(|(from, to)| (to / from) as f32);
        let factors: Vec<_> = [1.0, 1.0].into_iter().chain(factors).collect();
        let factors = builder.numbers("factors", &factors);
        let settings = vec![
            word("mode", "nearest"),
            word("coordinate_transformation_mode", "asymmetric"),
            word("nearest_mode", "floor"),
        ];
        return builder.push("Resize", &[x, "", &factors], settings);
    }
    let mut value = x.clone();
    for (axis, (from, to)) in (2..).zip(axes) {
        if from == to {
            continue;
        }
        let sources: Vec<_> = (0..to)
            .map(|position| (position * from / to) as i64)
            .collect();
        let sources = builder.integers("positions", &sources);
        value = builder.push("Gather", &[&value, &sources], vec![int("axis", axis)]);
    }
    value
}
