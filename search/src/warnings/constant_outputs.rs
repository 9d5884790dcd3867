//! Outputs that cannot be learnt because they are constant in the training rows.

use super::warning::{Kind, Warning, named};
use crate::data::{Dataset, Normalisation};

/// Maximum number of outputs that are named individually.
const NAMED: usize = 3;

/// Returns a warning for each scalar or channel that is constant in the rows `train`, and for each
/// channel with points that are constant there but vary in other rows.
pub(super) fn warnings(data: &Dataset, train: &[usize]) -> Vec<Warning> {
    let normalisation = Normalisation::fit(data, train);
    let constant = normalisation.output_constant();
    // If every output is constant, a search rejects the data with an error of its own.
    if constant.iter().all(|&is| is) {
        return Vec::new();
    }
    let points = data.output_count() / data.channels();
    let mut found = Vec::new();
    for (channel, constant) in constant.chunks_exact(points).enumerate() {
        let places = (channel * points..).zip(constant);
        let places: Vec<usize> = places.filter_map(|(k, &is)| is.then_some(k)).collect();
        let values = normalisation.output_offset();
        let differs = |&row: &usize| {
            let y = data.y_row(row);
            places.iter().any(|&k| !is_near(y[k], values[k]))
        };
        let rows: Vec<usize> = (0..data.rows()).filter(differs).collect();
        let whole = places.len() == points;
        if places.is_empty() || (!whole && rows.is_empty()) {
            continue;
        }
        let subject = if whole {
            data.channel_name(channel)
        } else {
            format!(
                "{} of {points} points of {}",
                places.len(),
                data.channel_name(channel)
            )
        };
        let (verb, what) = match (whole && points == 1, places.len()) {
            (true, _) => ("is", format!("{:?}", values[places[0]])),
            (false, 1) => ("has", "one value".to_owned()),
            (false, _) => ("have", "one value each".to_owned()),
        };
        let elsewhere = if rows.is_empty() {
            String::new()
        } else {
            format!(", but not in {}", named(&rows))
        };
        found.push(Warning {
            kind: Kind::ConstantOutput,
            text: format!(
                "{subject} {verb} {what} in all {} training rows{elsewhere}: the emulator always returns that value, and scores leave it \
                 out{}",
                train.len(),
                if rows.is_empty() {
                    ""
                } else {
                    "; train on rows in which it varies, or leave it out"
                }
            ),
            rows,
            inputs: Vec::new(),
        });
    }
    if found.len() > NAMED {
        let more = found.len() - NAMED;
        found.truncate(NAMED);
        if let Some(last) = found.last_mut() {
            last.text += &format!(" ({more} more outputs are constant there)");
        }
    }
    found
}

/// Whether two values agree up to the rounding of float64.
fn is_near(left: f64, right: f64) -> bool {
    (left - right).abs() <= 16.0 * f64::EPSILON * left.abs().max(right.abs())
}
