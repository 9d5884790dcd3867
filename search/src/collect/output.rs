//! What a simulator wrote: numbers as `.npy`, JSON or text, told apart by the bytes themselves.
//!
//! | bytes | read as | shape |
//! |---|---|---|
//! | `.npy` | an array of numbers | the array's |
//! | `{...}` | JSON, a value for each name | number of names, then that of each value |
//! | `[...]` | JSON, lists of equal length | theirs |
//! | anything else | numbers with blanks, commas or semicolons between them; `#` begins a comment | lines x numbers a line, without sizes of 1 |

use crate::data::npy_numbers;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Larger magnitudes are refused, as by a search.
const LARGEST_MAGNITUDE: f64 = 1e30;

/// The output of one run; every number is finite and at most 1e30 in magnitude.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Its sizes; `[]` is a single number.
    pub shape: Vec<usize>,
    /// Its numbers, in C order.
    pub values: Vec<f64>,
    /// Names along the first size, where it has them.
    pub names: Vec<String>,
}

/// Reads the one file in `folder` whose name begins with `output`.
///
/// # Errors
/// There is none or more than one, or its bytes are not numbers; in words.
pub fn read(folder: &Path) -> Result<Output, String> {
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
            parse(&fs::read(path).map_err(|error| format!("its output: {error}"))?)
        }
        (Some(a), Some(b)) => Err(format!(
            "expected one output, got {} and {}",
            a.display(),
            b.display()
        )),
    }
}

/// Reads the bytes of an output.
///
/// # Errors
/// They are not numbers, or not finite; in words.
pub fn parse(bytes: &[u8]) -> Result<Output, String> {
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
        Some(_) => text(bytes)?,
    };
    if output.values.is_empty() {
        return Err("its output has no number".to_owned());
    }
    let bad = |value: &f64| value.is_nan() || value.abs() > LARGEST_MAGNITUDE;
    if let Some(index) = output.values.iter().position(bad) {
        return Err(format!(
            "its output has {:?} at place {index} (from 0), expected finite numbers up to 1e30",
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

/// What stands where reading JSON failed, if it is what Python and JavaScript write for numbers that are not finite.
fn not_finite(bytes: &[u8], error: &serde_json::Error) -> Option<String> {
    let mut lines = bytes.split(|&byte| byte == b'\n');
    let line = lines.nth(error.line().checked_sub(1)?)?;
    // Where a word stops being a number: at its first letter, or one behind it.
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

/// Adds the numbers of equal parts to `values`; returns the shape of each.
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

fn text(bytes: &[u8]) -> Result<Output, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| {
        "its output is neither text nor .npy; write one of .npy, JSON or numbers as text".to_owned()
    })?;
    let (mut values, mut lines, mut width) = (Vec::new(), 0, None);
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let cells = line.split(|letter: char| letter.is_whitespace() || ",;".contains(letter));
        let before = values.len();
        for cell in cells.filter(|cell| !cell.is_empty()) {
            // Fortran writes exponents with a D.
            let value = cell
                .parse()
                .or_else(|_| cell.replace(['D', 'd'], "e").parse());
            values.push(value.map_err(|_| {
                let cell: String = cell.chars().take(40).collect();
                format!(
                    "its output has {cell:?} in line {}, expected numbers",
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
        // Bytes, shape, numbers and names.
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
            let output = parse(bytes).unwrap();
            assert_eq!((&output.shape[..], &output.values[..]), (shape, values));
            assert_eq!(output.names, names);
        }
    }

    #[test]
    fn rubbish_is_refused_in_words() {
        let table: [(&[u8], &str); 16] = [
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
            (b"1e31", "1e31 at place 0"),
            (b"[1, \"a\"]", "has \"a\""),
            (b"[[1, 2], [3]]", "equal"),
            (b"{\"a\": 1, ", "not JSON"),
            (b"# nothing\n", "no number"),
            (b"\x93NUMPY\x01", "cut short"),
        ];
        for (bytes, expected) in table {
            let error = parse(bytes).unwrap_err();
            assert!(error.contains(expected), "{expected}: {error}");
        }
        assert!(
            parse(&[0xff, 0xfe, 0x00])
                .unwrap_err()
                .contains("neither text")
        );
    }
}
