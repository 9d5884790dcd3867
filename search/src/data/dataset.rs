//! The simulator's runs: inputs `x` [n x p], outputs `y` [n x shape], and the metadata of their
//! file.

use super::part::Part;
use dense_codegen::emulator::{Axis, InputVariable, Layout, Relative};

/// A data set that has passed all checks.
///
/// It has at least one row, 1 to 64 inputs and at least one output. Every value is finite. Inputs
/// are at most 1e30 in magnitude. Outputs are at most 1e300; an output that is not zero in all rows
/// reaches at least 1e-300 in some row. Logarithmic inputs are at least `f32::MIN_POSITIVE`. Every
/// box is wide enough for single precision, and input names are unique.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    pub(super) label: String,
    pub(super) sha256: String,
    pub(super) rows: usize,
    pub(super) inputs: Vec<InputVariable>,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    /// Offsets and scales that have been applied to the outputs, if any.
    pub(super) relative: Option<Relative>,
    pub(super) layout: Layout,
    pub(super) shape: Vec<usize>,
    pub(super) output_names: Vec<String>,
    pub(super) axes: Vec<Axis>,
    pub(super) parts: Option<Vec<Part>>,
    pub(super) seconds_per_call: Option<f64>,
    pub(super) notes: Vec<String>,
}

impl Dataset {
    /// The file's name, as used in errors.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Returns the data with new parts of the rows, for a benchmark that holds out rows of its own.
    ///
    /// # Panics
    /// The number of parts differs from the number of rows.
    #[must_use]
    pub fn with_parts(self, parts: Vec<Part>) -> Self {
        assert_eq!(parts.len(), self.rows, "each row has one part");
        Self {
            parts: Some(parts),
            ..self
        }
    }

    /// SHA-256 of the file's bytes, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The number of rows n, at least 1.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The inputs with their trained boxes, in the order of the columns of [`Dataset::x`].
    pub fn inputs(&self) -> &[InputVariable] {
        &self.inputs
    }

    /// Whether an input has the same value in every row, so that its effect cannot be learnt.
    pub fn is_constant(&self, input: usize) -> bool {
        let mut values = self.x.iter().skip(input).step_by(self.input_count());
        let first = values.next();
        values.all(|value| Some(value) == first)
    }

    /// The number of inputs p, 1 to [`MAXIMUM_INPUTS`](super::MAXIMUM_INPUTS).
    pub fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// Inputs `[n][p]`, row-major, in the simulator's units.
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// Outputs `[n][output_count]`, row-major (each output in C order), in the simulator's units,
    /// or as converted by [`Dataset::relative_to`].
    pub fn y(&self) -> &[f64] {
        &self.y
    }

    /// Inputs of one row `[p]`.
    ///
    /// # Panics
    /// `row` is not below [`Dataset::rows`], as with any slice.
    pub fn x_row(&self, row: usize) -> &[f64] {
        &self.x[row * self.input_count()..][..self.input_count()]
    }

    /// Outputs of one row `[output_count]`.
    ///
    /// # Panics
    /// `row` is not below [`Dataset::rows`], as with any slice.
    pub fn y_row(&self, row: usize) -> &[f64] {
        &self.y[row * self.output_count()..][..self.output_count()]
    }

    /// The layout of one output.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The shape of one output: the shape of `y` without n; empty if `y` is one-dimensional.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of values in one output: the product of [`Dataset::shape`], at least 1.
    pub fn output_count(&self) -> usize {
        self.shape.iter().product()
    }

    /// The number of scalars, curves or images in an output.
    pub fn channels(&self) -> usize {
        match self.layout {
            Layout::Scalars => self.output_count(),
            Layout::Curve | Layout::Image => 1,
            Layout::Curves | Layout::Images => self.shape[0],
        }
    }

    /// The name of a scalar, a curve or an image, quoted if it comes from the file: `output "T_e"`,
    /// `output 3`, `the output`.
    pub fn channel_name(&self, channel: usize) -> String {
        match (self.output_names.get(channel), self.channels()) {
            (Some(name), channels) if self.output_names.len() == channels => {
                format!("output {name:?}")
            }
            (_, 1) => "the output".to_owned(),
            _ => format!("output {channel}"),
        }
    }

    /// Names of the outputs: one per value of a row, or one per channel, or none.
    pub fn output_names(&self) -> &[String] {
        &self.output_names
    }

    /// Coordinates along the output's dimensions, if the file has them.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The part of each row, if the file has a split.
    pub fn parts(&self) -> Option<&[Part]> {
        self.parts.as_deref()
    }

    /// CPU seconds of one call of the simulator, if the file gives them.
    pub fn seconds_per_call(&self) -> Option<f64> {
        self.seconds_per_call
    }

    /// Messages for the user about this file: guesses, constant inputs, rows outside the box.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}
