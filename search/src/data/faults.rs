//! All values of a file that cannot be used, at once: whoever repairs one at a time starts the program for each.

use super::error::{DataError, Place};
use super::limits::{LARGEST_MAGNITUDE, LARGEST_OUTPUT};
use super::mend;
use ::csv::{ReaderBuilder, StringRecord, Trim};

/// Faults that an error shows.
const SHOWN: usize = 3;

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// NaN or an infinity.
    NotFinite(f64),
    /// A magnitude above the largest: both.
    OutOfRange(f64, f64),
    /// No logarithm in single precision.
    NotPositive(f64),
    /// No number.
    NotANumber(String),
}

impl Fault {
    /// What is wrong with a number of an input, if anything.
    pub(super) fn of(value: f64) -> Option<Self> {
        Self::beyond(LARGEST_MAGNITUDE, value)
    }

    /// What is wrong with a number of an output, if anything.
    pub(super) fn of_output(value: f64) -> Option<Self> {
        Self::beyond(LARGEST_OUTPUT, value)
    }

    fn beyond(limit: f64, value: f64) -> Option<Self> {
        match value {
            _ if !value.is_finite() => Some(Self::NotFinite(value)),
            _ if value.abs() > limit => Some(Self::OutOfRange(value, limit)),
            _ => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::NotFinite(value) => format!("{value}"),
            // Digits that single precision does not have are not those of the file.
            Self::OutOfRange(value, limit) if f64::from(*value as f32) == *value => {
                format!("{:e} (above {limit:e})", *value as f32)
            }
            Self::OutOfRange(value, limit) => format!("{value:e} (above {limit:e})"),
            Self::NotPositive(value) => {
                format!("{value:e} (the input is marked logarithmic by x_log)")
            }
            Self::NotANumber(text) => format!("{text:?}"),
        }
    }

    fn error(self, file: String, place: Place) -> DataError {
        match self {
            Self::NotFinite(value) => DataError::NotFinite { file, place, value },
            Self::OutOfRange(value, limit) => DataError::OutOfRange {
                file,
                place,
                value,
                limit,
            },
            Self::NotPositive(value) => DataError::NotPositive { file, place, value },
            Self::NotANumber(text) => DataError::NotANumber { file, place, text },
        }
    }
}

/// Faults in the order of the file's rows.
#[derive(Debug, Default)]
pub(super) struct Faults {
    count: usize,
    first: Vec<(Place, Fault)>,
    /// Rows (lines of a text) that have one, each once.
    rows: Vec<u64>,
    /// Whether a logarithmic input is not positive: a mistake about the input, not a run to leave out.
    has_logarithm: bool,
}

impl Faults {
    /// Adds a fault of the row that the last one is of, or of a later one.
    pub(super) fn push(&mut self, row: u64, fault: Fault, place: impl FnOnce() -> Place) {
        self.count += 1;
        self.has_logarithm |= matches!(fault, Fault::NotPositive(_));
        if self.first.len() < SHOWN {
            self.first.push((place(), fault));
        }
        if self.rows.last() != Some(&row) {
            self.rows.push(row);
        }
    }

    /// The error of one fault, or of all; `mending` gives the line that drops these rows.
    pub(super) fn error(
        mut self,
        file: &str,
        rows: usize,
        mending: impl FnOnce(&[u64]) -> Option<String>,
    ) -> Option<DataError> {
        let file = file.to_owned();
        if self.count <= 1 {
            let (place, fault) = self.first.pop()?;
            return Some(fault.error(file, place));
        }
        let shown = self.first.iter();
        let shown: Vec<String> = shown
            .map(|(place, fault)| format!("{place}: {}", fault.text()))
            .collect();
        let more = match self.count - shown.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let kept = rows - self.rows.len();
        let advice = match mending(&self.rows) {
            _ if self.has_logarithm => {
                "repair the values, or set x_log to False for inputs that reach zero".to_owned()
            }
            _ if kept == 0 => {
                "no row is without one; choose other columns by --inputs and --outputs, or repair what writes these".to_owned()
            }
            Some(line) => format!("this line stores the other {kept} rows beside it:\n  {line}"),
            None => "repair what writes them".to_owned(),
        };
        Some(DataError::Faults {
            file,
            count: self.count,
            bad_rows: self.rows.len(),
            rows,
            shown: shown.join("; ") + &more,
            advice,
        })
    }
}

/// The error of all cells of a `.csv` that are no usable numbers, in these columns; nothing where there is at most one, or the
/// text cannot be read by lines.
pub(super) fn of_csv(
    bytes: &[u8],
    file: &str,
    inputs: &[String],
    outputs: &[String],
) -> Option<DataError> {
    let judges = std::iter::repeat_n(Fault::of as fn(f64) -> Option<Fault>, inputs.len());
    let judges = judges.chain(std::iter::repeat(Fault::of_output as _));
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(bytes);
    let names = reader.headers().ok()?.clone();
    let mark = '\u{feff}';
    let position = |column: &String| {
        let mut names = names.iter().map(|name| name.trim_start_matches(mark));
        names.position(|name| name == column)
    };
    let wanted = inputs.iter().chain(outputs);
    let columns: Vec<usize> = wanted.clone().map(position).collect::<Option<_>>()?;
    let (mut faults, mut rows) = (Faults::default(), 0);
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).ok()? {
        rows += 1;
        let place = record.position()?;
        let before = bytes.get(place.byte() as usize..)?;
        let ends = before.iter().take_while(|byte| b"\r\n".contains(byte));
        let line = place.line() + ends.filter(|&&byte| byte == b'\n').count() as u64;
        for ((name, &column), judge) in wanted.clone().zip(&columns).zip(judges.clone()) {
            let text = record.get(column).unwrap_or_default();
            let fault = match text.parse::<f64>() {
                Ok(value) => judge(value),
                Err(_) => Some(Fault::NotANumber(text.chars().take(60).collect())),
            };
            if let Some(fault) = fault {
                let column = name.clone();
                faults.push(line, fault, || Place::Line { line, column });
            }
        }
    }
    if faults.count < 2 {
        return None;
    }
    faults.error(file, rows, |lines| drop_lines(bytes, file, lines))
}

/// The line that leaves lines out of a text of which every row is a line.
pub(super) fn drop_lines(bytes: &[u8], file: &str, lines: &[u64]) -> Option<String> {
    // A cell in quotes may have lines of its own.
    match bytes.contains(&b'"') {
        true => None,
        false => mend::drop_lines(file, lines),
    }
}
