//! `weights.rs` of a frozen crate: every number that the code reads, as statics, each once.

use crate::emulator::Emulator;
use crate::graph::ParameterId;
use crate::local::{Coordinates, Local};
use crate::pack;
use std::collections::HashMap;
use std::fmt::Write as _;

/// One static array.
pub(super) struct Static {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) values: Vec<f32>,
}

/// The statics of a frozen emulator, in the order in which they are written and hashed.
pub(super) struct Statics {
    pub(super) all: Vec<Static>,
    parameters: HashMap<ParameterId, String>,
}

impl Statics {
    pub(super) fn new(emulator: &Emulator) -> Self {
        let mut statics = Self {
            all: Vec::new(),
            parameters: HashMap::new(),
        };
        for (id, parameter) in emulator.graph().parameters().iter() {
            let name = format!("{}_{}", identifier(parameter.name()), id.index());
            let about = format!("{:?}, {:?}", parameter.name(), parameter.shape());
            statics.all.push(Static {
                name: name.clone(),
                about,
                values: pack::stored(parameter),
            });
            statics.parameters.insert(id, name);
        }
        statics.all.extend(local(emulator.local()));
        let calibration = emulator.calibration();
        if emulator.members().len() == 1 {
            statics.all.push(Static {
                name: "DEVIATION".into(),
                about: "Standard deviations: a single member's are constants.".into(),
                values: calibration.deviation_of_one(),
            });
            return statics;
        }
        let about = "Powers of two near the outputs' deviations.".into();
        statics.all.push(Static {
            name: "UNIT".into(),
            about,
            values: calibration.unit.clone(),
        });
        let about = "Variance that remains where the members agree, in squared units.".into();
        statics.all.push(Static {
            name: "FLOOR".into(),
            about,
            values: calibration.floor.clone(),
        });
        statics
    }

    /// The path by which `model.rs` reads a parameter.
    pub(super) fn path(&self, parameter: ParameterId) -> String {
        format!("weights::{}.0", self.parameters[&parameter])
    }

    /// The file's text.
    pub(super) fn text(&self) -> String {
        let mut text = String::from(
            "//! The emulator's numbers. Generated; every literal reads back to the same bits.\n\
             #![allow(\n    clippy::approx_constant,\n    clippy::excessive_precision,\n    \
             reason = \"a trained number may lie near a famous one\"\n)]\n\n\
             use dense_runtime::predict::Aligned;\n",
        );
        for Static {
            name,
            about,
            values,
        } in &self.all
        {
            let _ = write!(
                text,
                "\n/// {about}\n#[rustfmt::skip]\npub static {name}: Aligned<[f32; {}]> = Aligned([",
                values.len()
            );
            text.push_str(&literals(values.iter().map(|value| format!("{value:?}"))));
            text.push_str("]);\n");
        }
        text
    }
}

/// The arrays of what depends on where the inputs lie.
fn local(local: &Local) -> Vec<Static> {
    let array = |name: &str, about: &str, values: &[f32]| Static {
        name: name.into(),
        about: about.into(),
        values: values.to_vec(),
    };
    let mut all = Vec::new();
    if let Some(scale) = &local.error_scale {
        let Coordinates { centre, scale: per } = &scale.coordinates;
        all.extend([
            array(
                "ERROR_CENTRE",
                "Of the scale of errors: what is subtracted from each input.",
                centre,
            ),
            array("ERROR_PER", "What the difference is multiplied with.", per),
            array(
                "ERROR_LINEAR",
                "The exponent's slope at the centre.",
                &scale.linear,
            ),
            array("ERROR_SQUARE", "The exponent's curvature.", &scale.square),
        ]);
    }
    if let Some(coverage) = &local.coverage {
        let Coordinates { centre, scale } = &coverage.coordinates;
        all.extend([
            array(
                "DATA_CENTRE",
                "Of the training points: what is subtracted from each input.",
                centre,
            ),
            array("DATA_PER", "What the difference is multiplied with.", scale),
            array(
                "DATA_WHITENING",
                "Coordinates of unit variance, row by row.",
                &coverage.whitening,
            ),
            array(
                "DATA_CENTRES",
                "Centres among the training points, eight side by side.",
                &coverage.blocks(),
            ),
        ]);
    }
    all
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

/// The name as a static's: capitals, digits and underscores, a letter first.
fn identifier(name: &str) -> String {
    let mut identifier = String::from(
        if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            ""
        } else {
            "P"
        },
    );
    for character in name.chars() {
        let ordinary = character.is_ascii_alphanumeric();
        if ordinary || !identifier.ends_with('_') {
            identifier.push(if ordinary {
                character.to_ascii_uppercase()
            } else {
                '_'
            });
        }
    }
    identifier.trim_end_matches('_').into()
}
