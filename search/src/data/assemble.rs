//! Turns a [`Draft`] into a [`Dataset`]. All checks on the values of a data set are in this module.

use super::columns::shape_error;
use super::dataset::Dataset;
use super::draft::Draft;
use super::error::{DataError, Place};
use super::faults::{Fault, Faults};
use super::files::ReadOptions;
use super::layout::{expected_shape, fits, guess};
use super::limits::{LARGEST_MAGNITUDE, LARGEST_OUTPUT, MAXIMUM_INPUTS};
use super::mend;
use super::part::Part;
use dense_codegen::emulator::{InputVariable, Layout};

/// Boxes narrower than this are refused: the inverse of [`LARGEST_MAGNITUDE`].
const SMALLEST_MAGNITUDE: f64 = 1e-30;
/// Nonzero outputs that never reach this magnitude are refused.
const SMALLEST_OUTPUT: f64 = 1.0 / LARGEST_OUTPUT;
/// Smallest width of a box in steps of single precision. Rounding an input to `f32` then moves it
/// by at most a ten-thousandth of the box.
const MINIMUM_BOX_STEPS: f64 = 1e4;
const STEP: f64 = f32::EPSILON as f64;
/// Half-width of the box of a constant input, relative to its value. A box of 12 % passes
/// [`MINIMUM_BOX_STEPS`] for every magnitude, also after a logarithm (of at most 88).
const CONSTANT_HALF_WIDTH: f64 = 0.06;

impl Draft {
    /// Checks everything and returns the data set.
    pub(super) fn assemble(
        mut self,
        options: &ReadOptions,
        sha256: String,
    ) -> Result<Dataset, DataError> {
        let notes = std::mem::take(&mut self.notes);
        let variables = self.check_inputs()?;
        let input_notes = std::mem::replace(&mut self.notes, notes);
        self.check_names("output names", &self.output_names)?;
        let layout = self.layout(options)?;
        self.check_output_names(layout)?;
        self.check_scale()?;
        let parts = self.parts()?;
        self.notes.extend(input_notes);
        Ok(Dataset {
            label: self.file,
            sha256,
            rows: self.rows,
            inputs: variables,
            x: self.x,
            y: self.y,
            relative: None,
            layout,
            shape: self.shape,
            output_names: self.output_names,
            axes: self.axes,
            parts,
            seconds_per_call: self.seconds_per_call,
            notes: self.notes,
        })
    }

    /// Makes all checks that concern inputs alone, for data files and for designs
    /// ([`super::design_check`]).
    pub(super) fn check_inputs(&mut self) -> Result<Vec<InputVariable>, DataError> {
        let inputs = self.input_names.len();
        if inputs == 0 || inputs > MAXIMUM_INPUTS {
            return Err(DataError::InputCount {
                file: self.file.clone(),
                got: inputs,
            });
        }
        self.check_names("input names", &self.input_names)?;
        self.check_values()?;
        let variables = self.variables()?;
        self.note_rows_outside(&variables);
        Ok(variables)
    }

    fn check_names(&self, what: &'static str, names: &[String]) -> Result<(), DataError> {
        let mut seen = std::collections::HashSet::new();
        for name in names {
            if name.trim().is_empty() || name.contains(char::is_control) || !seen.insert(name) {
                return Err(DataError::Name {
                    file: self.file.clone(),
                    what,
                    name: name.clone(),
                });
            }
        }
        Ok(())
    }

    /// The layout from the options, else from the file, else from the sizes.
    fn layout(&mut self, options: &ReadOptions) -> Result<Layout, DataError> {
        let mismatch = |expected: &str, advice| {
            shape_error(
                &self.file,
                "y",
                expected,
                &[&[self.rows], &self.shape[..]].concat(),
                advice,
            )
        };
        if let Some(layout) = options.layout.or(self.declared_layout) {
            if !fits(layout, &self.shape) {
                let advice = "choose another --layout or store \"y\" in that shape";
                return Err(mismatch(
                    &format!("{} for the layout {layout}", expected_shape(layout)),
                    advice,
                ));
            }
            return Ok(layout);
        }
        let layout = guess(&self.shape)
            .ok_or_else(|| mismatch("of at most 4 sizes", "store channels as one size"))?;
        if self.lines.is_some() && layout != Layout::Scalars {
            self.notes.push(format!(
                "the {} outputs are taken as one {layout}, in the order of their columns and with one unit; --layout scalars takes each as a \
                 number of its own",
                self.output_names.len()
            ));
        }
        if self.lines.is_none() {
            self.notes.push(format!(
                "layout guessed from the shape of y: {layout} (y_layout in the file or --layout says otherwise)"
            ));
        }
        Ok(layout)
    }

    fn check_output_names(&self, layout: Layout) -> Result<(), DataError> {
        let names = self.output_names.len();
        let count: usize = self.shape.iter().product();
        let channels = match layout {
            Layout::Scalars => count,
            Layout::Curve | Layout::Image => 1,
            Layout::Curves | Layout::Images => self.shape[0],
        };
        if names == 0 || names == channels || names == count {
            return Ok(());
        }
        Err(shape_error(
            &self.file,
            "y_names",
            &format!("({channels})"),
            &[names],
            "store one name for each scalar or channel, or leave the array out",
        ))
    }

    /// Reports all unusable values at once, including those of outputs if there are any.
    fn check_values(&self) -> Result<(), DataError> {
        let (inputs, outputs) = (self.input_names.len(), self.y.len() / self.rows.max(1));
        let mut faults = Faults::default();
        for row in 0..self.rows {
            let line = self.lines.as_ref().map_or(row as u64, |lines| lines[row]);
            for (column, &value) in self.x[row * inputs..][..inputs].iter().enumerate() {
                let small = self.logarithmic[column] && value < f64::from(f32::MIN_POSITIVE);
                let fault = Fault::of(value).or_else(|| small.then_some(Fault::NotPositive(value)));
                if let Some(fault) = fault {
                    let name = self.input_names[column].clone();
                    faults.push(line, fault, || self.place("x", row, name));
                }
            }
            for element in 0..outputs {
                if let Some(fault) = Fault::of_output(self.y[row * outputs + element]) {
                    let name = || self.output_name(element);
                    faults.push(line, fault, || self.place("y", row, name()));
                }
            }
        }
        let mending = |rows: &[u64]| match &self.lines {
            // A quoted row may span several lines.
            Some(lines) if lines.windows(2).all(|pair| pair[0] + 1 == pair[1]) => {
                mend::drop_lines(&self.file, rows)
            }
            Some(_) => None,
            None => Some(mend::keep_usable_rows(&self.file)),
        };
        match faults.error(&self.file, self.rows, mending) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Refuses outputs that are too small to divide by.
    fn check_scale(&self) -> Result<(), DataError> {
        let outputs: usize = self.shape.iter().product();
        let mut largest = vec![0.0f64; outputs];
        for row in self.y.chunks_exact(outputs) {
            for (largest, value) in largest.iter_mut().zip(row) {
                *largest = largest.max(value.abs());
            }
        }
        let small = |&value: &f64| value > 0.0 && value < SMALLEST_OUTPUT;
        match largest.iter().position(small) {
            None => Ok(()),
            Some(element) => Err(DataError::TooSmall {
                file: self.file.clone(),
                output: self.output_name(element),
                value: largest[element],
            }),
        }
    }

    /// The name of one value of an output, or its indices.
    fn output_name(&self, mut element: usize) -> String {
        let count: usize = self.shape.iter().product();
        if self.output_names.len() == count {
            return self.output_names[element].clone();
        }
        if self.shape.is_empty() {
            return "y".to_owned();
        }
        let mut indices = Vec::new();
        for &size in self.shape.iter().rev() {
            indices.push((element % size).to_string());
            element /= size;
        }
        indices.reverse();
        indices.join(", ")
    }

    fn place(&self, array: &str, row: usize, column: String) -> Place {
        match &self.lines {
            Some(lines) => Place::Line {
                line: lines[row],
                column,
            },
            None => Place::Row {
                array: array.to_owned(),
                row,
                column,
            },
        }
    }

    fn parts(&self) -> Result<Option<Vec<Part>>, DataError> {
        let Some(split) = &self.split else {
            return Ok(None);
        };
        let part = |value: f64| {
            let mut parts = Part::ALL.into_iter();
            parts.find(|part| f64::from(part.number()) == value)
        };
        let bad = split.iter().enumerate();
        let bad: Vec<(usize, f64)> = bad
            .map(|(row, &value)| (row, value))
            .filter(|&(_, value)| part(value).is_none())
            .collect();
        match bad.first() {
            Some(&(row, value)) => Err(DataError::SplitValue {
                file: self.file.clone(),
                row,
                value,
                bad_rows: bad.len(),
            }),
            None => Ok(Some(
                split.iter().filter_map(|&value| part(value)).collect(),
            )),
        }
    }

    /// The inputs and their boxes.
    fn variables(&mut self) -> Result<Vec<InputVariable>, DataError> {
        let mut variables = Vec::new();
        if self.limits.is_none() {
            self.notes
                .push("no x_low and x_high: the trained box is the range of the data".to_owned());
        }
        for (column, name) in self.input_names.iter().enumerate() {
            let values = || self.x.iter().skip(column).step_by(self.input_names.len());
            let least = values().copied().fold(f64::INFINITY, f64::min);
            let greatest = values().copied().fold(f64::NEG_INFINITY, f64::max);
            let constant = least == greatest;
            let (mut low, mut high) = match &self.limits {
                Some((low, high)) => (low[column], high[column]),
                None => (least, greatest),
            };
            if constant {
                self.notes.push(format!(
                    "input {name:?} is {least:?} in every row: nothing can be learnt about it, the emulator ignores it"
                ));
                if low == high && low == least {
                    let half = CONSTANT_HALF_WIDTH * if least == 0.0 { 1.0 } else { least.abs() };
                    (low, high) = (least - half, least + half);
                }
            }
            let variable = InputVariable {
                name: name.clone(),
                low,
                high,
                logarithmic: self.logarithmic[column],
            };
            self.check_box(&variable)?;
            variables.push(variable);
        }
        Ok(variables)
    }

    fn check_box(&self, input: &InputVariable) -> Result<(), DataError> {
        let InputVariable {
            low,
            high,
            logarithmic,
            ..
        } = *input;
        let refuse = |advice| DataError::Box {
            file: self.file.clone(),
            input: input.name.clone(),
            low,
            high,
            advice,
        };
        let magnitude = low.abs().max(high.abs());
        if !(low < high && magnitude <= LARGEST_MAGNITUDE) {
            return Err(refuse(
                "repair x_low and x_high, or leave both out (magnitudes up to 1e30)",
            ));
        }
        if high - low < SMALLEST_MAGNITUDE {
            return Err(refuse(
                "this is too narrow for single precision: choose another unit",
            ));
        }
        if logarithmic {
            if low < f64::from(f32::MIN_POSITIVE) {
                return Err(refuse(
                    "a logarithmic input needs x_low above 1.2e-38: repair x_low or set its x_log to False",
                ));
            }
            let (low, high) = (low.ln(), high.ln());
            // Rounding x moves the logarithm by one step; rounding the logarithm moves it by one
            // step of its magnitude.
            let step = STEP * low.abs().max(high.abs()).max(1.0);
            if high - low < MINIMUM_BOX_STEPS * step {
                return Err(refuse(
                    "this is too narrow for a logarithm in single precision: set its x_log to False",
                ));
            }
        } else if high - low < MINIMUM_BOX_STEPS * STEP * magnitude {
            return Err(refuse(
                "this is too narrow beside its magnitude for single precision: store the input less a constant",
            ));
        }
        Ok(())
    }

    fn note_rows_outside(&mut self, inputs: &[InputVariable]) {
        let outside = |row: &[f64]| {
            row.iter()
                .zip(inputs)
                .position(|(&value, input)| value < input.low || value > input.high)
        };
        let rows: Vec<(usize, usize)> = self
            .x
            .chunks_exact(inputs.len())
            .enumerate()
            .filter_map(|(row, values)| Some((row, outside(values)?)))
            .collect();
        if let Some(&(row, column)) = rows.first() {
            self.notes.push(format!(
                "{} of {} rows lie outside x_low to x_high (first: row {row}, input {:?}); they are used, but the emulator calls only the box its domain",
                rows.len(),
                self.rows,
                inputs[column].name
            ));
        }
    }
}
