//! The inputs that `predict` is asked about.

use std::path::Path;

use super::csv;
use super::dataset::{Format, read_bytes};
use super::draft::{pick, positions, shape_error, x_shape};
use super::error::{DataError, Place};
use super::npz::Archive;

/// Inputs in the order of the emulator's, every number finite.
#[derive(Debug, Clone, PartialEq)]
pub struct InputRows {
    rows: usize,
    x: Vec<f32>,
}

impl InputRows {
    /// Reads the array `x` of a `.npz` or the columns of a `.csv`, for an emulator with inputs of these `names`.
    ///
    /// A `.csv` has to have a column of each name; others are ignored. A `.npz` with `x_names` has to have each name
    /// too, and its columns are put into the emulator's order; without `x_names` the number of columns has to be right.
    ///
    /// # Errors
    /// Every case of [`DataError`] that concerns reading; a missing name or another number of columns among them.
    pub fn read(path: &Path, names: &[String]) -> Result<Self, DataError> {
        let file = path.display().to_string();
        let format = Format::of(path)?;
        let bytes = read_bytes(path)?;
        match format {
            Format::Npz => Self::from_npz(&bytes, &file, names),
            Format::Csv => Self::from_csv(&bytes, &file, names),
        }
    }

    /// The number of rows, at least 1.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The inputs `[rows][names]`, row-major, rounded to single precision.
    pub fn x(&self) -> &[f32] {
        &self.x
    }

    fn from_npz(bytes: &[u8], file: &str, names: &[String]) -> Result<Self, DataError> {
        let mut archive = Archive::open(bytes, file)?;
        let header = archive.required("x")?;
        let (rows, columns) = x_shape(header, file)?;
        let shape = header.shape().to_vec();
        let expected = format!("({rows}, {}) as the emulator has inputs", names.len());
        let advice = "the emulator's inputs are listed by inspect";
        let stored = archive.optional_strings("x_names")?;
        if stored.is_none() && columns != names.len() {
            return Err(shape_error(file, "x", &expected, &shape, advice));
        }
        let order = match &stored {
            None => (0..columns).collect(),
            Some(stored) if stored.len() != columns => {
                return Err(shape_error(
                    file,
                    "x_names",
                    &format!("({columns})"),
                    &[stored.len()],
                    "store one name for each column of \"x\", or leave the array out",
                ));
            }
            Some(stored) => positions(file, names, stored)?,
        };
        let x = archive.numbers("x", |_, value| value)?;
        Self::new(file, rows, &pick(&x, columns, &order), |row, column| {
            Place::Row {
                array: "x".to_owned(),
                row,
                column: names[column].clone(),
            }
        })
    }

    fn from_csv(bytes: &[u8], file: &str, names: &[String]) -> Result<Self, DataError> {
        let columns = csv::read(bytes, file, names)?;
        Self::new(file, columns.lines.len(), &columns.values, |row, column| {
            Place::Line {
                line: columns.lines[row],
                column: names[column].clone(),
            }
        })
    }

    fn new(
        file: &str,
        rows: usize,
        x: &[f64],
        place: impl Fn(usize, usize) -> Place,
    ) -> Result<Self, DataError> {
        if rows == 0 {
            return Err(DataError::NoRows {
                file: file.to_owned(),
            });
        }
        let columns = x.len() / rows;
        if let Some(index) = x.iter().position(|value| !(*value as f32).is_finite()) {
            let (file, place, value) = (
                file.to_owned(),
                place(index / columns, index % columns),
                x[index],
            );
            return Err(if value.is_finite() {
                DataError::OutOfRange { file, place, value }
            } else {
                DataError::NotFinite { file, place, value }
            });
        }
        Ok(Self {
            rows,
            x: x.iter().map(|&value| value as f32).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{NpzFile, doubles, unicode};
    use super::*;

    fn names() -> Vec<String> {
        vec!["a".to_owned(), "b".to_owned()]
    }

    fn npz(columns: &[&str], x: &[f64]) -> Result<InputRows, DataError> {
        let rows = x.len() / 2;
        let mut file = NpzFile::new().with("x", "<f8", &[rows, 2], doubles(x));
        if !columns.is_empty() {
            file = file.with("x_names", "<U4", &[columns.len()], unicode(columns, 4));
        }
        InputRows::from_npz(&file.bytes(), "q.npz", &names())
    }

    #[test]
    fn columns_are_put_into_the_emulators_order() {
        for columns in [&[][..], &["a", "b"]] {
            assert_eq!(
                npz(columns, &[1.0, 2.0, 3.0, 4.0]).unwrap().x(),
                [1.0, 2.0, 3.0, 4.0]
            );
        }
        assert_eq!(npz(&["b", "a"], &[1.0, 2.0]).unwrap().x(), [2.0, 1.0]);
        let csv = InputRows::from_csv(b"b,c,a\n1,2,3\n4,5,6\n", "q.csv", &names()).unwrap();
        assert_eq!((csv.rows(), csv.x()), (2, &[3.0, 1.0, 6.0, 4.0][..]));
    }

    #[test]
    fn inputs_that_do_not_fit_are_refused() {
        let table = [
            (
                npz(&["a", "c"], &[1.0, 2.0]),
                "no column \"b\"; the columns there are: a, c",
            ),
            (
                npz(&["a"], &[1.0, 2.0]),
                "\"x_names\": expected shape (2), got (1)",
            ),
            (
                npz(&[], &[1.0, 2.0, 3.0, f64::NAN]),
                "row 1 (from 0), column \"b\"",
            ),
            (npz(&[], &[1.0, 1e39]), "1e39"),
            (npz(&[], &[]), "at least one row"),
            (
                InputRows::from_csv(b"a\n1\n", "q.csv", &names()),
                "no column \"b\"",
            ),
            (
                InputRows::from_csv(b"a,b\n", "q.csv", &names()),
                "at least one row",
            ),
        ];
        for (result, expected) in table {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let three = NpzFile::new()
            .with("x", "<f8", &[1, 3], doubles(&[1.0; 3]))
            .bytes();
        let error = InputRows::from_npz(&three, "q.npz", &names()).unwrap_err();
        assert!(error.to_string().contains("got (1, 3)"), "{error}");
    }
}
