//! The output of `inspect` on a data set, as text and for `--json`.

use std::fmt;

use dense_codegen::emulator::{InputVariable, Layout};
use serde::Serialize;

use super::dataset::Dataset;
use super::part::{Part, rows_of};

/// All output of `inspect`; `Display` gives the text.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The file.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Numbers of rows, in total and by part.
    pub rows: RowSummary,
    /// One entry per input.
    pub inputs: Vec<InputSummary>,
    /// The layout of one output.
    pub layout: Layout,
    /// The shape of one output.
    pub shape: Vec<usize>,
    /// One entry per scalar or channel, or a single one for all.
    pub outputs: Vec<OutputSummary>,
    /// Names and lengths of the axes.
    pub axes: Vec<(String, usize)>,
    /// CPU seconds of one call of the simulator, if known.
    pub seconds_per_call: Option<f64>,
    /// Messages for the user.
    pub notes: Vec<String>,
}

/// Numbers of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RowSummary {
    /// All rows.
    pub total: usize,
    /// Training rows; `None` if the file has no split.
    pub train: Option<usize>,
    /// Validation rows.
    pub validation: Option<usize>,
    /// Test rows.
    pub test: Option<usize>,
}

/// One input.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct InputSummary {
    /// Its name.
    pub name: String,
    /// Least value in the data.
    pub min: f64,
    /// Greatest value in the data.
    pub max: f64,
    /// Lower limit of the trained box.
    pub low: f64,
    /// Upper limit of the trained box.
    pub high: f64,
    /// Whether its logarithm is used.
    pub logarithmic: bool,
    /// Whether it has the same value in every row.
    pub constant: bool,
}

/// Some values of the output: a scalar, a channel, or all values.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutputSummary {
    /// Its name.
    pub name: String,
    /// Least value in the data.
    pub min: f64,
    /// Greatest value in the data.
    pub max: f64,
    /// Number of its values in a row.
    pub count: usize,
    /// Number of these that are the same in every row.
    pub constant: usize,
}

impl Summary {
    /// Summarises `data`.
    pub fn of(data: &Dataset) -> Self {
        let part = |part| data.parts().map(|parts| rows_of(parts, part).len());
        Self {
            file: data.label().to_owned(),
            sha256: data.sha256().to_owned(),
            rows: RowSummary {
                total: data.rows(),
                train: part(Part::Train),
                validation: part(Part::Validation),
                test: part(Part::Test),
            },
            inputs: inputs(data),
            layout: data.layout(),
            shape: data.shape().to_vec(),
            outputs: outputs(data),
            axes: data
                .axes()
                .iter()
                .map(|axis| (axis.name.clone(), axis.values.len()))
                .collect(),
            seconds_per_call: data.seconds_per_call(),
            notes: data.notes().to_vec(),
        }
    }
}

fn inputs(data: &Dataset) -> Vec<InputSummary> {
    let range = |column: usize| {
        (0..data.rows())
            .map(|row| data.x_row(row)[column])
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), value| {
                (min.min(value), max.max(value))
            })
    };
    let summarise = |(column, input): (usize, &InputVariable)| {
        let (min, max) = range(column);
        InputSummary {
            name: input.name.clone(),
            min,
            max,
            low: input.low,
            high: input.high,
            logarithmic: input.logarithmic,
            constant: data.is_constant(column),
        }
    };
    data.inputs().iter().enumerate().map(summarise).collect()
}

fn outputs(data: &Dataset) -> Vec<OutputSummary> {
    let count = data.output_count();
    let groups = data.channels();
    let mut ranges = vec![(f64::INFINITY, f64::NEG_INFINITY); count];
    for row in 0..data.rows() {
        for (range, &value) in ranges.iter_mut().zip(data.y_row(row)) {
            *range = (range.0.min(value), range.1.max(value));
        }
    }
    let per_group = count / groups;
    let name = |group: usize| match (data.output_names().get(group), groups) {
        (Some(name), _) if data.output_names().len() == groups => name.clone(),
        (_, 1) => "y".to_owned(),
        _ => format!("y[{group}]"),
    };
    ranges
        .chunks_exact(per_group)
        .enumerate()
        .map(|(group, ranges)| OutputSummary {
            name: name(group),
            min: ranges
                .iter()
                .map(|range| range.0)
                .fold(f64::INFINITY, f64::min),
            max: ranges
                .iter()
                .map(|range| range.1)
                .fold(f64::NEG_INFINITY, f64::max),
            count: per_group,
            constant: ranges.iter().filter(|range| range.0 == range.1).count(),
        })
        .collect()
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.file)?;
        writeln!(formatter, "sha256 {}\n", self.sha256)?;
        writeln!(formatter, "rows     {}", self.rows)?;
        if let Some(seconds) = self.seconds_per_call {
            writeln!(formatter, "simulator {} a call", duration(seconds))?;
        }
        writeln!(formatter, "\ninputs   {}", self.inputs.len())?;
        let mut table = Table::new(&["name", "min", "max", "trained from", "to", "scale"]);
        for input in &self.inputs {
            let [min, max] = ends(input.min, input.max);
            let [low, high] = ends(input.low, input.high);
            table.push(vec![
                input.name.clone(),
                min,
                max,
                low,
                high,
                match (input.constant, input.logarithmic) {
                    (true, _) => "constant".to_owned(),
                    (false, true) => "logarithmic".to_owned(),
                    (false, false) => "linear".to_owned(),
                },
            ]);
        }
        write!(formatter, "{table}")?;
        let sizes: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        writeln!(
            formatter,
            "\noutputs  {}{}",
            self.layout,
            match sizes.len() {
                0 => String::new(),
                _ => format!(", {}", sizes.join(" x ")),
            }
        )?;
        let mut table = Table::new(&["name", "min", "max", "constant"]);
        for output in &self.outputs {
            let [min, max] = ends(output.min, output.max);
            table.push(vec![
                output.name.clone(),
                min,
                max,
                match (output.constant, output.count) {
                    (0, _) => "no".to_owned(),
                    (constant, count) if constant == count => "yes".to_owned(),
                    (constant, count) => format!("{constant} of {count}"),
                },
            ]);
        }
        write!(formatter, "{table}")?;
        for (name, length) in &self.axes {
            writeln!(formatter, "  axis {name}, {length} points")?;
        }
        if !self.notes.is_empty() {
            writeln!(formatter)?;
        }
        for note in &self.notes {
            writeln!(formatter, "note: {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for RowSummary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.total)?;
        match (self.train, self.validation, self.test) {
            (Some(train), Some(validation), Some(test)) => write!(
                formatter,
                ": {train} train, {validation} validation, {test} test"
            ),
            _ => write!(
                formatter,
                " without a split: search draws 70 % train, 10 % validation, 20 % test"
            ),
        }
    }
}

/// A table of aligned columns: the first is left-aligned, numbers are right-aligned.
struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(header: &[&str]) -> Self {
        Self {
            rows: vec![header.iter().map(ToString::to_string).collect()],
        }
    }

    fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        for row in &self.rows {
            let mut line = format!("  {:<1$}", row[0], widths[0]);
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                line.push_str(&format!("  {cell:>width$}"));
            }
            writeln!(formatter, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// Significant digits of a number.
const DIGITS: usize = 5;

/// Formats a value with five significant digits, in the shorter of the two notations.
fn number(value: f64) -> String {
    with_digits(value, DIGITS)
}

/// Formats the ends of a range, with enough extra digits for their difference to have three.
fn ends(low: f64, high: f64) -> [String; 2] {
    let ratio = low.abs().max(high.abs()) / (high - low);
    let needed = match ratio.is_finite() {
        true => (ratio.log10().ceil() as usize + 3).min(17),
        false => DIGITS,
    };
    [low, high].map(|value| with_digits(value, needed.max(DIGITS)))
}

fn with_digits(value: f64, digits: usize) -> String {
    let magnitude = value.abs();
    if value == 0.0 {
        return "0".to_owned();
    }
    let decimals = digits as i32 - 1 - magnitude.log10().floor() as i32;
    if magnitude < 1e-3 || magnitude >= 1e6 && decimals <= 0 {
        let text = format!("{value:.*e}", digits - 1);
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", shorten(digits));
    }
    let decimals = decimals.max(0) as usize;
    shorten(&format!("{value:.decimals$}")).to_owned()
}

/// Removes trailing zeros of the decimals.
fn shorten(digits: &str) -> &str {
    if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    }
}

/// Formats seconds in a suitable unit.
fn duration(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 1e-3 => (s * 1e6, "us"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s if s < 3600.0 => (s, "s"),
        s => (s / 3600.0, "h"),
    };
    format!("{} {unit}", number(value))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NpzFile, doubles, read, unicode};
    use super::*;

    #[test]
    fn numbers_are_short_and_keep_five_digits() {
        let table = [
            (0.0, "0"),
            (1.5e19, "1.5e19"),
            (-3e6, "-3e6"),
            (0.3, "0.3"),
            (800.0, "800"),
            (123_456.7, "123457"),
            (std::f64::consts::PI, "3.1416"),
            (2.4e-25, "2.4e-25"),
        ];
        for (value, expected) in table {
            assert_eq!(number(value), expected);
        }
        assert_eq!(ends(-291_230.0, -291_229.98), ["-291230", "-291229.98"]);
        assert_eq!(ends(1e6, 1e6 + 2e-3), ["1000000", "1000000.002"]);
        assert_eq!(ends(300.0, 900.0), ["300", "900"]);
        assert_eq!(ends(7.0, 7.0), ["7", "7"]);
        assert_eq!(duration(0.0022933), "2.2933 ms");
        assert_eq!(duration(7e-5), "70 us");
    }

    #[test]
    fn the_text_is_aligned_and_says_what_is_constant() {
        let x: Vec<f64> = (0..10)
            .flat_map(|row| [f64::from(row) * 1e18 + 1e17, 7.0])
            .collect();
        let y: Vec<f64> = (0..10).flat_map(|row| [f64::from(row), 1.0]).collect();
        let bytes = NpzFile::new()
            .with("x", "<f8", &[10, 2], doubles(&x))
            .with("y", "<f8", &[10, 2], doubles(&y))
            .with("x_names", "<U8", &[2], unicode(&["n_e_cm3", "Z"], 8))
            .with("y_names", "<U8", &[2], unicode(&["T_K", "c"], 8))
            .with("x_log", "|b1", &[2], vec![1, 0])
            .with("split", "|i1", &[10], vec![0, 0, 0, 0, 0, 0, 0, 1, 1, 2])
            .with("sec_per_call", "<f8", &[], doubles(&[0.0023]))
            .bytes();
        let summary = Summary::of(&read(&bytes).unwrap());
        let text = summary.to_string();
        let table = "  name      min     max  trained from      to        scale\n  n_e_cm3  1e17  9.1e18          1e17  9.1e18  logarithmic\n  Z           7       7          6.58    7.42     constant\n";
        assert!(text.contains(table), "{text}");
        assert!(text.contains("10: 7 train, 2 validation, 1 test"), "{text}");
        assert!(text.contains("outputs  scalars, 2\n"), "{text}");
        let table =
            "  name  min  max  constant\n  T_K     0    9        no\n  c       1    1       yes\n";
        assert!(text.contains(table), "{text}");
        assert!(text.contains("2.3 ms a call"), "{text}");
    }
}
