//! The unchecked contents of a data file: the same [`Draft`] for a `.npz` and for a `.csv`.

use std::io::{Read, Seek};

use super::columns::{pick, positions, shape_error};
use super::csv;
use super::error::{DataError, list, shape_text};
use super::faults;
use super::files::ReadOptions;
use super::layout::fits;
use super::limits::MAXIMUM_INPUTS;
use super::mend::{self, Pickled};
use super::npy::{Header, Kind};
use super::npz::Archive;
use dense_codegen::emulator::{Axis, Layout};

/// Arrays with a fixed meaning, which are never axes.
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

/// The contents of a file, unchecked except for types and sizes.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) file: String,
    /// Lines of the rows, if the file is a `.csv`.
    pub(super) lines: Option<Vec<u64>>,
    pub(super) input_names: Vec<String>,
    pub(super) logarithmic: Vec<bool>,
    /// Lower and upper limits, if the file gives them.
    pub(super) limits: Option<(Vec<f64>, Vec<f64>)>,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    pub(super) shape: Vec<usize>,
    pub(super) declared_layout: Option<Layout>,
    pub(super) output_names: Vec<String>,
    pub(super) axes: Vec<Axis>,
    pub(super) split: Option<Vec<f64>>,
    pub(super) seconds_per_call: Option<f64>,
    pub(super) notes: Vec<String>,
    pub(super) rows: usize,
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
        let shape = y_shape(archive.required("y")?, rows, file)?;
        let mut notes = Vec::new();
        let per_input = Counted {
            file,
            count: inputs,
            advice: "store one element for each column of \"x\", or leave the array out",
        };
        let per_row = Counted {
            file,
            count: rows,
            advice: "store 0, 1 or 2 for each row of \"x\", or leave the array out",
        };
        check_split_kind(&archive, file)?;
        let names = per_input.check("x_names", archive.optional_strings("x_names")?)?;
        let flags = per_input.check("x_log", archive.optional_numbers("x_log")?)?;
        let low = per_input.check("x_low", archive.optional_numbers("x_low")?)?;
        let high = per_input.check("x_high", archive.optional_numbers("x_high")?)?;
        if low.is_some() != high.is_some() {
            notes.push("only one of x_low and x_high is there: it is left out".to_owned());
        }
        let mut draft = Self {
            file: file.to_owned(),
            lines: None,
            input_names: names
                .unwrap_or_else(|| (0..inputs).map(|column| format!("x{column}")).collect()),
            logarithmic: flags.map_or(vec![false; inputs], |flags| {
                flags.iter().map(|&flag| flag != 0.0).collect()
            }),
            limits: low.zip(high),
            x: archive.numbers("x", |_, value| value)?,
            y: archive.numbers("y", |_, value| value)?,
            declared_layout: declared_layout(&mut archive, file)?,
            output_names: archive.optional_strings("y_names")?.unwrap_or_default(),
            axes: axes(&mut archive, &shape, &mut notes)?,
            split: per_row.check("split", archive.optional_numbers("split")?)?,
            seconds_per_call: seconds_per_call(&mut archive, &mut notes)?,
            shape,
            notes,
            rows,
        };
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
        let mut inputs = options.inputs.iter();
        if let Some(both) = inputs.find(|name| options.outputs.contains(name)) {
            return Err(DataError::Options {
                file: file.to_owned(),
                reason: format!(
                    "column {both:?} is named by --inputs and by --outputs; leave it out of one"
                ),
            });
        }
        let (inputs, outputs) = (options.inputs.len(), options.outputs.len());
        if let Some(layout) = options.layout
            && !fits(layout, &[outputs])
        {
            return Err(DataError::Options {
                file: file.to_owned(),
                reason: format!(
                    "a .csv holds scalars or one curve, got --layout {layout}; store {layout} as .npz"
                ),
            });
        }
        let wanted = [&options.inputs[..], &options.outputs[..]].concat();
        let columns = csv::read(bytes, file, &wanted).map_err(|error| {
            faults::of_csv(bytes, file, &options.inputs, &options.outputs).unwrap_or(error)
        })?;
        let rows = columns.lines.len();
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for row in columns.values.chunks_exact(inputs + outputs) {
            let (row_x, row_y) = row.split_at(inputs);
            x.extend_from_slice(row_x);
            y.extend_from_slice(row_y);
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

    /// Keeps the inputs `wanted`, in that order; all of them if `wanted` is empty.
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

    /// Keeps the scalar outputs that `options` names, in that order; all of them if it names none.
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
        self.output_names = wanted.clone();
        self.shape = vec![columns.len()];
        Ok(())
    }
}

/// Checks arrays with one element per input, or per row.
struct Counted<'a> {
    file: &'a str,
    count: usize,
    advice: &'static str,
}

impl Counted<'_> {
    fn check<T>(
        &self,
        array: &'static str,
        values: Option<Vec<T>>,
    ) -> Result<Option<Vec<T>>, DataError> {
        match values {
            Some(values) if values.len() != self.count => Err(shape_error(
                self.file,
                array,
                &format!("({})", self.count),
                &[values.len()],
                self.advice,
            )),
            values => Ok(values),
        }
    }
}

/// Rows and columns of `x`. A one-dimensional `x` is one input.
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

/// The shape of one output: the shape of `y` without its `rows`.
fn y_shape(header: &Header, rows: usize, file: &str) -> Result<Vec<usize>, DataError> {
    let shape = header.shape();
    if shape.first() != Some(&rows) {
        return Err(shape_error(
            file,
            "y",
            &format!("({rows}, ...) with as many rows as \"x\""),
            shape,
            "store one row of \"y\" for each row of \"x\"",
        ));
    }
    if shape[1..].contains(&0) {
        return Err(DataError::NoOutputs {
            file: file.to_owned(),
            got: shape_text(shape),
        });
    }
    if rows == 0 {
        return Err(DataError::NoRows {
            file: file.to_owned(),
        });
    }
    Ok(shape[1..].to_vec())
}

/// Refuses a boolean split: it does not tell which value marks the test rows.
fn check_split_kind(archive: &Archive<impl Read + Seek>, file: &str) -> Result<(), DataError> {
    let header = archive.optional("split")?;
    match header.is_some_and(|header| header.kind() == Kind::Bool) {
        true => Err(DataError::BooleanSplit {
            file: file.to_owned(),
            line: mend::numpy(
                file,
                "mended",
                "d[\"split\"] = np.where(d[\"split\"], 2, 0)",
                Pickled::No,
            ),
        }),
        false => Ok(()),
    }
}

/// The layout that the file declares.
fn declared_layout(
    archive: &mut Archive<impl Read + Seek>,
    file: &str,
) -> Result<Option<Layout>, DataError> {
    match archive.optional_strings("y_layout")?.as_deref() {
        None => Ok(None),
        Some([text]) => text
            .parse()
            .map(Some)
            .map_err(|reason| DataError::LayoutName {
                file: file.to_owned(),
                reason,
            }),
        Some(texts) => Err(shape_error(
            file,
            "y_layout",
            "()",
            &[texts.len()],
            "store one text",
        )),
    }
}

/// The simulator's time, if the file has a usable value.
fn seconds_per_call(
    archive: &mut Archive<impl Read + Seek>,
    notes: &mut Vec<String>,
) -> Result<Option<f64>, DataError> {
    match archive.optional_numbers("sec_per_call")?.as_deref() {
        None => Ok(None),
        Some(&[seconds]) if seconds.is_finite() && seconds > 0.0 => Ok(Some(seconds)),
        Some(_) => {
            notes.push("sec_per_call is no single positive number: it is left out".to_owned());
            Ok(None)
        }
    }
}

/// One-dimensional floating-point arrays whose length equals one of the output's sizes.
fn axes(
    archive: &mut Archive<impl Read + Seek>,
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
        // Other arrays are not used, so a damaged one is no reason to refuse the file.
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
