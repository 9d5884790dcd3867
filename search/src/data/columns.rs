//! Finds columns by name, and the error for an array of the wrong shape.

use super::error::{DataError, list, shape_text};

/// Returns the positions of the columns `wanted` among `names`.
pub(super) fn positions(
    file: &str,
    wanted: &[String],
    names: &[String],
) -> Result<Vec<usize>, DataError> {
    wanted
        .iter()
        .map(|column| {
            names
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| DataError::MissingColumn {
                    file: file.to_owned(),
                    column: column.clone(),
                    found: list(names.iter().map(String::as_str)),
                })
        })
        .collect()
}

/// The chosen columns of a row-major matrix with rows of `width`.
pub(super) fn pick<T: Copy>(values: &[T], width: usize, columns: &[usize]) -> Vec<T> {
    values
        .chunks_exact(width)
        .flat_map(|row| columns.iter().map(|&column| row[column]))
        .collect()
}

/// The error for an array of the wrong shape.
pub(super) fn shape_error(
    file: &str,
    array: &str,
    expected: &str,
    got: &[usize],
    advice: &'static str,
) -> DataError {
    DataError::Shape {
        file: file.to_owned(),
        array: array.to_owned(),
        expected: expected.to_owned(),
        got: shape_text(got),
        advice,
    }
}
