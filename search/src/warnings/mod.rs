//! Warnings about the runs of a data set, for the user to read before training.
//!
//! - `fill_values`: -999 or 1e20 instead of a result;
//! - `duplicates`: repeated rows, contradicting rows, judging rows that are trained on;
//! - `influence`: inputs without influence, or determined by the others;
//! - `constant_outputs`: outputs that are constant in the training rows;
//! - `extent`: too few rows for the number of inputs, outputs that span decades, and holes in the
//!   box.
//!
//! Unusable data, above all values that are not finite, are an error of [`crate::data`] and are not
//! read. Nothing here affects the training. Test rows are compared with others, but nothing is
//! fitted to them.

mod constant_outputs;
mod duplicates;
mod extent;
pub(crate) mod fill_values;
mod influence;
mod warning;

pub use warning::{Kind, Warning};

use crate::data::{Dataset, Part, Split};

/// Returns every warning about these data once; the parts are those in the file, if any.
#[must_use]
pub fn of(data: &Dataset) -> Vec<Warning> {
    let split = Split::resolve(data, 0);
    let refused = split.and_then(|split| split.check_varies(data)).err();
    let refused = refused.map(|error| Warning {
        kind: Kind::Refused,
        text: format!("a search refuses this file: {error}"),
        rows: Vec::new(),
        inputs: Vec::new(),
    });
    let all = refused.into_iter();
    all.chain(with_parts(data, data.parts())).collect()
}

/// Returns every warning about these data with this split.
#[must_use]
pub fn of_split(data: &Dataset, split: &Split) -> Vec<Warning> {
    let mut parts = vec![Part::Train; data.rows()];
    for (rows, part) in [
        (&split.validation, Part::Validation),
        (&split.test, Part::Test),
    ] {
        rows.iter().for_each(|&row| parts[row] = part);
    }
    with_parts(data, Some(&parts))
}

fn with_parts(data: &Dataset, parts: Option<&[Part]>) -> Vec<Warning> {
    let rows_of = |wanted: &[Part]| -> Vec<usize> {
        let part = |row: usize| parts.map_or(Part::Train, |parts| parts[row]);
        (0..data.rows())
            .filter(|&row| wanted.contains(&part(row)))
            .collect()
    };
    let train = rows_of(&[Part::Train]);
    let mut warnings = fill_values::warnings(data);
    warnings.extend(duplicates::warnings(data, parts));
    warnings.extend(extent::few_rows(data, &train));
    // A fill value carries no information about the simulator: it is neither a response to an input
    // nor a large result.
    let without = |rows: &[usize]| match warnings.iter().any(|one| one.kind == Kind::FillValue) {
        true => fill_values::without(data, rows),
        false => rows.to_vec(),
    };
    let (results, all) = (
        without(&train),
        without(&rows_of(&[Part::Train, Part::Validation])),
    );
    warnings.extend(constant_outputs::warnings(data, &train));
    warnings.extend(influence::warnings(data, &results, &all));
    warnings.extend(extent::decades(data, &results));
    warnings.extend(extent::holes(data, &train));
    warnings
}

#[cfg(test)]
mod tests;
