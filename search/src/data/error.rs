//! Errors of data files, with their texts for users.

use std::fmt;
use std::io;

use super::limits::{MAXIMUM_INPUTS, MINIMUM_TRAIN_ROWS};
use super::part::Part;

/// The place of a value in a file. Rows of arrays count from 0 (as in numpy), lines of a text file
/// from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A row and a column of an array in a `.npz`.
    Row {
        /// Name of the array.
        array: String,
        /// Row, from 0.
        row: usize,
        /// Name of the column, or its indices where it has no name.
        column: String,
    },
    /// A line and a column of a `.csv`.
    Line {
        /// Line, from 1 (the header).
        line: u64,
        /// Name of the column.
        column: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row { array, row, column } => {
                write!(
                    formatter,
                    "array {array:?}, row {row} (from 0), column {column:?}"
                )
            }
            Self::Line { line, column } => write!(formatter, "line {line}, column {column:?}"),
        }
    }
}

/// The reason for which a data file was refused, or predictions could not be written.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The file is missing or cannot be read.
    #[error("{file}: cannot be read; check the path and its permissions")]
    Read {
        /// The file.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The file cannot be written. Nothing was left behind.
    #[error(
        "{file}: cannot be written; check that its folder exists and has room (nothing was left half-written)"
    )]
    Write {
        /// The file.
        file: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The file name has neither of the two supported extensions.
    #[error("{file}: expected a name that ends in .npz or .csv; rename or convert the file")]
    UnknownFormat {
        /// The file.
        file: String,
    },
    /// The file is not a zip archive, is truncated, or is damaged.
    #[error(
        "{file}: expected a whole .npz archive, got {reason}; copy the file again or write it again with numpy.savez_compressed"
    )]
    Archive {
        /// The file.
        file: String,
        /// The zip reader's message.
        reason: String,
    },
    /// A required array is missing.
    #[error(
        "{file}: no array {array:?}; the arrays there are: {found}; store the inputs as \"x\" (n x p) and the outputs as \"y\""
    )]
    MissingArray {
        /// The file.
        file: String,
        /// The array.
        array: &'static str,
        /// The arrays in the file, separated by commas.
        found: String,
    },
    /// The bytes of one array are damaged, or its type is not supported.
    #[error("{file}: array {array:?}: {reason}; {advice}")]
    ArrayFormat {
        /// The file.
        file: String,
        /// The array.
        array: String,
        /// Expected and actual contents.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// An array has the wrong shape.
    #[error("{file}: array {array:?}: expected shape {expected}, got {got}; {advice}")]
    Shape {
        /// The file.
        file: String,
        /// The array.
        array: String,
        /// Expected shape.
        expected: String,
        /// Actual shape.
        got: String,
        /// What to do.
        advice: &'static str,
    },
    /// The number of inputs is not supported.
    #[error(
        "{file}: expected 1 to {MAXIMUM_INPUTS} inputs, got {got}; keep the parameters that matter (--inputs chooses by name)"
    )]
    InputCount {
        /// The file.
        file: String,
        /// Number of inputs found.
        got: usize,
    },
    /// There are no outputs.
    #[error(
        "{file}: expected at least one output, got array \"y\" of shape {got}; store what the simulator returned"
    )]
    NoOutputs {
        /// The file.
        file: String,
        /// Shape of `y`.
        got: String,
    },
    /// There are no rows.
    #[error("{file}: expected at least one row, got none; give a file with rows")]
    NoRows {
        /// The file.
        file: String,
    },
    /// A value is NaN or infinite.
    #[error(
        "{file}: {place}: expected a finite number, got {value}; remove that run from the file or repair the value"
    )]
    NotFinite {
        /// The file.
        file: String,
        /// The place.
        place: Place,
        /// The value.
        value: f64,
    },
    /// Several values are unusable.
    #[error(
        "{file}: {count} values in {bad_rows} of {rows} rows cannot be used: {shown}; {advice}"
    )]
    Faults {
        /// The file.
        file: String,
        /// Number of unusable values.
        count: usize,
        /// Number of rows with such a value.
        bad_rows: usize,
        /// Number of all rows.
        rows: usize,
        /// The first of them.
        shown: String,
        /// What to do.
        advice: String,
    },
    /// A magnitude is too large for the arithmetic.
    #[error(
        "{file}: {place}: expected a magnitude of at most {limit:e}, got {value:e}; rescale the column (choose another unit)"
    )]
    OutOfRange {
        /// The file.
        file: String,
        /// The place.
        place: Place,
        /// The value.
        value: f64,
        /// The largest allowed magnitude.
        limit: f64,
    },
    /// An output is too small to divide by.
    #[error(
        "{file}: output {output}: expected magnitudes from 1e-300 to 1e300, the largest is {value:e}; rescale it (choose another unit)"
    )]
    TooSmall {
        /// The file.
        file: String,
        /// Its name, or its indices.
        output: String,
        /// Its largest magnitude.
        value: f64,
    },
    /// A logarithmic input has a value without a logarithm in single precision.
    #[error(
        "{file}: {place}: the input is marked logarithmic (x_log): expected a number above 1.2e-38, got {value:e}; repair the value or set its x_log to False"
    )]
    NotPositive {
        /// The file.
        file: String,
        /// The place.
        place: Place,
        /// The value.
        value: f64,
    },
    /// The limits of an input are not a valid box.
    #[error(
        "{file}: input {input:?}: expected finite x_low < x_high, got {low:e} and {high:e}; {advice}"
    )]
    Box {
        /// The file.
        file: String,
        /// Name of the input.
        input: String,
        /// Lower limit.
        low: f64,
        /// Upper limit.
        high: f64,
        /// What to do.
        advice: &'static str,
    },
    /// A value of the split is not 0, 1 or 2.
    #[error(
        "{file}: array \"split\", row {row} (from 0): expected 0 (train), 1 (validation) or 2 (test), got {value}, {}; repair it or leave the array out",
        others(*.bad_rows)
    )]
    SplitValue {
        /// The file.
        file: String,
        /// Row, from 0.
        row: usize,
        /// The value.
        value: f64,
        /// Rows with such a value.
        bad_rows: usize,
    },
    /// The split is boolean.
    #[error(
        "{file}: array \"split\": expected 0 (train), 1 (validation) or 2 (test), got true and false, which do not say which of them tests; if true marks rows to test on, this line stores it so, else with 0 and 2 exchanged:\n  {line}"
    )]
    BooleanSplit {
        /// The file.
        file: String,
        /// A command that stores integers instead.
        line: String,
    },
    /// There are too few training rows.
    #[error(
        "{file}: expected at least {MINIMUM_TRAIN_ROWS} training rows, got {got} of {rows} rows; add simulator runs, or mark more rows 0 in \"split\""
    )]
    TooFewTrainRows {
        /// The file.
        file: String,
        /// Number of training rows.
        got: usize,
        /// Number of all rows.
        rows: usize,
    },
    /// All inputs or all outputs are constant, so there is nothing to learn.
    #[error(
        "{file}: no {what} varies over the {rows} training rows ({values}), so that nothing can be learnt; check that the simulator takes its parameters, and that the file has its outputs"
    )]
    NothingVaries {
        /// The file.
        file: String,
        /// Inputs or outputs.
        what: &'static str,
        /// Number of training rows.
        rows: usize,
        /// The names and values of the constants.
        values: String,
    },
    /// The requested part has no rows.
    #[error("{file}: no row belongs to the {part} part; the parts there are: {found}")]
    EmptyPart {
        /// The file.
        file: String,
        /// The requested part.
        part: Part,
        /// The existing parts with their sizes.
        found: String,
    },
    /// A part was requested, but the data have no split.
    #[error(
        "{file}: no row belongs to the {part} part: the file has no array \"split\", and it is not the file of the run; judge on all rows (without --split), or give the run's own file"
    )]
    NoSplit {
        /// The file.
        file: String,
        /// The requested part.
        part: Part,
    },
    /// The layout name is unknown.
    #[error("{file}: array \"y_layout\": {reason}; --layout overrides it")]
    LayoutName {
        /// The file.
        file: String,
        /// Expected and actual name.
        reason: String,
    },
    /// Two columns have the same name, or a name is empty.
    #[error(
        "{file}: expected {what} that differ and are not empty, got {name:?}; rename the column"
    )]
    Name {
        /// The file.
        file: String,
        /// The kind of names.
        what: &'static str,
        /// The offending name.
        name: String,
    },
    /// A requested column does not exist.
    #[error("{file}: no column {column:?}; the columns there are: {found}")]
    MissingColumn {
        /// The file.
        file: String,
        /// The requested column.
        column: String,
        /// The existing columns, separated by commas.
        found: String,
    },
    /// A `.csv` was given without `--inputs` or `--outputs`.
    #[error(
        "{file}: a .csv needs {option} with the names of columns; the columns there are: {found}"
    )]
    ColumnsNotNamed {
        /// The file.
        file: String,
        /// `--inputs` or `--outputs`.
        option: &'static str,
        /// The existing columns, separated by commas.
        found: String,
    },
    /// A cell is not a number.
    #[error(
        "{file}: {place}: expected a number, got {text:?}; repair the cell or leave the line out"
    )]
    NotANumber {
        /// The file.
        file: String,
        /// The place.
        place: Place,
        /// The cell's text.
        text: String,
    },
    /// A line has more or fewer cells than the header.
    #[error(
        "{file}: line {line}: expected {expected} cells as in the header, got {got}; repair the line"
    )]
    RaggedLine {
        /// The file.
        file: String,
        /// Line, from 1.
        line: u64,
        /// Number of cells in the header.
        expected: u64,
        /// Number of cells in the line.
        got: u64,
    },
    /// A `.csv` cannot be read as text.
    #[error("{file}: {reason}; save it as UTF-8 text with commas")]
    CsvFormat {
        /// The file.
        file: String,
        /// The reader's message.
        reason: String,
    },
    /// The options do not fit this file.
    #[error("{file}: {reason}")]
    Options {
        /// The file.
        file: String,
        /// The reason, and what to do.
        reason: String,
    },
}

/// Whether a fault is the only one of its kind.
fn others(rows: usize) -> String {
    match rows.saturating_sub(1) {
        0 => "in this row alone".to_owned(),
        1 => "and another such row".to_owned(),
        more => format!("and {more} more such rows"),
    }
}

/// Lists names for an error text: separated by commas, quoted as `--inputs` takes them, cut after
/// 40; "none" for an empty list.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 40;
    let names: Vec<&str> = names.into_iter().collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    let quoted =
        |name: &&str| match name.contains(',') || name.starts_with('"') || name.trim() != *name {
            true => format!("\"{}\"", name.replace('"', "\"\"")),
            false => (*name).to_owned(),
        };
    let shown: Vec<String> = names.iter().take(SHOWN).map(quoted).collect();
    let shown = shown.join(", ");
    match names.len().checked_sub(SHOWN) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

/// Formats a shape as numpy does.
pub(super) fn shape_text(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    format!("({})", sizes.join(", "))
}
