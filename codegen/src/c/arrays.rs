//! The numbers of the C file: every parameter once, as it is in the graph, the calibration, and the golden vectors.

use crate::emulator::Emulator;
use crate::graph::ParameterId;
use crate::rust::literals;
use std::fmt::Write as _;

/// One array of constants.
pub(super) struct Array {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) values: Vec<f32>,
}

/// All arrays of an emulator, in the order in which they are written and hashed: the parameters come first.
pub(super) fn arrays(emulator: &Emulator) -> Vec<Array> {
    let parameters = emulator.graph().parameters().iter();
    let mut arrays: Vec<_> = parameters
        .map(|(id, parameter)| Array {
            name: parameter_name(emulator, id),
            about: format!("{}, {:?}", comment(parameter.name()), parameter.shape()),
            values: parameter.values().to_vec(),
        })
        .collect();
    let calibration = emulator.calibration();
    let mut push = |name: &str, about: &str, values: Vec<f32>| {
        arrays.push(Array {
            name: name.into(),
            about: about.into(),
            values,
        });
    };
    if emulator.members().len() == 1 {
        let about = "Standard deviations: a single member's are constants.";
        push("DEVIATION", about, calibration.deviation_of_one());
    } else {
        let about = "Powers of two near the outputs' deviations.";
        push("UNIT", about, calibration.unit.clone());
        let about = "Variance that remains where the members agree, in squared units.";
        push("FLOOR", about, calibration.floor.clone());
    }
    let local = emulator.local();
    if let Some(scale) = &local.error_scale {
        let about = "The scale of errors: what makes coordinates of inputs.";
        push("ERROR_CENTRE", about, scale.coordinates.centre.clone());
        push("ERROR_SCALE", about, scale.coordinates.scale.clone());
        let about = "Coefficients of the exponent.";
        push("LINEAR", about, scale.linear.clone());
        push("SQUARE", about, scale.square.clone());
        let [least, most] = scale.limits;
        let about = "The exponent at the centre, its least and its greatest.";
        push("EXPONENT", about, vec![scale.constant, least, most]);
    }
    if let Some(coverage) = &local.coverage {
        let about = "Where training points are: what makes coordinates of inputs.";
        let coordinates = &coverage.coordinates;
        push("COVERAGE_CENTRE", about, coordinates.centre.clone());
        push("COVERAGE_SCALE", about, coordinates.scale.clone());
        let about = "Coordinates of unit variance, a row each.";
        push("WHITENING", about, coverage.whitening.clone());
        push(
            "CENTRES",
            "Points near which there are training points.",
            coverage.centres.clone(),
        );
        push(
            "SQUARE_RADIUS",
            "How near, squared.",
            vec![coverage.square_radius],
        );
    }
    arrays
}

/// The name of a parameter's array.
pub(super) fn parameter_name(emulator: &Emulator, id: ParameterId) -> String {
    let parameter = emulator.graph().parameters().get(id);
    let name = parameter.map_or("", |parameter| parameter.name());
    let ordinary = |sign: char| match sign.is_ascii_alphanumeric() {
        true => sign.to_ascii_uppercase(),
        false => '_',
    };
    let name: String = name.chars().map(ordinary).collect();
    format!("P{}_{name}", id.index())
}

/// Bytes of constants that one call reads.
pub(super) fn flash_bytes(emulator: &Emulator) -> usize {
    let arrays = arrays(emulator);
    let numbers: usize = arrays.iter().map(|array| array.values.len()).sum();
    4 * numbers
}

/// The arrays' text.
pub(super) fn text(arrays: &[Array]) -> String {
    let mut text = String::new();
    for Array {
        name,
        about,
        values,
    } in arrays
    {
        let count = values.len();
        let _ = write!(
            text,
            "\n/* {about} */\nstatic const float {name}[{count}] = {{"
        );
        text += &literals(values.iter().map(|&value| literal(value)));
        text += "};\n";
    }
    text
}

/// A literal of the same bits.
pub(super) fn literal(value: f32) -> String {
    format!("{value:?}f")
}

/// A name inside a comment: on one line, and without an end of the comment.
pub(super) fn comment(name: &str) -> String {
    let sign = |sign: char| {
        if sign.is_control() || "*/\\?".contains(sign) {
            '_'
        } else {
            sign
        }
    };
    name.chars().map(sign).collect()
}

/// A string literal: every byte that is no ordinary sign by its octal number.
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
