//! The constants of the C file as one structure: parameters as in the graph, the calibration, the
//! trained box and the golden vectors of one order of rounding.

use crate::domain::Range;
use crate::emulator::Emulator;
use crate::image::{self, Field, Image, Stored, Values};
use crate::interpreter::{Order, Prediction};
use crate::rust::golden::Golden;
use crate::rust::literals;
use std::fmt::Write as _;

/// The constants in each of [`Order::ALL`]; `code` reads them.
pub(super) fn images(emulator: &Emulator, code: &str) -> [Image; 2] {
    let arrays = image::arrays(emulator, Stored::Plain);
    let Golden {
        inputs,
        predictions,
    } = Golden::new(emulator);
    let [fused, separate] = predictions;
    [(Order::Fused, fused), (Order::Separate, separate)].map(|(order, predictions)| {
        let rows = |result: fn(Prediction<f32>) -> Vec<f32>| {
            Values::Rows(predictions.iter().cloned().map(result).collect())
        };
        let mut others = vec![
            Field::new("ranges", "The trained box.", ranges(emulator)),
            Field::new(
                "golden_inputs",
                "Golden inputs.",
                Values::Rows(inputs.clone()),
            ),
            Field::new(
                "golden_mean",
                "Bits of the means, by the f32 reference interpreter.",
                rows(|prediction| prediction.mean),
            ),
            Field::new(
                "golden_std",
                "Bits of the deviations.",
                rows(|prediction| prediction.std),
            ),
        ];
        others.extend(image::origin(emulator));
        let relative = image::relative(emulator);
        let code = format!("{order:?}\n{code}{relative}");
        Image::new(arrays.clone(), others, &code)
    })
}

/// The rows of `struct range`: limits, middle, halves of the limits' coordinates, and 1 if they are
/// logarithms.
fn ranges(emulator: &Emulator) -> Values {
    let row = |range: Range| {
        let [low, high] = range.coordinates().map(|limit| limit * 0.5);
        let centre = range.low * 0.5 + range.high * 0.5;
        let logarithmic = f32::from(u8::from(range.logarithmic));
        vec![range.low, range.high, centre, low, high, logarithmic]
    };
    Values::Rows(emulator.domain().into_iter().map(row).collect())
}

/// Bytes of constants that one call reads.
pub(super) fn flash_bytes(emulator: &Emulator) -> usize {
    let arrays = image::arrays(emulator, Stored::Plain);
    let words: usize = arrays.iter().map(|field| field.words().len()).sum();
    4 * words
}

/// The structure, and the built-in constants: those of the order that is compiled in.
pub(super) fn text(images: &[Image; 2]) -> String {
    let [fused, separate] = images;
    let mut text =
        String::from("\n/* All numbers, in memory as in a file. */\nstruct {{prefix}}_weights {\n");
    for field in &fused.fields {
        let (about, declared) = (comment(&field.about), declared(field));
        let _ = writeln!(text, "    {declared}; /* {about} */");
    }
    text += "};\n";
    for (directive, image) in [("#if FUSED", fused), ("#else", separate)] {
        let structure = image.structure;
        let _ = writeln!(text, "{directive}\n#define STRUCTURE {structure:#010X}u");
    }
    text += "#endif\nstatic const struct {{prefix}}_weights BUILT_IN = {\n";
    for (field, other) in fused.fields.iter().zip(&separate.fields) {
        let [value, other] = [field, other].map(literal);
        let _ = if value == other {
            writeln!(text, "    {value},")
        } else {
            writeln!(text, "#if FUSED\n    {value},\n#else\n    {other},\n#endif")
        };
    }
    text + "};\n"
}

/// A field as a member of the structure.
fn declared(field: &Field) -> String {
    let name = &field.name;
    match (&field.values, &name[..]) {
        (Values::Rows(rows), "ranges") => format!("struct range {name}[{}]", rows.len()),
        (Values::Rows(rows), _) => {
            let kind = if is_bits(field) { "uint32_t" } else { "float" };
            let columns = rows.first().map_or(0, Vec::len);
            format!("{kind} {name}[{}][{columns}]", rows.len())
        }
        (Values::Word(_), _) => format!("uint32_t {name}"),
        (Values::Words(words), _) => format!("uint32_t {name}[{}]", words.len()),
        (Values::Number(_), _) => format!("float {name}"),
        _ => format!("float {name}[{}]", field.words().len()),
    }
}

/// Whether values are compared bit by bit; among them may be some without a literal in C.
fn is_bits(field: &Field) -> bool {
    ["golden_mean", "golden_std"].contains(&&field.name[..])
}

/// The value of a field.
fn literal(field: &Field) -> String {
    let number = |value: &f32| {
        if is_bits(field) {
            format!("{:#010X}u", value.to_bits())
        } else {
            self::number(*value)
        }
    };
    let list = |values: &[f32]| format!("{{{}    }}", literals(values.iter().map(number)));
    match &field.values {
        Values::Number(value) => number(value),
        Values::Array(values) => list(values),
        Values::Rows(rows) => {
            let rows: Vec<_> = rows.iter().map(|row| list(row)).collect();
            format!("{{\n    {}}}", rows.join(", "))
        }
        Values::Padding(_) => "{0.0f}".into(),
        Values::Words(words) => {
            let words = words.iter().map(|word| format!("{word:#010X}u"));
            format!("{{{}    }}", literals(words))
        }
        _ => {
            let words = field.words();
            let words = words.iter().map(|word| format!("{word:#010X}u"));
            words.collect::<Vec<_>>().join(", ")
        }
    }
}

/// A literal of the same bits.
pub(super) fn number(value: f32) -> String {
    format!("{value:?}f")
}

/// A name inside a comment: on one line, in ASCII, and without the end of a comment.
pub(super) fn comment(name: &str) -> String {
    let mut text = String::new();
    for sign in name.chars() {
        match sign {
            '*' | '/' | '\\' | '?' => text.push('_'),
            ' '..='~' => text.push(sign),
            _ if sign.is_control() => text.push('_'),
            _ => {
                let _ = write!(text, "<U+{:04X}>", u32::from(sign));
            }
        }
    }
    text
}

/// A string literal; every byte that is not an ordinary character is written in octal.
pub(super) fn string(name: &str) -> String {
    let mut text = String::from("\"");
    for byte in name.bytes() {
        match byte {
            b'"' | b'\\' | b'?' => {
                text.push('\\');
                text.push(char::from(byte));
            }
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\{byte:03o}");
            }
        }
    }
    text.push('"');
    text
}
