//! The simulator's runs: inputs `x` [n x p], outputs `y` [n x shape], and what the file says about them.

use super::part::Part;
use dense_codegen::emulator::{Axis, InputVariable, Layout, Relative};

/// A data set that has passed every check.
///
/// Holds at least one row, 1 to 64 inputs and one output. Every number is finite; inputs are at most 1e30 in magnitude, outputs at
/// most 1e300, and at least 1e-300 in some row where they are not zero in all; logarithmic inputs are at least `f32::MIN_POSITIVE`; every box is wide enough for single precision; every input name
/// is unique.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    pub(super) label: String,
    pub(super) sha256: String,
    pub(super) rows: usize,
    pub(super) inputs: Vec<InputVariable>,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    /// What outputs are less and over, where they are not those of the file.
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
    /// The file's name, as errors give it.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Returns the data with each row's part given anew, for a benchmark that holds out rows of its own.
    ///
    /// # Panics
    /// There is not one part for each row.
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

    /// The inputs and the trained box, in the order of the columns of [`Dataset::x`].
    pub fn inputs(&self) -> &[InputVariable] {
        &self.inputs
    }

    /// Whether an input has the same value in every row, so that nothing can be learnt about it.
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

    /// Outputs `[n][output_count]`, row-major (the output itself in C order), in the simulator's units, or as
    /// [`Dataset::relative_to`] made them.
    pub fn y(&self) -> &[f64] {
        &self.y
    }

    /// Inputs of one row `[p]`.
    ///
    /// # Panics
    /// When `row` is not below [`Dataset::rows`], as with any slice.
    pub fn x_row(&self, row: usize) -> &[f64] {
        &self.x[row * self.input_count()..][..self.input_count()]
    }

    /// Outputs of one row `[output_count]`.
    ///
    /// # Panics
    /// When `row` is not below [`Dataset::rows`], as with any slice.
    pub fn y_row(&self, row: usize) -> &[f64] {
        &self.y[row * self.output_count()..][..self.output_count()]
    }

    /// The layout of one output.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The shape of one output: that of `y` without n; empty where `y` is one-dimensional.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The count of numbers in one output: the product of [`Dataset::shape`], at least 1.
    pub fn output_count(&self) -> usize {
        self.shape.iter().product()
    }

    /// How many scalars, curves or images an output has.
    pub fn channels(&self) -> usize {
        match self.layout {
            Layout::Scalars => self.output_count(),
            Layout::Curve | Layout::Image => 1,
            Layout::Curves | Layout::Images => self.shape[0],
        }
    }

    /// The name of a scalar, a curve or an image, in quotes where the file gives it: `output "T_e"`, `output 3`, `the output`.
    pub fn channel_name(&self, channel: usize) -> String {
        match (self.output_names.get(channel), self.channels()) {
            (Some(name), channels) if self.output_names.len() == channels => {
                format!("output {name:?}")
            }
            (_, 1) => "the output".to_owned(),
            _ => format!("output {channel}"),
        }
    }

    /// Names of the outputs: one for each number of a row, or one for each channel, or none at all.
    pub fn output_names(&self) -> &[String] {
        &self.output_names
    }

    /// Coordinates along the output's dimensions, as far as the file has them.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The part to which each row belongs, where the file says so.
    pub fn parts(&self) -> Option<&[Part]> {
        self.parts.as_deref()
    }

    /// CPU seconds of one call of the simulator, where the file says so.
    pub fn seconds_per_call(&self) -> Option<f64> {
        self.seconds_per_call
    }

    /// What the user should be told about this file: guesses made, constant inputs, rows outside the box.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}
