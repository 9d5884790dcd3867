//! A `.csv` with a header line: named columns of numbers.

use ::csv::{ErrorKind, Position, Reader, ReaderBuilder, StringRecord, Trim};

use super::draft::positions;
use super::error::{DataError, Place};

/// The numbers of the columns asked for.
#[derive(Debug)]
pub(super) struct Columns {
    /// `[rows][columns asked for]`, row-major.
    pub(super) values: Vec<f64>,
    /// The line on which each row stands, from 1.
    pub(super) lines: Vec<u64>,
}

/// Reads the names in the header line.
///
/// # Errors
/// Text that is no UTF-8; two columns of one name.
pub(super) fn header(bytes: &[u8], file: &str) -> Result<Vec<String>, DataError> {
    let bytes = without_mark(bytes);
    names(&mut reader(bytes), bytes, file)
}

/// Reads the columns called `wanted`, in that order.
///
/// # Errors
/// A name that is not in the header, a line with another number of cells, a cell that is no finite number.
pub(super) fn read(bytes: &[u8], file: &str, wanted: &[String]) -> Result<Columns, DataError> {
    let bytes = without_mark(bytes);
    let mut reader = reader(bytes);
    let positions = positions(file, wanted, &names(&mut reader, bytes, file)?)?;
    let mut columns = Columns {
        values: Vec::new(),
        lines: Vec::new(),
    };
    let mut record = StringRecord::new();
    while reader
        .read_record(&mut record)
        .map_err(|error| refuse(bytes, file, &error))?
    {
        let line = line_of(bytes, record.position());
        for (&position, column) in positions.iter().zip(wanted) {
            let place = || Place::Line {
                line,
                column: column.clone(),
            };
            let text = record.get(position).unwrap_or_default();
            let value: f64 = text.parse().map_err(|_| DataError::NotANumber {
                file: file.to_owned(),
                place: place(),
                text: text.chars().take(60).collect(),
            })?;
            if !value.is_finite() {
                return Err(DataError::NotFinite {
                    file: file.to_owned(),
                    place: place(),
                    value,
                });
            }
            columns.values.push(value);
        }
        columns.lines.push(line);
    }
    Ok(columns)
}

fn names(reader: &mut Reader<&[u8]>, bytes: &[u8], file: &str) -> Result<Vec<String>, DataError> {
    let header = reader
        .headers()
        .map_err(|error| refuse(bytes, file, &error))?;
    let names: Vec<String> = header.iter().map(str::to_owned).collect();
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            return Err(DataError::Name {
                file: file.to_owned(),
                what: "column names",
                name: name.clone(),
            });
        }
    }
    Ok(names)
}

fn reader(bytes: &[u8]) -> Reader<&[u8]> {
    ReaderBuilder::new().trim(Trim::All).from_reader(bytes)
}

/// The text without the byte-order mark with which some spreadsheets open their files.
fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// The line on which a record begins, from 1. The reader's own count stands before the line ends and empty lines that
/// precede the record.
fn line_of(bytes: &[u8], position: Option<&Position>) -> u64 {
    let Some(position) = position else { return 0 };
    let before = bytes
        .iter()
        .skip(usize::try_from(position.byte()).unwrap_or(usize::MAX))
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .filter(|&&byte| byte == b'\n');
    position.line() + before.count() as u64
}

fn refuse(bytes: &[u8], file: &str, error: &::csv::Error) -> DataError {
    match error.kind() {
        ErrorKind::UnequalLengths {
            pos,
            expected_len,
            len,
        } => DataError::RaggedLine {
            file: file.to_owned(),
            line: line_of(bytes, pos.as_ref()),
            expected: *expected_len,
            got: *len,
        },
        ErrorKind::Utf8 { pos, .. } => DataError::CsvFormat {
            file: file.to_owned(),
            reason: format!(
                "line {}: expected UTF-8 text, got other bytes",
                line_of(bytes, pos.as_ref())
            ),
        },
        _ => DataError::CsvFormat {
            file: file.to_owned(),
            reason: error.to_string(),
        },
    }
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
        let table: [(&[u8], &str); 7] = [
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
            (b"a;b\n1;2\n", "no column \"b\"; the columns there are: a;b"),
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
