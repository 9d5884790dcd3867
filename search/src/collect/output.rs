//! The output of a simulator as `.npy`, JSON or text; the format is detected from the contents.
//!
//! | bytes | read as | shape |
//! |---|---|---|
//! | `.npy` | an array of floats or integers | that of the array |
//! | `{...}` | JSON, a value for each name | number of names, then that of each value |
//! | `[...]` | JSON, lists of equal length | that of the lists |
//! | anything else | text | lines x values per line, without dimensions of 1 |
//!
//! Values in text are separated by blanks, commas or semicolons; `#` starts a comment. `0,99` may
//! be one value or two. If the text does not show which, it is rejected until the user specifies
//! [`Decimal`].

use crate::data::{LARGEST_OUTPUT, decimal, npy_numbers};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Several images have this number of dimensions; no layout has more.
const LARGEST_RANK: usize = 3;

/// The output of one run; every value is finite and at most 1e300 in magnitude.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The shape; `[]` for a scalar.
    pub shape: Vec<usize>,
    /// The values, in C order.
    pub values: Vec<f64>,
    /// Names along the first dimension, if any.
    pub names: Vec<String>,
}

/// The decimal mark of values in text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "program", derive(clap::ValueEnum))]
pub enum Decimal {
    /// A point; commas part numbers: 0,99 are two
    Point,
    /// A comma: 0,99 is one number; blanks, semicolons and line ends part numbers
    Comma,
}

/// Reads the only file in `folder` whose name starts with `output`.
///
/// # Errors
/// A message if there is no such file, more than one, or its contents cannot be parsed.
pub fn read(folder: &Path, mark: Option<Decimal>) -> Result<Output, String> {
    let files = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let is_output = |name: &str| name == "output" || name.starts_with("output.");
    let mut paths: Vec<_> = files
        .flatten()
        .filter(|file| file.file_name().to_str().is_some_and(is_output))
        .map(|file| file.path())
        .collect();
    match (paths.pop(), paths.pop()) {
        (None, _) => Err("it wrote no output".to_owned()),
        (Some(path), None) => {
            let bytes = fs::read(path).map_err(|error| format!("its output: {error}"))?;
            parse(&bytes, mark)
        }
        (Some(a), Some(b)) => Err(format!(
            "expected one output, got {} and {}",
            a.display(),
            b.display()
        )),
    }
}

/// Parses the bytes of an output.
///
/// # Errors
/// A message if the bytes cannot be parsed or a value is not finite.
pub fn parse(bytes: &[u8], mark: Option<Decimal>) -> Result<Output, String> {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let output = match first {
        None => return Err("its output is empty".to_owned()),
        Some(b'\x93') => {
            let (shape, values) = npy_numbers(bytes)?;
            let names = Vec::new();
            Output {
                shape,
                values,
                names,
            }
        }
        Some(b'{' | b'[') => json(bytes)?,
        Some(_) => text(bytes, mark)?,
    };
    if output.values.is_empty() {
        return Err("its output has no number".to_owned());
    }
    if output.shape.len() > LARGEST_RANK {
        return Err(format!(
            "its output has shape {:?}, expected at most {LARGEST_RANK} sizes; store channels as one size",
            output.shape
        ));
    }
    let unnamed = |name: &&String| name.trim().is_empty() || name.contains(char::is_control);
    if let Some(name) = output.names.iter().find(unnamed) {
        return Err(format!(
            "its output has the name {name:?}, expected text without line breaks that is not empty"
        ));
    }
    let bad = |value: &f64| value.is_nan() || value.abs() > LARGEST_OUTPUT;
    if let Some(index) = output.values.iter().position(bad) {
        return Err(format!(
            "its output has {:?} at place {index} (from 0), expected finite numbers up to {LARGEST_OUTPUT:e}",
            output.values[index]
        ));
    }
    Ok(output)
}

fn json(bytes: &[u8]) -> Result<Output, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        not_finite(bytes, &error).unwrap_or_else(|| format!("its output is not JSON: {error}"))
    })?;
    let (names, parts) = match value {
        Value::Object(fields) => fields.into_iter().unzip(),
        Value::Array(parts) => (Vec::new(), parts),
        _ => return Err("its output is not numbers".to_owned()),
    };
    let (mut shape, mut values) = (vec![parts.len()], Vec::new());
    let sizes = gather_all(&parts, &mut values)?;
    shape.extend(sizes);
    Ok(Output {
        shape,
        values,
        names,
    })
}

/// Returns the word at which parsing JSON failed, if it is a non-finite value as written by Python
/// and JavaScript.
fn not_finite(bytes: &[u8], error: &serde_json::Error) -> Option<String> {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let line = lines.nth(error.line().checked_sub(1)?)?;
    // The parser stops at the first letter of the word, or one after it.
    let first = error.column().saturating_sub(2);
    let mut places = (first..=error.column()).filter_map(|place| line.get(place..));
    let found = places.find_map(|rest| {
        let names = ["NaN", "-Infinity", "Infinity", "nan", "-inf", "inf"];
        names
            .into_iter()
            .find(|name| rest.starts_with(name.as_bytes()))
    })?;
    Some(format!(
        "its output has {found} in line {}, column {}, expected finite numbers",
        error.line(),
        error.column()
    ))
}

/// Adds the values of equally shaped parts to `values`; returns the shape of each part.
fn gather_all(parts: &[Value], values: &mut Vec<f64>) -> Result<Vec<usize>, String> {
    let mut shape: Option<Vec<usize>> = None;
    for part in parts {
        let found = match part {
            Value::Number(number) => {
                values.push(number.as_f64().unwrap_or(f64::NAN));
                Vec::new()
            }
            Value::Array(inner) => {
                let sizes = gather_all(inner, values)?;
                [&[inner.len()], &sizes[..]].concat()
            }
            other => return Err(format!("its output has {other}, expected numbers")),
        };
        match &shape {
            Some(shape) if *shape != found => {
                return Err(format!(
                    "its output has parts of shape {shape:?} and {found:?}, expected equal ones"
                ));
            }
            _ => shape = Some(found),
        }
    }
    Ok(shape.unwrap_or_default())
}

fn text(bytes: &[u8], mark: Option<Decimal>) -> Result<Output, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| {
        "its output is neither text nor .npy; write one of .npy, JSON or numbers as text".to_owned()
    })?;
    if mark.is_none()
        && let Some((number, cell)) = doubtful(text)
    {
        return Err(format!(
            "its output has {cell:?} in line {number}, which may be one number with a decimal comma or two numbers; start \
             again with --retry-failed and --decimal comma or --decimal point"
        ));
    }
    let comma = mark == Some(Decimal::Comma);
    let (mut values, mut lines, mut width) = (Vec::new(), 0, None);
    for (number, line) in text.lines().enumerate() {
        let line = without_comment(line);
        let parts =
            |letter: char| letter.is_whitespace() || letter == ';' || (!comma && letter == ',');
        let cells = line.split(parts);
        let before = values.len();
        for cell in cells.filter(|cell| !cell.is_empty()) {
            let value = match (cell.parse(), comma) {
                (Ok(value), false) => Some(value),
                (_, false) => exponent(cell).parse().ok(),
                (_, true) if cell.contains('.') || decimal(&exponent(cell)).is_none() => None,
                (_, true) => exponent(cell).replacen(',', ".", 1).parse().ok(),
            };
            values.push(value.ok_or_else(|| {
                let cell: String = cell.chars().take(40).collect();
                let commas = if comma { " with decimal commas" } else { "" };
                format!(
                    "its output has {cell:?} in line {}, expected numbers{commas}",
                    number + 1
                )
            })?);
        }
        let found = values.len() - before;
        if found == 0 {
            continue;
        }
        lines += 1;
        if *width.get_or_insert(found) != found {
            return Err(format!(
                "its output has {found} numbers in line {}, expected {} as in the lines before",
                number + 1,
                width.unwrap_or_default()
            ));
        }
    }
    let sizes = [lines, width.unwrap_or_default()];
    Ok(Output {
        shape: sizes.into_iter().filter(|&size| size != 1).collect(),
        values,
        names: Vec::new(),
    })
}

/// Returns a value with `e` as the exponent letter: Fortran writes `D`.
fn exponent(cell: &str) -> String {
    cell.replace(['D', 'd'], "e")
}

fn without_comment(line: &str) -> &str {
    line.split('#').next().unwrap_or_default()
}

/// Returns a cell such as `0,99`, with its line, if the text does not show that commas separate
/// values: no value has a point, and no comma is next to a blank or another comma.
fn doubtful(text: &str) -> Option<(usize, String)> {
    let mut first = None;
    for (number, line) in text.lines().enumerate() {
        let cells =
            without_comment(line).split(|letter: char| letter.is_whitespace() || letter == ';');
        for cell in cells.filter(|cell| !cell.is_empty()) {
            match decimal(&exponent(cell)) {
                Some(true) => {
                    first.get_or_insert_with(|| (number + 1, cell.to_owned()));
                }
                _ if cell.contains([',', '.']) => return None,
                _ => {}
            }
        }
    }
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read_with_its_shape_and_names() {
        let npy = [
            b"\x93NUMPY\x01\x00\x46\x00{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }            \n" as &[u8],
            &1.5f64.to_le_bytes(),
            &2f64.to_le_bytes(),
        ]
        .concat();
        // Bytes, shape, values and names.
        type Row<'a> = (&'a [u8], &'a [usize], &'a [f64], &'a [&'a str]);
        let table: [Row; 10] = [
            (&npy, &[2], &[1.5, 2.0], &[]),
            (b"3.5\n", &[], &[3.5], &[]),
            (
                b"# t y\n1 2\n3, 4 # last\n\n",
                &[2, 2],
                &[1., 2., 3., 4.],
                &[],
            ),
            (b"1\n2\n3\n", &[3], &[1., 2., 3.], &[]),
            (b"1;-2;1.5D-03", &[3], &[1., -2., 1.5e-3], &[]),
            (b"[1, 2.5]", &[2], &[1., 2.5], &[]),
            (
                b"[[1, 2, 3], [4, 5, 6]]",
                &[2, 3],
                &[1., 2., 3., 4., 5., 6.],
                &[],
            ),
            (b" {\"b\": 2, \"a\": 1}\n", &[2], &[1., 2.], &["a", "b"]),
            (
                b"{\"v\": [1, 2], \"u\": [3, 4]}",
                &[2, 2],
                &[3., 4., 1., 2.],
                &["u", "v"],
            ),
            (b"[[[1]]]", &[1, 1, 1], &[1.], &[]),
        ];
        for (bytes, shape, values, names) in table {
            let output = parse(bytes, None).unwrap();
            assert_eq!((&output.shape[..], &output.values[..]), (shape, values));
            assert_eq!(output.names, names);
        }
    }

    #[test]
    fn rubbish_is_refused_in_words() {
        let table: [(&[u8], &str); 18] = [
            (b"[[[[1, 2]]]]", "expected at most 3 sizes"),
            (b"{\"\": 1}", "the name \"\""),
            (b"{\"a\": 1, \"b\": NaN}", "has NaN in line 1"),
            (b"[1,\n -Infinity]", "has -Infinity in line 2"),
            (b"[[1, 2], [Infinity, 3]]", "has Infinity in line 1"),
            (b"[nan]", "has nan in line 1"),
            (b"", "empty"),
            (b" \n", "empty"),
            (b"Segmentation fault\n", "\"Segmentation\" in line 1"),
            (b"1 2\n3\n", "1 numbers in line 2, expected 2"),
            (b"1 nan\n", "NaN at place 1"),
            (b"inf", "inf at place 0"),
            (b"1e301", "1e301 at place 0"),
            (b"[1, \"a\"]", "has \"a\""),
            (b"[[1, 2], [3]]", "equal"),
            (b"{\"a\": 1, ", "not JSON"),
            (b"# nothing\n", "no number"),
            (b"\x93NUMPY\x01", "cut short"),
        ];
        for (bytes, expected) in table {
            let error = parse(bytes, None).unwrap_err();
            assert!(error.contains(expected), "{expected}: {error}");
        }
        assert!(
            parse(&[0xff, 0xfe, 0x00], None)
                .unwrap_err()
                .contains("neither text")
        );
    }

    #[test]
    fn a_decimal_comma_is_read_as_said_and_refused_where_nobody_says_what_it_is() {
        use Decimal::{Comma, Point};
        // A text and its values without a decimal mark, with commas and with points.
        type Row<'a> = (&'a str, [Option<&'a [f64]>; 3]);
        let table: [Row; 9] = [
            ("0,99\n", [None, Some(&[0.99]), Some(&[0., 99.])]),
            (
                "1,5 -2,25D-3",
                [None, Some(&[1.5, -2.25e-3]), Some(&[1., 5., -2., 0.025])],
            ),
            (
                "# 1.5\n0,5;3",
                [None, Some(&[0.5, 3.]), Some(&[0., 5., 3.])],
            ),
            (
                "1,2\n3,4\n",
                [None, Some(&[1.2, 3.4]), Some(&[1., 2., 3., 4.])],
            ),
            // A point, a blank or a third value resolves the ambiguity.
            ("1,2.5", [Some(&[1., 2.5]), None, Some(&[1., 2.5])]),
            ("1, 2", [Some(&[1., 2.]), None, Some(&[1., 2.])]),
            ("1,2,3", [Some(&[1., 2., 3.]), None, Some(&[1., 2., 3.])]),
            ("3 4", [Some(&[3., 4.]), Some(&[3., 4.]), Some(&[3., 4.])]),
            ("1.5", [Some(&[1.5]), None, Some(&[1.5])]),
        ];
        for (text, expected) in table {
            for (mark, expected) in [None, Some(Comma), Some(Point)].into_iter().zip(expected) {
                let read = parse(text.as_bytes(), mark)
                    .ok()
                    .map(|output| output.values);
                assert_eq!(read.as_deref(), expected, "{text:?} {mark:?}");
            }
        }
        let error = parse(b"7\n0,99", None).unwrap_err();
        assert!(
            error.contains("\"0,99\" in line 2") && error.contains("--decimal comma"),
            "{error}"
        );
    }
}
