//! Fill values that mean "no result": -999 or 1e20 in a few rows, far from all others.
//!
//! The smallest or largest value of a column is a fill value if it is farther from all others than
//! these are from each other, and occurs in at most a fifth of the rows. In addition, rows with
//! different inputs must have exactly this value, or it must be one that programs are known to
//! write. A saturated output is not far from its other values, and a peak does not occur twice.

use super::warning::{Kind, Warning, named};
use crate::data::Dataset;
use std::collections::{BTreeMap, HashSet};

/// Fill values occur in at most one of this number of rows.
const RARE: usize = 5;
/// Minimum number of other distinct values in a column: with fewer, it is a switch.
const DISTINCT: usize = 8;
/// Maximum number of columns that are named.
const NAMED: usize = 3;

/// A value that stands for a missing result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FillValue {
    value: f64,
    /// Rows with this value, ascending.
    pub(crate) rows: Vec<usize>,
    /// Columns with this value, inputs first, then outputs.
    columns: Vec<usize>,
}

/// Returns the fill values in these rows, which must be ascending.
pub(crate) fn find(data: &Dataset, rows: &[usize]) -> Vec<FillValue> {
    let inputs = data.input_count();
    let mut found: BTreeMap<u64, FillValue> = BTreeMap::new();
    for column in 0..inputs + data.output_count() {
        let value = |row: usize| match column.checked_sub(inputs) {
            None => data.x_row(row)[column],
            Some(output) => data.y_row(row)[output],
        };
        let mut left = rows.to_vec();
        while let Some((fill, with)) = of_column(data, &left, value) {
            left.retain(|row| with.binary_search(row).is_err());
            let all = found.entry(fill.to_bits()).or_insert(FillValue {
                value: fill,
                rows: Vec::new(),
                columns: Vec::new(),
            });
            all.columns.push(column);
            all.rows.extend(with);
        }
    }
    let mut found: Vec<FillValue> = found.into_values().collect();
    for one in &mut found {
        one.rows.sort_unstable();
        one.rows.dedup();
    }
    found
}

/// Returns the rows, which must be ascending, without those that contain a fill value.
pub(crate) fn without(data: &Dataset, rows: &[usize]) -> Vec<usize> {
    let found = find(data, rows).into_iter();
    let filled: HashSet<usize> = found.flat_map(|one| one.rows).collect();
    let mut kept = rows.to_vec();
    kept.retain(|row| !filled.contains(row));
    kept
}

/// Returns a warning about each fill value.
pub(super) fn warnings(data: &Dataset) -> Vec<Warning> {
    let all: Vec<usize> = (0..data.rows()).collect();
    let found = find(data, &all);
    found.into_iter().map(|one| warning(data, one)).collect()
}

fn warning(data: &Dataset, found: FillValue) -> Warning {
    let inputs = data.input_count();
    let name = |&column: &usize| match column.checked_sub(inputs) {
        None => format!("input {:?}", data.inputs()[column].name),
        Some(output) => match data.output_names() {
            names if names.len() == data.output_count() => format!("output {:?}", names[output]),
            _ if data.output_count() == 1 => "the output".to_owned(),
            _ => format!("output {output}"),
        },
    };
    let mut columns: Vec<String> = found.columns.iter().take(NAMED).map(name).collect();
    if found.columns.len() > NAMED {
        columns.push(format!("{} more", found.columns.len() - NAMED));
    }
    let named_inputs = found.columns.iter().filter(|&&column| column < inputs);
    Warning {
        kind: Kind::FillValue,
        text: format!(
            "the value {} stands in {} of {} rows ({}; {}), far from all others there: where it marks runs that failed, leave these \
             rows out, else the emulator learns it as a result",
            shortest(found.value),
            found.rows.len(),
            data.rows(),
            named(&found.rows),
            columns.join(", ")
        ),
        inputs: named_inputs
            .map(|&column| data.inputs()[column].name.clone())
            .collect(),
        rows: found.rows,
    }
}

/// Formats a value with the fewest digits that identify it, in single precision if it is such a
/// value.
fn shortest(value: f64) -> String {
    match value as f32 {
        single if f64::from(single) == value => format!("{single:?}"),
        _ => format!("{value:?}"),
    }
}

/// Returns the fill value of a column in these rows, and the rows with this value.
fn of_column(
    data: &Dataset,
    rows: &[usize],
    value: impl Fn(usize) -> f64,
) -> Option<(f64, Vec<usize>)> {
    let (mut least, mut second) = (f64::INFINITY, f64::INFINITY);
    let (mut greatest, mut before) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    for &row in rows {
        let value = value(row);
        if value < least {
            (least, second) = (value, least);
        } else if value > least && value < second {
            second = value;
        }
        if value > greatest {
            (greatest, before) = (value, greatest);
        } else if value < greatest && value > before {
            before = value;
        }
    }
    let far = |fill: f64, near: f64, end: f64| {
        near.is_finite() && (fill - near).abs() > (end - near).abs()
    };
    let candidates = [(greatest, before, least), (least, second, greatest)];
    candidates.into_iter().find_map(|(fill, near, end)| {
        if !far(fill, near, end) {
            return None;
        }
        let with: Vec<usize> = rows
            .iter()
            .copied()
            .filter(|&row| value(row) == fill)
            .collect();
        let is_rare = with.len() * RARE <= rows.len();
        let is_repeated = with
            .iter()
            .any(|&row| data.x_row(row) != data.x_row(with[0]));
        let mut others: Vec<u64> = rows
            .iter()
            .map(|&row| value(row))
            .filter(|&value| value != fill)
            .map(f64::to_bits)
            .collect();
        others.sort_unstable();
        others.dedup();
        (is_rare && (is_repeated || is_known(fill)) && others.len() >= DISTINCT)
            .then_some((fill, with))
    })
}

/// Whether programs write this value for a missing result: nines, large powers of ten, limits of
/// integer types.
fn is_known(value: f64) -> bool {
    // Files often contain single precision.
    let size = value.abs() as f32;
    let nines = (2..=7).map(|digits| 10f32.powi(digits) - 1.0);
    let ends = [
        32_767.0,
        32_768.0,
        65_535.0,
        2_147_483_647.0,
        2_147_483_648.0,
    ];
    let powers = [1e10, 1e15, 1e20, 1e30];
    nines.chain(ends).chain(powers).any(|known| known == size)
}
