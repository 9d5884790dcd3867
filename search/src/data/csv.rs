//! Reads a `.csv` with a header line: named columns of numbers. Other separators than commas are
//! refused with a description of the format found (`dialect`).

use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use ::csv::{ByteRecord, ErrorKind, Position, Reader, ReaderBuilder, StringRecord, Trim};

use super::columns::positions;
use super::dialect::{HEAD, foreign, foreign_cell};
use super::error::{DataError, Place};
use super::files::read_bytes;

/// The values of the requested columns.
#[derive(Debug)]
pub(super) struct Columns {
    /// `[rows][requested columns]`, row-major.
    pub(super) values: Vec<f64>,
    /// The line of each row, from 1.
    pub(super) lines: Vec<u64>,
}

/// Reads the names in the header line.
///
/// # Errors
/// The text is not UTF-8, or two columns have the same name.
pub(super) fn header(bytes: &[u8], file: &str) -> Result<Vec<String>, DataError> {
    Rows::open(Cursor::new(bytes), file)?.names()
}

/// Reads the columns `wanted`, in that order.
///
/// # Errors
/// A name is not in the header, a line has another number of cells than the header, or a cell is
/// not a finite number.
pub(super) fn read(bytes: &[u8], file: &str, wanted: &[String]) -> Result<Columns, DataError> {
    let mut rows = Rows::open(Cursor::new(bytes), file)?;
    rows.choose(wanted)?;
    let mut columns = Columns {
        values: Vec::new(),
        lines: Vec::new(),
    };
    while rows.next(&mut columns.values)? {
        columns.lines.push(rows.line_in(bytes));
    }
    Ok(columns)
}

/// A table of values with column names.
#[derive(Debug)]
pub(crate) struct Table {
    /// Names of the columns.
    pub(crate) names: Vec<String>,
    /// `[rows][names]`, row-major; at least one row.
    pub(crate) values: Vec<f64>,
    /// The cells as text.
    pub(crate) cells: Vec<String>,
    /// The line of each row, from 1.
    pub(crate) lines: Vec<u64>,
}

/// Reads all columns of the file at `path`.
///
/// # Errors
/// As [`read`]; also if the file has no rows.
pub(crate) fn table(path: &Path) -> Result<Table, DataError> {
    let file = path.display().to_string();
    let bytes = read_bytes(path)?;
    let names = header(&bytes, &file)?;
    let mut rows = Rows::open(Cursor::new(&bytes[..]), &file)?;
    rows.choose(&names)?;
    let (mut values, mut cells, mut lines) = (Vec::new(), Vec::new(), Vec::new());
    while rows.next(&mut values)? {
        lines.push(rows.line_in(&bytes));
        cells.extend(rows.record.iter().map(str::to_owned));
    }
    if values.is_empty() {
        return Err(DataError::NoRows { file });
    }
    Ok(Table {
        names,
        values,
        cells,
        lines,
    })
}

/// The rows of a file, one by one.
pub(super) struct Rows<'a, R> {
    reader: Reader<R>,
    file: &'a str,
    /// Offset of the text in the file.
    start: u64,
    /// If the separator is not the comma: a description of the format, and what to do.
    foreign: Option<String>,
    record: StringRecord,
    wanted: &'a [String],
    positions: Vec<usize>,
}

impl<'a, R: Read + Seek> Rows<'a, R> {
    /// Opens a file. `file` is its name in errors.
    pub(super) fn open(mut input: R, file: &'a str) -> Result<Self, DataError> {
        let refuse = |source| DataError::Read {
            file: file.to_owned(),
            source,
        };
        let start = pass_mark(&mut input).map_err(refuse)?;
        let mut head = Vec::new();
        let mut look = || {
            input.by_ref().take(HEAD).read_to_end(&mut head)?;
            input.seek(SeekFrom::Start(start))
        };
        look().map_err(refuse)?;
        Ok(Self {
            reader: ReaderBuilder::new().trim(Trim::All).from_reader(input),
            file,
            start,
            foreign: foreign(&head, file),
            record: StringRecord::new(),
            wanted: &[],
            positions: Vec::new(),
        })
    }

    /// Chooses the columns to read from each row, in this order.
    pub(super) fn choose(&mut self, wanted: &'a [String]) -> Result<(), DataError> {
        self.positions = positions(self.file, wanted, &self.names()?)?;
        self.wanted = wanted;
        Ok(())
    }

    /// Appends the chosen columns of the next row to `values`. Returns whether there was a row.
    ///
    /// # Errors
    /// As [`read`]. After an error no further rows can be read.
    pub(super) fn next(&mut self, values: &mut Vec<f64>) -> Result<bool, DataError> {
        match self.reader.read_record(&mut self.record) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) => return Err(self.refuse(&error)),
        }
        for column in 0..self.positions.len() {
            let text = self.record.get(self.positions[column]).unwrap_or_default();
            match text.parse::<f64>() {
                Ok(value) if value.is_finite() => values.push(value),
                Ok(value) => {
                    return Err(DataError::NotFinite {
                        file: self.file.to_owned(),
                        place: self.place(column),
                        value,
                    });
                }
                Err(_) => {
                    let text: String = text.chars().take(60).collect();
                    if let Some(reason) = foreign_cell(&text, self.file) {
                        let reason = format!("{}: {text:?}: {reason}", self.place(column));
                        return Err(self.options(reason));
                    }
                    return Err(DataError::NotANumber {
                        file: self.file.to_owned(),
                        text,
                        place: self.place(column),
                    });
                }
            }
        }
        Ok(true)
    }

    /// The line of the last row, counted in the bytes of the whole file.
    fn line_in(&self, bytes: &[u8]) -> u64 {
        let position = self.record.position();
        let byte = position.map_or(0, |position| self.start + position.byte());
        let rest = bytes.get(byte as usize..).unwrap_or_default();
        line_of(rest, position)
    }

    /// The place of a chosen column in the last row, for an error. No further rows can be read
    /// afterwards.
    pub(super) fn place(&mut self, column: usize) -> Place {
        let position = self.record.position().cloned();
        Place::Line {
            line: self.line(position.as_ref()),
            column: self.wanted[column].clone(),
        }
    }

    /// Counts the rows up to the end, or up to the first unreadable row.
    pub(super) fn count(mut self) -> usize {
        let mut record = ByteRecord::new();
        let mut rows = 0;
        while let Ok(true) = self.reader.read_byte_record(&mut record) {
            rows += 1;
        }
        rows
    }

    fn options(&self, reason: String) -> DataError {
        DataError::Options {
            file: self.file.to_owned(),
            reason,
        }
    }

    fn names(&mut self) -> Result<Vec<String>, DataError> {
        if let Some(reason) = self.foreign.clone() {
            return Err(self.options(reason));
        }
        let header = match self.reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => return Err(self.refuse(&error)),
        };
        let names: Vec<String> = header.iter().map(str::to_owned).collect();
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                return Err(DataError::Name {
                    file: self.file.to_owned(),
                    what: "column names",
                    name: name.clone(),
                });
            }
        }
        Ok(names)
    }

    /// The line at a position. The text after the position is read again.
    fn line(&mut self, position: Option<&Position>) -> u64 {
        let byte = position.map_or(0, |position| self.start + position.byte());
        let input = self.reader.get_mut();
        match input.seek(SeekFrom::Start(byte)) {
            Ok(_) => line_of(BufReader::new(input), position),
            Err(_) => position.map_or(0, Position::line),
        }
    }

    fn refuse(&mut self, error: &::csv::Error) -> DataError {
        let file = self.file.to_owned();
        match error.kind() {
            ErrorKind::UnequalLengths {
                pos,
                expected_len,
                len,
            } => DataError::RaggedLine {
                file,
                line: self.line(pos.as_ref()),
                expected: *expected_len,
                got: *len,
            },
            ErrorKind::Utf8 { pos, .. } => DataError::CsvFormat {
                file,
                reason: format!(
                    "line {}: expected UTF-8 text, got other bytes",
                    self.line(pos.as_ref())
                ),
            },
            _ => DataError::CsvFormat {
                file,
                reason: error.to_string(),
            },
        }
    }
}

/// Skips the byte-order mark that some spreadsheets write at the start. Returns the offset of the
/// text.
fn pass_mark(input: &mut (impl Read + Seek)) -> io::Result<u64> {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let mut start = Vec::new();
    input
        .by_ref()
        .take(MARK.len() as u64)
        .read_to_end(&mut start)?;
    let begin = if start == MARK { MARK.len() as u64 } else { 0 };
    input.seek(SeekFrom::Start(begin))
}

/// The line on which a record begins, from 1. The CSV reader's own position is before the line ends
/// and empty lines that precede the record; `rest` is the text from that position on.
fn line_of(rest: impl BufRead, position: Option<&Position>) -> u64 {
    let Some(position) = position else { return 0 };
    let before = rest
        .bytes()
        .map_while(Result::ok)
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .filter(|&byte| byte == b'\n');
    position.line() + before.count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_by_name_in_the_order_asked_for() {
        let text = "\u{feff}a, b ,c\r\n1,2,3\r\n\r\n4e0,5,-6\r\n";
        let columns = read(text.as_bytes(), "t.csv", &["c".into(), "a".into()]).unwrap();
        assert_eq!(columns.values, [3.0, 1.0, -6.0, 4.0]);
        assert_eq!(columns.lines, [2, 4]);
    }

    #[test]
    fn bad_text_is_refused_with_line_and_column() {
        let table: [(&[u8], &str); 8] = [
            (
                b"a,b\n1,2\n3,oops\n",
                "line 3, column \"b\": expected a number, got \"oops\"",
            ),
            (
                b"a,b\n1,\n",
                "line 2, column \"b\": expected a number, got \"\"",
            ),
            (
                b"a,b\n1,NaN\n",
                "line 2, column \"b\": expected a finite number, got NaN",
            ),
            (
                b"a,b\n1,2\n3\n",
                "line 3: expected 2 cells as in the header, got 1",
            ),
            (b"a,a\n1,2\n", "\"a\""),
            (b"a;b\n1;2\n", "its cells are separated by semicolons"),
            (b"a;b\n1\n", "no column \"b\"; the columns there are: a;b"),
            (b"a,b\n1,\xff\n", "line 2"),
        ];
        for (bytes, expected) in table {
            let error = read(bytes, "t.csv", &["b".into()]).unwrap_err().to_string();
            assert!(
                error.starts_with("t.csv: ") && error.contains(expected),
                "{error}"
            );
        }
    }
}
