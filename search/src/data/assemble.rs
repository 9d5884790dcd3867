//! From the arrays or columns of a file to a [`Dataset`]: every check on data stands here.
//!
//! A [`Draft`] holds what the file says; [`Draft::assemble`] turns it into a valid value or says what is wrong.

use super::csv;
use super::dataset::{Axis, Dataset, Input, MAXIMUM_INPUTS, ReadOptions};
use super::error::{DataError, Place, list, shape_text};
use super::layout::Layout;
use super::npy::{Header, Kind};
use super::npz::Archive;
use super::split::Part;

/// Numbers beyond this, and output sets that never exceed its inverse, are refused: their squares and ratios leave the
/// range of single precision.
const LARGEST_MAGNITUDE: f64 = 1e30;
const SMALLEST_MAGNITUDE: f64 = 1e-30;
/// A box has to be at least this many steps of single precision wide, so that rounding an input to `f32` moves it by
/// at most a ten-thousandth of the box.
const MINIMUM_BOX_STEPS: f64 = 1e4;
const STEP: f64 = f32::EPSILON as f64;
/// Half-width given to the box of a constant input, relative to its value: a box of 12 % passes [`MINIMUM_BOX_STEPS`]
/// for every magnitude, also after a logarithm (of at most 88).
const CONSTANT_HALF_WIDTH: f64 = 0.06;

/// Arrays with a meaning of their own, which are never axes.
const RESERVED: [&str; 10] = [
    "x",
    "y",
    "x_names",
    "x_log",
    "x_low",
    "x_high",
    "split",
    "y_names",
    "sec_per_call",
    "y_layout",
];

/// What a file says, unchecked except for types and sizes.
pub(super) struct Draft {
    file: String,
    /// Lines of the rows, where the file is a `.csv`.
    lines: Option<Vec<u64>>,
    input_names: Vec<String>,
    logarithmic: Vec<bool>,
    /// Lower and upper limits, where the file gives them.
    limits: Option<(Vec<f64>, Vec<f64>)>,
    x: Vec<f64>,
    y: Vec<f32>,
    /// The first output (flat index) that single precision cannot hold, with its value.
    bad_output: Option<(usize, f64)>,
    /// The largest magnitude of the outputs before rounding.
    largest_output: f64,
    shape: Vec<usize>,
    declared_layout: Option<Layout>,
    output_names: Vec<String>,
    axes: Vec<Axis>,
    split: Option<Vec<f64>>,
    seconds_per_call: Option<f64>,
    notes: Vec<String>,
    rows: usize,
}

impl Draft {
    /// Reads the arrays of a `.npz`.
    pub(super) fn from_npz(
        bytes: &[u8],
        file: &str,
        options: &ReadOptions,
    ) -> Result<Self, DataError> {
        let mut archive = Archive::open(bytes, file)?;
        let (rows, inputs) = x_shape(archive.required("x")?, file)?;
        let y_shape = archive.required("y")?.shape().to_vec();
        if y_shape.first() != Some(&rows) {
            return Err(shape_error(
                file,
                "y",
                &format!("({rows}, ...) with as many rows as \"x\""),
                &y_shape,
                "store one row of \"y\" for each row of \"x\"",
            ));
        }
        let shape = y_shape[1..].to_vec();
        if shape.contains(&0) {
            return Err(DataError::NoOutputs {
                file: file.to_owned(),
                got: shape_text(&y_shape),
            });
        }
        if rows == 0 {
            return Err(DataError::NoRows {
                file: file.to_owned(),
            });
        }
        let layout_text = archive.optional_strings("y_layout")?;
        let declared_layout = match layout_text.as_deref() {
            None => None,
            Some([text]) => Some(text.parse().map_err(|reason| DataError::LayoutName {
                file: file.to_owned(),
                reason,
            })?),
            Some(texts) => {
                return Err(shape_error(
                    file,
                    "y_layout",
                    "()",
                    &[texts.len()],
                    "store one text",
                ));
            }
        };
        let columns = PerInput { file, inputs };
        let names = archive.optional_strings("x_names")?;
        let flags = archive.optional_numbers("x_log")?;
        let low = archive.optional_numbers("x_low")?;
        let high = archive.optional_numbers("x_high")?;
        let split = archive.optional_numbers("split")?;
        if let Some(split) = &split
            && split.len() != rows
        {
            return Err(shape_error(
                file,
                "split",
                &format!("({rows})"),
                &[split.len()],
                "store 0, 1 or 2 for each row",
            ));
        }
        let seconds = archive.optional_numbers("sec_per_call")?;
        let mut watch = Watch::default();
        let mut draft = Self {
            file: file.to_owned(),
            lines: None,
            input_names: columns
                .check("x_names", names)?
                .unwrap_or_else(|| (0..inputs).map(|column| format!("x{column}")).collect()),
            logarithmic: columns
                .check("x_log", flags)?
                .map_or(vec![false; inputs], |flags| {
                    flags.iter().map(|&flag| flag != 0.0).collect()
                }),
            limits: columns
                .check("x_low", low)?
                .zip(columns.check("x_high", high)?),
            x: archive.numbers("x", |_, value| value)?,
            y: archive.numbers("y", |index, value| watch.round(index, value))?,
            bad_output: watch.first_bad,
            largest_output: watch.largest,
            shape,
            declared_layout,
            output_names: archive.optional_strings("y_names")?.unwrap_or_default(),
            axes: Vec::new(),
            split,
            seconds_per_call: seconds
                .and_then(|values| values.first().copied())
                .filter(|seconds| seconds.is_finite() && *seconds > 0.0),
            notes: Vec::new(),
            rows,
        };
        draft.axes = axes(&mut archive, &draft.shape, &mut draft.notes)?;
        draft.select_inputs(&options.inputs)?;
        draft.select_outputs(options)?;
        Ok(draft)
    }

    /// Reads the columns of a `.csv` that `options` names.
    pub(super) fn from_csv(
        bytes: &[u8],
        file: &str,
        options: &ReadOptions,
    ) -> Result<Self, DataError> {
        for (option, wanted) in [
            ("--inputs", &options.inputs),
            ("--outputs", &options.outputs),
        ] {
            if wanted.is_empty() {
                return Err(DataError::ColumnsNotNamed {
                    file: file.to_owned(),
                    option,
                    found: list(csv::header(bytes, file)?.iter().map(String::as_str)),
                });
            }
        }
        let (inputs, outputs) = (options.inputs.len(), options.outputs.len());
        if let Some(layout) = options.layout
            && !layout.fits(&[outputs])
        {
            return Err(DataError::Options {
                file: file.to_owned(),
                reason: format!(
                    "a .csv holds scalars or one curve, got --layout {layout}; store {layout} as .npz"
                ),
            });
        }
        let wanted = [&options.inputs[..], &options.outputs[..]].concat();
        let columns = csv::read(bytes, file, &wanted)?;
        let rows = columns.lines.len();
        let mut watch = Watch::default();
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for row in columns.values.chunks_exact(inputs + outputs) {
            let (row_x, row_y) = row.split_at(inputs);
            x.extend_from_slice(row_x);
            for &value in row_y {
                y.push(watch.round(y.len(), value));
            }
        }
        if rows == 0 {
            return Err(DataError::NoRows {
                file: file.to_owned(),
            });
        }
        Ok(Self {
            file: file.to_owned(),
            lines: Some(columns.lines),
            input_names: options.inputs.clone(),
            logarithmic: vec![false; inputs],
            limits: None,
            x,
            y,
            bad_output: watch.first_bad,
            largest_output: watch.largest,
            shape: vec![outputs],
            declared_layout: None,
            output_names: options.outputs.clone(),
            axes: Vec::new(),
            split: None,
            seconds_per_call: None,
            notes: Vec::new(),
            rows,
        })
    }

    /// Checks everything and returns the data set.
    pub(super) fn assemble(
        mut self,
        options: &ReadOptions,
        sha256: String,
    ) -> Result<Dataset, DataError> {
        let inputs = self.input_names.len();
        if inputs == 0 || inputs > MAXIMUM_INPUTS {
            return Err(DataError::InputCount {
                file: self.file,
                got: inputs,
            });
        }
        self.check_names("input names", &self.input_names)?;
        self.check_names("output names", &self.output_names)?;
        let layout = self.layout(options)?;
        self.check_output_names(layout)?;
        self.check_x()?;
        self.check_y()?;
        let parts = self.parts()?;
        let variables = self.variables()?;
        self.note_rows_outside(&variables);
        Ok(Dataset {
            label: self.file,
            sha256,
            rows: self.rows,
            inputs: variables,
            x: self.x,
            y: self.y,
            layout,
            shape: self.shape,
            output_names: self.output_names,
            axes: self.axes,
            parts,
            seconds_per_call: self.seconds_per_call,
            notes: self.notes,
        })
    }

    /// Keeps the inputs called `wanted`, in that order; all where none is named.
    fn select_inputs(&mut self, wanted: &[String]) -> Result<(), DataError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let columns = positions(&self.file, wanted, &self.input_names)?;
        self.x = pick(&self.x, self.input_names.len(), &columns);
        self.input_names = wanted.to_vec();
        self.logarithmic = pick(&self.logarithmic, self.logarithmic.len(), &columns);
        if let Some((low, high)) = &mut self.limits {
            *low = pick(low, low.len(), &columns);
            *high = pick(high, high.len(), &columns);
        }
        Ok(())
    }

    /// Keeps the scalar outputs that `options` names, in that order; all where none is named.
    fn select_outputs(&mut self, options: &ReadOptions) -> Result<(), DataError> {
        let wanted = &options.outputs;
        if wanted.is_empty() {
            return Ok(());
        }
        let count: usize = self.shape.iter().product();
        if self.shape.len() > 1 || self.output_names.len() != count {
            return Err(DataError::Options {
                file: self.file.clone(),
                reason: format!(
                    "--outputs chooses among scalars with names (\"y_names\"), got \"y\" with rows of shape {} and {} names; leave --outputs out",
                    shape_text(&self.shape),
                    self.output_names.len()
                ),
            });
        }
        let columns = positions(&self.file, wanted, &self.output_names)?;
        self.y = pick(&self.y, count, &columns);
        self.bad_output = self.bad_output.and_then(|(index, value)| {
            let column = columns.iter().position(|&column| column == index % count)?;
            Some((index / count * columns.len() + column, value))
        });
        self.output_names = wanted.clone();
        self.shape = vec![columns.len()];
        Ok(())
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

    /// The layout from the options, the file or the sizes, in this order.
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
            if !layout.fits(&self.shape) {
                let advice = "choose another --layout or store \"y\" in that shape";
                return Err(mismatch(
                    &format!("{} for the layout {layout}", layout.expected_shape()),
                    advice,
                ));
            }
            return Ok(layout);
        }
        let layout = Layout::guess(&self.shape)
            .ok_or_else(|| mismatch("of at most 4 sizes", "store channels as one size"))?;
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

    fn check_x(&self) -> Result<(), DataError> {
        let inputs = self.input_names.len();
        for (index, &value) in self.x.iter().enumerate() {
            let (file, column) = (self.file.clone(), index % inputs);
            let place = || self.place("x", index / inputs, self.input_names[column].clone());
            if !value.is_finite() {
                return Err(DataError::NotFinite {
                    file,
                    place: place(),
                    value,
                });
            }
            if value.abs() > LARGEST_MAGNITUDE {
                return Err(DataError::OutOfRange {
                    file,
                    place: place(),
                    value,
                });
            }
            if self.logarithmic[column] && value < f64::from(f32::MIN_POSITIVE) {
                return Err(DataError::NotPositive {
                    file,
                    place: place(),
                    value,
                });
            }
        }
        Ok(())
    }

    fn check_y(&self) -> Result<(), DataError> {
        let file = self.file.clone();
        if let Some((index, value)) = self.bad_output {
            let count: usize = self.shape.iter().product();
            let place = self.place("y", index / count, self.output_name(index % count));
            return Err(if value.is_finite() {
                DataError::OutOfRange { file, place, value }
            } else {
                DataError::NotFinite { file, place, value }
            });
        }
        if self.largest_output > 0.0 && self.largest_output < SMALLEST_MAGNITUDE {
            return Err(DataError::TooSmall {
                file,
                value: self.largest_output,
            });
        }
        Ok(())
    }

    /// The name of one number of an output, or its indices.
    fn output_name(&self, mut element: usize) -> String {
        let count: usize = self.shape.iter().product();
        if self.output_names.len() == count {
            return self.output_names[element].clone();
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
        let parts = split.iter().enumerate().map(|(row, &value)| {
            Part::ALL
                .into_iter()
                .find(|part| f64::from(part.number()) == value)
                .ok_or_else(|| DataError::SplitValue {
                    file: self.file.clone(),
                    row,
                    value,
                })
        });
        parts.collect::<Result<_, _>>().map(Some)
    }

    /// The inputs with their boxes.
    fn variables(&mut self) -> Result<Vec<Input>, DataError> {
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
                    "input {name:?} is {least} in every row: nothing can be learnt about it, the emulator ignores it"
                ));
                if low == high && low == least {
                    let half = CONSTANT_HALF_WIDTH * if least == 0.0 { 1.0 } else { least.abs() };
                    (low, high) = (least - half, least + half);
                }
            }
            let variable = Input {
                name: name.clone(),
                low,
                high,
                logarithmic: self.logarithmic[column],
                constant,
            };
            self.check_box(&variable)?;
            variables.push(variable);
        }
        Ok(variables)
    }

    fn check_box(&self, input: &Input) -> Result<(), DataError> {
        let Input {
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
            // Rounding x itself moves the logarithm by a step, rounding the logarithm by a step of its magnitude.
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

    fn note_rows_outside(&mut self, inputs: &[Input]) {
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

/// Rounds outputs to single precision and remembers what did not fit.
#[derive(Default)]
struct Watch {
    first_bad: Option<(usize, f64)>,
    largest: f64,
}

impl Watch {
    fn round(&mut self, index: usize, value: f64) -> f32 {
        if value.is_finite() && value.abs() <= LARGEST_MAGNITUDE {
            self.largest = self.largest.max(value.abs());
        } else if self.first_bad.is_none_or(|(first, _)| index < first) {
            self.first_bad = Some((index, value));
        }
        value as f32
    }
}

/// Checks arrays that have one element for each input.
struct PerInput<'a> {
    file: &'a str,
    inputs: usize,
}

impl PerInput<'_> {
    fn check<T>(
        &self,
        array: &'static str,
        values: Option<Vec<T>>,
    ) -> Result<Option<Vec<T>>, DataError> {
        match values {
            Some(values) if values.len() != self.inputs => Err(shape_error(
                self.file,
                array,
                &format!("({})", self.inputs),
                &[values.len()],
                "store one element for each column of \"x\", or leave the array out",
            )),
            values => Ok(values),
        }
    }
}

/// Rows and columns of `x`; a one-dimensional `x` is one input.
pub(super) fn x_shape(header: &Header, file: &str) -> Result<(usize, usize), DataError> {
    match *header.shape() {
        [rows] => Ok((rows, 1)),
        [rows, inputs] if (1..=MAXIMUM_INPUTS).contains(&inputs) => Ok((rows, inputs)),
        [_, got] => Err(DataError::InputCount {
            file: file.to_owned(),
            got,
        }),
        _ => Err(shape_error(
            file,
            "x",
            "(n, p)",
            header.shape(),
            "store one row of parameters for each run",
        )),
    }
}

/// The one-dimensional floating-point arrays as long as one of the output's sizes.
fn axes(
    archive: &mut Archive<'_>,
    shape: &[usize],
    notes: &mut Vec<String>,
) -> Result<Vec<Axis>, DataError> {
    let names: Vec<String> = archive
        .names()
        .filter(|name| !RESERVED.contains(name))
        .map(str::to_owned)
        .collect();
    let mut axes = Vec::new();
    for name in names {
        // Other arrays are none of ours, so that a damaged one is no reason to refuse the file.
        let is_axis = archive
            .optional(&name)
            .ok()
            .flatten()
            .is_some_and(|header| {
                header.kind() == Kind::Float
                    && header.shape().len() == 1
                    && shape.contains(&header.count())
            });
        if !is_axis {
            continue;
        }
        let values = archive.optional_numbers(&name)?.unwrap_or_default();
        if values.iter().all(|value| value.is_finite()) {
            axes.push(Axis { name, values });
        } else {
            notes.push(format!(
                "axis {name:?} is not finite everywhere and left out"
            ));
        }
    }
    Ok(axes)
}

/// Where the columns called `wanted` stand among `names`.
pub(super) fn positions(
    file: &str,
    wanted: &[String],
    names: &[String],
) -> Result<Vec<usize>, DataError> {
    wanted
        .iter()
        .map(|column| {
            names
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| DataError::MissingColumn {
                    file: file.to_owned(),
                    column: column.clone(),
                    found: list(names.iter().map(String::as_str)),
                })
        })
        .collect()
}

/// The chosen columns of a row-major matrix with rows of `width`.
pub(super) fn pick<T: Copy>(values: &[T], width: usize, columns: &[usize]) -> Vec<T> {
    values
        .chunks_exact(width)
        .flat_map(|row| columns.iter().map(|&column| row[column]))
        .collect()
}

pub(super) fn shape_error(
    file: &str,
    array: &str,
    expected: &str,
    got: &[usize],
    advice: &'static str,
) -> DataError {
    DataError::Shape {
        file: file.to_owned(),
        array: array.to_owned(),
        expected: expected.to_owned(),
        got: shape_text(got),
        advice,
    }
}
