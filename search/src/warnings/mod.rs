//! What a physicist should know about runs before anything is trained on them.
//!
//! - `fill_values`: -999 or 1e20 where there is no result;
//! - `duplicates`: rows that repeat others, rows that contradict them, judged rows that are trained on;
//! - `influence`: inputs that change nothing, or that follow from the others;
//! - `constant_outputs`: outputs that do not vary where they train;
//! - `extent`: too few rows for the number of inputs, outputs that span decades, and holes in the box.
//!
//! What cannot be used at all (numbers that are not finite, above all) is an error of [`crate::data`] and not read.
//! Nothing here changes what is trained, and test rows are compared with others, never fitted to.

mod constant_outputs;
mod duplicates;
mod extent;
pub(crate) mod fill_values;
mod influence;
mod warning;

pub use warning::{Kind, Warning};

use crate::data::{Dataset, Part, Split};

/// Returns every warning about these data, each once; the parts are those of the file, where it has some.
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

/// Returns every warning about these data as they are split.
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
    // A fill value says nothing about the simulator: it is neither a response to an input nor a large result.
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
