//! `weights.rs` of a frozen crate: every constant that the code reads, in one structure, which is
//! also the layout of an image file.

use super::calls;
use super::golden::Golden;
use crate::domain::Range;
use crate::emulator::Emulator;
use crate::image::{self, Field, Image, Stored, Values, arrays};
use crate::interpreter::Order;
use crate::template::fill;
use dense_runtime::domain::LANES;
use std::fmt::Write as _;

/// The constants of a frozen crate.
pub(super) fn image(emulator: &Emulator) -> Image {
    let ranges = Values::Ranges(emulator.domain());
    let about = "The trained box, eight inputs at a time.";
    let mut others = vec![Field::new("ranges", about, ranges)];
    others.extend(golden(emulator));
    others.extend(image::origin(emulator));
    Image::new(
        arrays(emulator, Stored::Blocks),
        others,
        &calls::code(emulator),
    )
}

/// The golden vectors.
fn golden(emulator: &Emulator) -> Vec<Field> {
    let Golden {
        inputs,
        predictions,
    } = Golden::new(emulator);
    let about = "Inputs of the golden vectors.";
    let mut all = vec![Field::new("golden_inputs", about, Values::Rows(inputs))];
    for (order, predictions) in Order::ALL.into_iter().zip(predictions) {
        let (order, about) = match order {
            Order::Fused => ("fused", "Results with a fused multiply-add."),
            Order::Separate => (
                "separate",
                "Results with product and sum rounded separately.",
            ),
        };
        let (means, stds) = predictions
            .into_iter()
            .map(|prediction| (prediction.mean, prediction.std))
            .unzip();
        for (result, rows) in [("mean", means), ("std", stds)] {
            let name = format!("golden_{result}_{order}");
            all.push(Field::new(&name, about, Values::Rows(rows)));
        }
    }
    all
}

/// The file's text.
pub(super) fn text(image: &Image) -> String {
    let (mut fields, mut values) = (String::new(), String::new());
    for field in &image.fields {
        let Field { name, about, .. } = field;
        let _ = writeln!(
            fields,
            "    /// {}\n    pub {name}: {},",
            documented(about),
            declared(field)
        );
        let _ = writeln!(values, "    {name}: {},", literal(field));
    }
    fill(
        include_str!("templates/weights.rs.txt"),
        &[
            ("structure", &format!("{:#010X}", image.structure)),
            ("fields", &fields),
            ("values", &values),
        ],
    )
}

/// The documentation of a field: as code if it has characters with a meaning in Markdown.
fn documented(about: &str) -> String {
    if about.contains(['"', '[', '<', '`', '*', '_']) {
        format!("`{}`", about.replace('`', "'"))
    } else {
        about.into()
    }
}

/// The type of a field.
fn declared(field: &Field) -> String {
    match &field.values {
        Values::Number(_) => "f32".into(),
        Values::Array(values) => format!("[f32; {}]", values.len()),
        Values::Rows(rows) => {
            let columns = rows.first().map_or(0, Vec::len);
            format!("[[f32; {columns}]; {}]", rows.len())
        }
        Values::Ranges(ranges) => format!("[Ranges; {}]", ranges.len().div_ceil(LANES)),
        Values::Padding(words) => format!("[f32; {words}]"),
        Values::Word(_) => "u32".into(),
        Values::Words(words) => format!("[u32; {}]", words.len()),
    }
}

/// The value of a field.
fn literal(field: &Field) -> String {
    let list = |values: &[f32]| format!("[{}]", literals(values.iter().map(number)));
    match &field.values {
        Values::Number(value) => number(value),
        Values::Array(values) => list(values),
        Values::Rows(rows) => {
            let rows = rows.iter().map(|row| list(row) + ",\n");
            format!("[\n{}]", rows.collect::<String>())
        }
        Values::Ranges(ranges) => format!("[\n{}]", trained_box(ranges)),
        Values::Padding(words) => format!("[0.0; {words}]"),
        Values::Word(word) => format!("{word:#010X}"),
        Values::Words(words) => format!(
            "[{}]",
            literals(words.iter().map(|word| format!("{word:#010X}")))
        ),
    }
}

/// The ranges of the guard, eight inputs at a time.
fn trained_box(ranges: &[Range]) -> String {
    let range = |range: &Range| {
        let (low, high) = (range.low, range.high);
        if !range.logarithmic {
            return format!("        Range::linear({low:?}, {high:?}),\n");
        }
        let logarithms = range.coordinates();
        format!("        Range::logarithmic({low:?}, {high:?}, {logarithms:?}),\n")
    };
    let block = |ranges: &[Range]| {
        let lines: String = ranges.iter().map(range).collect();
        format!("    Ranges::new(&[\n{lines}    ]),\n")
    };
    ranges.chunks(LANES).map(block).collect()
}

/// A literal of the same bits; a golden result may have overflowed.
fn number(value: &f32) -> String {
    if value.is_finite() {
        format!("{value:?}")
    } else {
        format!("f32::from_bits({:#010X})", value.to_bits())
    }
}

/// Literals in lines of at most about a hundred characters, indented.
pub(crate) fn literals(literals: impl Iterator<Item = String>) -> String {
    const WIDTH: usize = 96;
    let mut text = String::new();
    let mut column = WIDTH;
    for literal in literals {
        if column + literal.len() + 2 > WIDTH {
            text.push_str("\n   ");
            column = 3;
        }
        text.push(' ');
        text.push_str(&literal);
        text.push(',');
        column += literal.len() + 2;
    }
    text.push('\n');
    text
}
