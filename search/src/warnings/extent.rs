//! Checks whether there are enough rows, whether they fill the box, and whether the outputs span
//! decades.

use super::warning::{Kind, Warning};
use crate::data::{Dataset, Layout};
use crate::holes;
use crate::learning_curve;

/// Minimum number of rows per input: Loeppky, Sacks and Welch, "Choosing the sample size of a
/// computer experiment", Technometrics 51, 366 (2009).
const ROWS_AN_INPUT: usize = 10;
/// An output spans decades if the 95 % point of its magnitudes exceeds their median by this factor:
/// a few large rows then dominate its errors. (Uniformly distributed logarithms reach this over 3.3
/// decades.)
const FACTOR: f64 = 30.0;
/// Alternatively, if its largest magnitude exceeds the median by this factor
const PEAK: f64 = 100.0;
/// and is this number of standard deviations from the mean: then [`crate::transform`] tries other
/// coordinates.
const DEVIATIONS: f64 = 20.0;
/// With fewer rows, quantiles are unreliable.
const ROWS: usize = 20;

/// Returns a warning if there are too few training rows for the inputs that vary.
pub(super) fn few_rows(data: &Dataset, train: &[usize]) -> Option<Warning> {
    let inputs = (0..data.input_count())
        .filter(|&input| !data.is_constant(input))
        .count();
    let needed = ROWS_AN_INPUT * inputs;
    let curve = match learning_curve::check_rows(data) {
        Ok(()) => " (inspect --learning-curve says what more rows bring)",
        Err(_) => "",
    };
    (train.len() < needed).then(|| Warning {
        kind: Kind::FewRows,
        text: format!(
            "{} training rows for {inputs} inputs that vary: expect a poor emulator below {ROWS_AN_INPUT} rows an input \
             ({needed}); run the simulator more often, or fix inputs that matter little{curve}",
            train.len()
        ),
        rows: Vec::new(),
        inputs: Vec::new(),
    })
}

/// Returns a warning if the rows `train` leave a part of the box empty.
pub(super) fn holes(data: &Dataset, train: &[usize]) -> Option<Warning> {
    let holes = holes::find(data, train)?;
    Some(Warning {
        kind: Kind::Holes,
        text: format!(
            "the training points leave {:.0} % of the box empty (x_low to x_high, else the range of the data): the emulator \
             guesses there, and says so by its status \"far from data\", for {:.0} % of the box ({} centres, {} further \
             multiply-accumulates a call); run the simulator there, if such inputs are to be asked about",
            100.0 * holes.empty,
            100.0 * holes.flagged,
            holes.coverage.count(),
            (holes.coverage.count() + data.input_count()) * data.input_count()
        ),
        rows: Vec::new(),
        inputs: Vec::new(),
    })
}

/// Returns a warning if outputs span decades over the rows `train`.
pub(super) fn decades(data: &Dataset, train: &[usize]) -> Option<Warning> {
    if train.len() < ROWS {
        return None;
    }
    let mut wide = Vec::new();
    let mut widest = 0.0f64;
    for output in 0..data.output_count() {
        let y: Vec<f64> = train.iter().map(|&row| data.y_row(row)[output]).collect();
        if let Some(factor) = span(&y) {
            widest = widest.max(factor);
            wide.push(output);
        }
    }
    let first = *wide.first()?;
    let least = train
        .iter()
        .flat_map(|&row| wide.iter().map(move |&output| data.y_row(row)[output]))
        .fold(f64::INFINITY, f64::min);
    let transform = if least >= f32::MIN_POSITIVE.into() {
        "log"
    } else {
        "asinh"
    };
    let scalars = data.layout() == Layout::Scalars && data.output_count() > 1;
    let advice = match scalars {
        true => "where small values matter as well, store their logarithm instead".to_owned(),
        false => format!(
            "where small values matter as well, compare a search with --transform {transform} (by default it is looked at \
             where an output reaches {DEVIATIONS} standard deviations)"
        ),
    };
    let which = match (scalars, data.output_names().get(first)) {
        (true, Some(name)) if wide.len() == 1 => format!("output {name:?} spans"),
        (true, Some(name)) => format!(
            "{} of {} outputs (first: {name:?}) span",
            wide.len(),
            data.output_count()
        ),
        _ if data.output_count() == 1 => "the output spans".to_owned(),
        _ => format!(
            "{} of {} outputs (first: number {first}) span",
            wide.len(),
            data.output_count()
        ),
    };
    Some(Warning {
        kind: Kind::Decades,
        text: format!(
            "{which} decades (large values are up to {} times the median): errors are counted in an output's standard \
             deviation, so that small values may be learnt badly in relation to themselves; {advice}",
            rounded(widest)
        ),
        rows: Vec::new(),
        inputs: Vec::new(),
    })
}

/// Rounds a factor above one to two digits.
fn rounded(factor: f64) -> String {
    match factor < 1e5 {
        true => format!("{factor:.0}"),
        false => format!("{factor:.0e}"),
    }
}

/// Returns the ratio of an output's large magnitudes to their median, if it spans decades.
fn span(y: &[f64]) -> Option<f64> {
    let count = y.len() as f64;
    // A zero means that an output is off, not that it is small.
    let mut magnitudes: Vec<f64> = y.iter().map(|y| y.abs()).filter(|&y| y > 0.0).collect();
    if magnitudes.len() < ROWS {
        return None;
    }
    magnitudes.sort_by(f64::total_cmp);
    let at = |share: f64| magnitudes[((magnitudes.len() - 1) as f64 * share) as usize];
    let upper = at(0.95) / at(0.5);
    if upper >= FACTOR {
        return Some(upper);
    }
    let mean = y.iter().sum::<f64>() / count;
    let deviation = (y.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / count).sqrt();
    let farthest = y.iter().fold(0.0f64, |far, y| far.max((y - mean).abs()));
    let peak = at(1.0) / at(0.5);
    (peak >= PEAK && farthest >= DEVIATIONS * deviation && deviation > 0.0).then_some(peak)
}
