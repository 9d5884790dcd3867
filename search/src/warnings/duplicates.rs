//! Repeated rows, contradicting rows, and judging rows that are also trained on.
//!
//! Two rows have the same inputs if these are equal in single precision: the emulator cannot
//! distinguish them. They have the same outputs if these differ by less than a millionth of the
//! output's range, which allows for rounding in sums of another order.

use super::warning::{Kind, Warning, named};
use crate::data::{Dataset, Part};
use std::collections::HashMap;

/// Maximum difference of equal outputs, relative to the output's range.
const SAME: f64 = 1e-6;

/// Returns the warnings about rows with equal inputs.
pub(super) fn warnings(data: &Dataset, parts: Option<&[Part]>) -> Vec<Warning> {
    let mut groups: HashMap<Vec<u32>, Vec<usize>> = HashMap::new();
    for row in 0..data.rows() {
        // Adding 0.0 makes both zeros equal.
        let x = data.x_row(row).iter().map(|&x| (x as f32 + 0.0).to_bits());
        groups.entry(x.collect()).or_default().push(row);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().filter(|rows| rows.len() > 1).collect();
    groups.sort_unstable();
    let mut found = Vec::new();
    let limits = match groups.is_empty() {
        true => Vec::new(),
        false => limits(data),
    };
    let same = |rows: &&Vec<usize>| {
        let first = data.y_row(rows[0]);
        let differs = |row: usize| {
            let pairs = data.y_row(row).iter().zip(first).zip(&limits);
            pairs
                .into_iter()
                .any(|((a, b), limit)| (a - b).abs() > *limit)
        };
        !rows.iter().any(|&row| differs(row))
    };
    let (repeated, contradicting): (Vec<_>, Vec<_>) = groups.iter().partition(same);
    if let Some(first) = repeated.first() {
        let rows: Vec<usize> = repeated
            .iter()
            .flat_map(|rows| rows[1..].iter().copied())
            .collect();
        found.push(Warning {
            kind: Kind::RepeatedRows,
            text: format!(
                "{} of {} rows repeat an earlier one ({}; row {} is row {} again): they count twice; leave them out",
                rows.len(),
                data.rows(),
                named(&rows),
                first[1],
                first[0]
            ),
            rows,
            inputs: Vec::new(),
        });
    }
    if let Some(first) = contradicting.first() {
        let rows: Vec<usize> = contradicting
            .iter()
            .flat_map(|rows| rows.iter().copied())
            .collect();
        found.push(Warning {
            kind: Kind::ContradictingRows,
            text: format!(
                "{} of {} rows have the inputs of another row but other outputs ({}; row {} and row {}): either the \
                 simulator draws random numbers, and no emulator can be nearer to a single run than their scatter, or \
                 something that changed is not among the inputs; add it, or average the runs of one point",
                rows.len(),
                data.rows(),
                named(&rows),
                first[0],
                first[1]
            ),
            rows,
            inputs: Vec::new(),
        });
    }
    found.extend(parts.and_then(|parts| leaked(&groups, parts)));
    found
}

/// Returns the maximum difference of equal values, for each output.
fn limits(data: &Dataset) -> Vec<f64> {
    let mut ends = vec![(f64::INFINITY, f64::NEG_INFINITY); data.output_count()];
    for row in 0..data.rows() {
        for (ends, &y) in ends.iter_mut().zip(data.y_row(row)) {
            *ends = (ends.0.min(y), ends.1.max(y));
        }
    }
    let ranges = ends.into_iter().map(|(least, greatest)| greatest - least);
    ranges.map(|range| SAME * range).collect()
}

/// Returns a warning about rows that judge or choose and have the same inputs as a training row.
fn leaked(groups: &[Vec<usize>], parts: &[Part]) -> Option<Warning> {
    let mut rows = Vec::new();
    for group in groups {
        if group.iter().any(|&row| parts[row] == Part::Train) {
            rows.extend(
                group
                    .iter()
                    .copied()
                    .filter(|&row| parts[row] != Part::Train),
            );
        }
    }
    rows.sort_unstable();
    let of = |wanted: Part| rows.iter().filter(|&&row| parts[row] == wanted).count();
    let (test, validation) = (of(Part::Test), of(Part::Validation));
    (!rows.is_empty()).then(|| Warning {
        kind: Kind::LeakedRows,
        text: format!(
            "{test} test and {validation} validation rows have the inputs of a training row ({}): scores on them are better than on new \
             inputs; take them out of one of the two parts",
            named(&rows)
        ),
        rows,
        inputs: Vec::new(),
    })
}
