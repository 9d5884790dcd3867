//! The constants of frozen code as one image: the content of flash, and of a file that a program
//! can load at run time.
//!
//! Arrays at least as long as a vector come first, each aligned to 64 bytes; the others follow one
//! another. The layout is the same on every target. The last words are a hash of the code that
//! reads the constants, and a checksum.

use crate::domain::Range;
use crate::emulator::Emulator;
use crate::graph::{Parameter, ParameterId};
use crate::local::{Coordinates, Local};
use crate::pack;
use dense_runtime::domain::{LANES, Ranges};
use dense_runtime::self_test::crc32;

/// Words from one multiple of 64 bytes to the next.
const LINE: usize = 16;

/// The version of the layout.
const VERSION: &str = "dense image 1";

/// The storage of weights and centres.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// In blocks for the runtime's kernels.
    Blocks,
    /// As in the graph.
    Plain,
}

/// Offsets and scales as text, for the hash of the code. They are constants of the code, so an
/// image that needs other ones has another structure.
pub(crate) fn relative(emulator: &Emulator) -> String {
    match &emulator.outputs().relative {
        None => String::new(),
        Some(relative) => format!("\nrelative to {relative:?}"),
    }
}

/// The content of a field.
#[derive(Clone, Debug)]
pub(crate) enum Values {
    Number(f32),
    Array(Vec<f32>),
    Rows(Vec<Vec<f32>>),
    /// The trained box, eight inputs at a time.
    Ranges(Vec<Range>),
    /// This many zeros.
    Padding(usize),
    Word(u32),
    Words(Vec<u32>),
}

/// One field of the structure.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) values: Values,
}

/// The fields in their order in memory.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) fields: Vec<Field>,
    /// The hash of layout and code: an image and the program that reads it must agree in it.
    pub(crate) structure: u32,
}

impl Image {
    /// The image of `arrays`: aligned arrays first, then the others; `code` reads them.
    pub(crate) fn new(arrays: Vec<Field>, others: Vec<Field>, code: &str) -> Self {
        let large = |field: &Field| field.words().len() >= LINE;
        let (large, small): (Vec<_>, Vec<_>) = arrays.into_iter().partition(large);
        let mut image = Self {
            fields: Vec::new(),
            structure: 0,
        };
        for field in large {
            image.fields.push(field);
            image.pad(0);
        }
        image.fields.extend(small);
        image.fields.extend(others);
        image.pad(2);
        let names = image.fields.iter();
        let names = names.map(|field| format!("{} {}\n", field.name, field.words().len()));
        let text = format!("{VERSION}\n{}{code}", names.collect::<String>());
        image.structure = crc32(0, text.bytes().map(u32::from));
        image.push(Field::new(
            "structure",
            "Hash of the code that reads these constants.",
            Values::Word(image.structure),
        ));
        let checksum = crc32(0, image.words());
        image.push(Field::new(
            "checksum",
            "CRC-32 over all words before.",
            Values::Word(checksum),
        ));
        image
    }

    fn push(&mut self, field: Field) {
        self.fields.push(field);
    }

    /// Pads so that `more` further words end at a multiple of 64 bytes.
    fn pad(&mut self, more: usize) {
        let words = self.words().count() + more;
        let padding = words.next_multiple_of(LINE) - words;
        if padding > 0 {
            let name = format!("padding{}", self.fields.len());
            let about = "Padding to a multiple of 64 bytes.";
            self.push(Field::new(&name, about, Values::Padding(padding)));
        }
    }

    fn words(&self) -> impl Iterator<Item = u32> {
        self.fields.iter().flat_map(Field::words)
    }

    /// The image as the bytes of a file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.words().flat_map(u32::to_le_bytes).collect()
    }
}

impl Field {
    pub(crate) fn new(name: &str, about: &str, values: Values) -> Self {
        Self {
            name: name.into(),
            about: about.into(),
            values,
        }
    }

    fn array(name: &str, about: &str, values: &[f32]) -> Self {
        Self::new(name, about, Values::Array(values.to_vec()))
    }

    fn number(name: &str, about: &str, value: f32) -> Self {
        Self::new(name, about, Values::Number(value))
    }

    /// The image as words in memory.
    pub(crate) fn words(&self) -> Vec<u32> {
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect();
        match &self.values {
            Values::Number(number) => vec![number.to_bits()],
            Values::Array(values) => bits(values),
            Values::Rows(rows) => bits(&rows.concat()),
            Values::Ranges(ranges) => {
                let block = |ranges: &[Range]| {
                    let ranges: Vec<_> = ranges.iter().map(Range::deployed).collect();
                    Ranges::new(&ranges).words().collect::<Vec<_>>()
                };
                ranges.chunks(LANES).flat_map(block).collect()
            }
            Values::Padding(words) => vec![0; *words],
            Values::Word(word) => vec![*word],
            Values::Words(words) => words.clone(),
        }
    }
}

/// The origin of the constants: the version of this program, and the SHA-256 of the training data
/// in the provenance. Their positions in an image do not depend on their values.
pub(crate) fn origin(emulator: &Emulator) -> [Field; 2] {
    let version = env!("CARGO_PKG_VERSION").split(['.', '-', '+']).take(3);
    let version = version.map(|part| part.parse().unwrap_or(0)).collect();
    let hash = emulator.provenance().get("data_sha256");
    let hash = hash.and_then(|hash| hash.as_str()).unwrap_or_default();
    let word = |word: usize| {
        let digits = hash.get(8 * word..8 * word + 8).unwrap_or_default();
        u32::from_str_radix(digits, 16).unwrap_or(0)
    };
    [
        Field::new(
            "version",
            "Version of the program that froze these constants.",
            Values::Words(version),
        ),
        Field::new(
            "data",
            "SHA-256 of the training data.",
            Values::Words((0..8).map(word).collect()),
        ),
    ]
}

/// The field of a parameter.
pub(crate) fn parameter_field(id: ParameterId, parameter: &Parameter) -> String {
    format!("{}_{}", identifier(parameter.name()), id.index())
}

/// The constants that a call reads beside the trained box: parameters, calibration and local
/// estimates.
pub(crate) fn arrays(emulator: &Emulator, stored: Stored) -> Vec<Field> {
    let parameters = emulator.graph().parameters().iter();
    let parameter = |(id, parameter): (ParameterId, &Parameter)| {
        let about = format!("{:?}, {:?}", parameter.name(), parameter.shape());
        let values = match stored {
            Stored::Blocks => pack::stored(parameter),
            Stored::Plain => parameter.values().to_vec(),
        };
        let name = parameter_field(id, parameter);
        Field::new(&name, &about, Values::Array(values))
    };
    let mut all: Vec<_> = parameters.map(parameter).collect();
    all.extend(local(emulator.local(), stored));
    let calibration = emulator.calibration();
    if let Some(slope) = &calibration.slope {
        all.push(Field::array(
            "slope",
            "Deviation if the members agree, relative to the mean's magnitude.",
            slope,
        ));
    }
    if emulator.members().len() == 1 {
        all.push(Field::array(
            "deviation",
            "Standard deviations: a single member's are constants.",
            &calibration.deviation_of_one(),
        ));
        return all;
    }
    all.extend([
        Field::array(
            "unit",
            "Powers of two near the outputs' deviations.",
            &calibration.unit,
        ),
        Field::array(
            "floor",
            "Variance if the members agree, in squared units.",
            &calibration.floor,
        ),
        Field::number("gain", "Factor of the members' variance.", calibration.gain),
    ]);
    all
}

/// The constants of the estimates that depend on the position of the inputs.
fn local(local: &Local, stored: Stored) -> Vec<Field> {
    let mut all = Vec::new();
    if let Some(scale) = &local.error_scale {
        let Coordinates { centre, scale: per } = &scale.coordinates;
        let [least, most] = scale.limits;
        all.extend([
            Field::array(
                "error_centre",
                "Error scale: subtracted from each input.",
                centre,
            ),
            Field::array("error_per", "Factor of the difference.", per),
            Field::array(
                "error_linear",
                "The exponent's slope at the centre.",
                &scale.linear,
            ),
            Field::array("error_square", "The exponent's curvature.", &scale.square),
            Field::number(
                "error_constant",
                "The exponent at the centre.",
                scale.constant,
            ),
            Field::number("error_least", "The smallest exponent.", least),
            Field::number("error_most", "The largest exponent.", most),
        ]);
    }
    if let Some(coverage) = &local.coverage {
        let Coordinates { centre, scale } = &coverage.coordinates;
        let (about, centres) = match stored {
            Stored::Blocks => (
                "Centres among the training points, eight side by side.",
                coverage.blocks(),
            ),
            Stored::Plain => (
                "Centres among the training points.",
                coverage.centres.clone(),
            ),
        };
        all.extend([
            Field::array(
                "data_centre",
                "Training points: subtracted from each input.",
                centre,
            ),
            Field::array("data_per", "Factor of the difference.", scale),
            Field::array(
                "data_whitening",
                "Matrix to coordinates of unit variance, row by row.",
                &coverage.whitening,
            ),
            Field::array("data_centres", about, &centres),
            Field::number(
                "data_square_radius",
                "Square of the radius around a centre.",
                coverage.square_radius,
            ),
        ]);
    }
    all
}

/// The name as a field's: small letters, digits and underscores, a letter first.
fn identifier(name: &str) -> String {
    let mut identifier = String::from(
        if name.starts_with(|first: char| first.is_ascii_alphabetic()) {
            ""
        } else {
            "p"
        },
    );
    for character in name.chars() {
        let ordinary = character.is_ascii_alphanumeric();
        if ordinary || !identifier.ends_with('_') {
            identifier.push(if ordinary {
                character.to_ascii_lowercase()
            } else {
                '_'
            });
        }
    }
    identifier.trim_end_matches('_').into()
}
