//! Collects all unusable values of a file, so that users can repair them in one go.

use super::error::{DataError, Place};
use super::limits::{LARGEST_MAGNITUDE, LARGEST_OUTPUT};
use super::mend;
use ::csv::{ReaderBuilder, StringRecord, Trim};

/// Number of faults that an error shows.
const SHOWN: usize = 3;

/// The fault of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// NaN or an infinity.
    NotFinite(f64),
    /// A magnitude above the limit: the value and the limit.
    OutOfRange(f64, f64),
    /// No logarithm in single precision: the value.
    NotPositive(f64),
    /// Not a number: the text.
    NotANumber(String),
}

impl Fault {
    /// Returns the fault of an input's value, if any.
    pub(super) fn of(value: f64) -> Option<Self> {
        Self::beyond(LARGEST_MAGNITUDE, value)
    }

    /// Returns the fault of an output's value, if any.
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
            // An `f32` prints as one: the further digits of its `f64` are not in the file.
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
    /// Rows (lines of a text) with a fault, each once.
    rows: Vec<u64>,
    /// Whether a logarithmic input is not positive. The scale of the input is then wrong, and
    /// leaving out rows is no remedy.
    has_logarithm: bool,
}

impl Faults {
    /// Adds a fault. Its row must not precede the row of the last one.
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

    /// The error for one fault, or for all of them; `mending` returns the command that drops these
    /// rows.
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

/// The error for all cells of a `.csv` in these columns that are not usable numbers; `None` if
/// there is at most one, or if the text cannot be read line by line.
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

/// The command that drops these lines from a text in which every row is one line.
pub(super) fn drop_lines(bytes: &[u8], file: &str, lines: &[u64]) -> Option<String> {
    // A quoted cell may contain line breaks.
    match bytes.contains(&b'"') {
        true => None,
        false => mend::drop_lines(file, lines),
    }
}
