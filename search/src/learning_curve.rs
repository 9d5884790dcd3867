//! The learning curve: whether more runs would help. Measures the error of a quick model on growing
//! subsets of the rows, and fits a power law.
//!
//! ```text
//! mse_z(n) = a n^-b,    ln a and b by least squares through ln mse_z of the largest subsets
//! ```
//!
//! The model is a Gaussian process with shared length scales and takes a few seconds. A searched
//! network has another error, but with few rows both are limited by the information in the rows.
//! Subsets are nested, each half of the next, in three random orders. The judging rows are the same
//! for all subsets, and no test row is read.

use crate::data::{Dataset, Normalisation, Part, Split, Transform};
use crate::error::{Error, Result, ensure};
use crate::gaussian_process::SharedProcess;
use crate::streams::{permutation, stream};
use serde::Serialize;
use std::fmt;

/// Maximum size of the largest subset: the process uses no more rows.
const LARGEST: usize = 1500;
/// Maximum number of judging rows, and their maximum share if there are few rows.
const JUDGED: usize = 400;
const JUDGED_SHARE: usize = 4;
/// Minimum size of the smallest subset.
const SMALLEST: usize = 12;
/// Maximum number of sizes, and the number of the largest ones to which the law is fitted.
const SIZES: usize = 6;
const SIZES_OF_LAW: usize = 4;
/// Number of random orders.
const ORDERS: usize = 3;
/// Below this exponent, more simulations do not pay off: twice the runs reduce the error by only 7
/// %.
const WORTHWHILE: f64 = 0.1;
/// Outputs that reach this number of standard deviations are learnt as their asinh.
const HEAVY: f32 = 20.0;

/// The error for one size of the subset.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Number of rows in the subset.
    pub rows: usize,
    /// Mean squared error on the judging rows, in units of each output's deviation: the geometric
    /// mean over the orders.
    pub mse_z: f64,
    /// The smallest and the largest value over the orders.
    pub range: [f64; 2],
}

/// The errors of growing subsets, and the power law fitted to them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LearningCurve {
    /// Points from the smallest subset to the largest.
    pub points: Vec<Point>,
    /// b: doubling the rows divides the error by `2^b`.
    pub exponent: f64,
    /// The standard error of b.
    pub exponent_error: f64,
    /// Number of available training rows.
    pub rows: usize,
    /// The error that the law predicts for this number of rows,
    pub expected_mse_z: f64,
    /// and for twice this number.
    pub doubled_mse_z: f64,
    /// The conclusion in a sentence.
    pub answer: String,
}

/// Measures the curve of these data; the test rows of the file are not read.
///
/// # Errors
/// If there are too few rows for three subsets and judging rows, or for training; if every output
/// is constant; or if no process can be fitted.
pub fn measure(data: &Dataset) -> Result<LearningCurve> {
    check_rows(data)?;
    let rows = rows(data);
    let order = permutation(&mut stream(0, "learning curve"), rows.len());
    let shuffled: Vec<usize> = order.iter().map(|&place| rows[place]).collect();
    let (judged, rest) = shuffled.split_at(judged_count(rows.len()));
    let sizes = sizes(rest.len(), data.input_count());
    let normalisation = normalisation(data, rest);
    let constant = normalisation.output_constant();
    ensure!(
        Unlearnable,
        constant.contains(&false),
        "{}: every output is constant: there is nothing to learn",
        data.label()
    );
    let encoded = |rows: &[usize]| {
        (
            normalisation.encode_x(data, rows),
            normalisation.encode_y(data, rows),
        )
    };
    let (judged_x, truth) = encoded(judged);
    let outputs = data.output_count();
    let error = |rows: &[usize]| -> Option<f64> {
        let (x, y) = encoded(rows);
        let found =
            SharedProcess::fit(&x, data.input_count(), &y, outputs)?.predict(&judged_x, None)?;
        let pairs = found.iter().zip(&truth).enumerate();
        let squares = pairs
            .filter(|(k, _)| !constant[k % outputs])
            .map(|(_, (a, b))| f64::from(a - b).powi(2));
        let (mut sum, mut count) = (0.0, 0.0);
        squares.for_each(|square| (sum, count) = (sum + square, count + 1.0));
        Some((sum / count).max(f64::MIN_POSITIVE))
    };
    let mut random = stream(0, "learning curve's orders");
    let orders: Vec<Vec<usize>> = (0..ORDERS)
        .map(|_| {
            permutation(&mut random, rest.len())
                .iter()
                .map(|&place| rest[place])
                .collect()
        })
        .collect();
    let mut points = Vec::new();
    for &size in &sizes {
        let errors: Option<Vec<f64>> = orders.iter().map(|order| error(&order[..size])).collect();
        let errors = errors.ok_or_else(|| {
            let text = "no Gaussian process can be fitted to these rows: see the warnings";
            Error::Unlearnable(text.to_owned())
        })?;
        points.push(Point {
            rows: size,
            mse_z: (errors.iter().map(|error| error.ln()).sum::<f64>() / ORDERS as f64).exp(),
            range: [
                errors.iter().copied().fold(f64::INFINITY, f64::min),
                errors.iter().copied().fold(0.0, f64::max),
            ],
        });
    }
    // The same split as in a search.
    let train = Split::resolve(data, 0)?.train.len();
    Ok(law(points, train))
}

/// Rejects data with too few rows for a curve.
///
/// # Errors
/// If there are too few rows for three subsets and judging rows.
pub fn check_rows(data: &Dataset) -> Result<()> {
    let rows = rows(data).len();
    let sizes = sizes(rows - judged_count(rows), data.input_count());
    ensure!(
        Unlearnable,
        sizes.len() >= 3,
        "{}: a learning curve needs {} rows beside the test rows, got {rows}",
        data.label(),
        (4 * smallest(data.input_count())).div_ceil(JUDGED_SHARE - 1) * JUDGED_SHARE,
    );
    Ok(())
}

/// Returns the rows that a curve reads: all except test rows.
fn rows(data: &Dataset) -> Vec<usize> {
    let is_test = |row: usize| data.parts().is_some_and(|parts| parts[row] == Part::Test);
    (0..data.rows()).filter(|&row| !is_test(row)).collect()
}

/// Returns the number of judging rows.
fn judged_count(rows: usize) -> usize {
    (rows / JUDGED_SHARE).min(JUDGED)
}

/// Returns the smallest useful subset for this number of inputs.
fn smallest(inputs: usize) -> usize {
    (2 * inputs).max(SMALLEST)
}

/// Returns the sizes of the subsets, ascending.
fn sizes(rows: usize, inputs: usize) -> Vec<usize> {
    let halves = std::iter::successors(Some(rows.min(LARGEST)), |size| Some(size / 2));
    let mut sizes: Vec<usize> = halves
        .take_while(|&size| size >= smallest(inputs))
        .take(SIZES)
        .collect();
    sizes.reverse();
    sizes
}

fn normalisation(data: &Dataset, rows: &[usize]) -> Normalisation {
    let plain = Normalisation::fit(data, rows);
    match plain.encode_y(data, rows).iter().any(|z| z.abs() >= HEAVY) {
        true => Normalisation::fit_transformed(data, rows, Transform::Asinh),
        false => plain,
    }
}

/// Fits the law to the largest subsets, and predicts the error for `rows` and twice as many.
fn law(points: Vec<Point>, rows: usize) -> LearningCurve {
    let last = &points[points.len().saturating_sub(SIZES_OF_LAW)..];
    let count = last.len() as f64;
    let pairs: Vec<(f64, f64)> = last
        .iter()
        .map(|point| ((point.rows as f64).ln(), point.mse_z.ln()))
        .collect();
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|pair| pair.0), mean(|pair| pair.1));
    let square: f64 = pairs.iter().map(|pair| (pair.0 - x).powi(2)).sum();
    let slope = pairs
        .iter()
        .map(|pair| (pair.0 - x) * (pair.1 - y))
        .sum::<f64>()
        / square;
    // The scatter of the points about the law or of the orders about their means, whichever is
    // larger.
    let about = |pair: &(f64, f64)| (pair.1 - y - slope * (pair.0 - x)).powi(2);
    let residual = pairs.iter().map(about).sum::<f64>() / (count - 2.0).max(1.0);
    let spread = last
        .iter()
        .map(|point| ((point.range[1] / point.range[0]).ln() / 2.0).powi(2))
        .sum::<f64>();
    let variance = residual.max(spread / count / ORDERS as f64);
    let (exponent, exponent_error) = (-slope, (variance / square).sqrt());
    let at = |rows: usize| (y + slope * ((rows as f64).ln() - x)).exp();
    let (expected, doubled) = (at(rows), at(2 * rows));
    LearningCurve {
        answer: answer(exponent, exponent_error, rows, expected),
        points,
        exponent,
        exponent_error,
        rows,
        expected_mse_z: expected,
        doubled_mse_z: doubled,
    }
}

fn answer(exponent: f64, error: f64, rows: usize, expected: f64) -> String {
    let factor = |exponent: f64| 2f64.powf(exponent);
    if exponent - 2.0 * error < WORTHWHILE {
        if exponent + 2.0 * error > 0.5 {
            return format!(
                "The curve is too ragged to say whether more runs would help: its exponent is {exponent:.2} +- {error:.2}."
            );
        }
        return format!(
            "More runs would hardly help: with twice as many the error falls by a factor of {:.2}. What is left is noise of \
             the simulator, an input that is missing, or detail too fine for this model.",
            factor(exponent.max(0.0))
        );
    }
    // A tenth of the error takes 10^(1/b) times the runs.
    let tenth = 10f64.powf(1.0 / exponent);
    format!(
        "More runs would help: twice as many ({}) divide the mean squared error by about {:.1} ({:.1} to {:.1}), from {expected:.1e}; \
         a tenth of it takes {} times as many.",
        2 * rows,
        factor(exponent),
        factor((exponent - 2.0 * error).max(0.0)),
        factor(exponent + 2.0 * error),
        match tenth < 10.0 {
            true => format!("{tenth:.1}"),
            false => format!("{tenth:.0}"),
        }
    )
}

impl fmt::Display for LearningCurve {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "learning curve of a quick Gaussian process, mse_z on rows kept apart"
        )?;
        writeln!(
            formatter,
            "  {:>6}  {:>8}  {:>19}",
            "rows", "mse_z", "over three orders"
        )?;
        for Point { rows, mse_z, range } in &self.points {
            writeln!(
                formatter,
                "  {rows:>6}  {mse_z:>8.1e}  {:>8.1e} - {:>8.1e}",
                range[0], range[1]
            )?;
        }
        writeln!(
            formatter,
            "  law: mse_z ~ rows^-b, b = {:.2} +- {:.2}",
            self.exponent, self.exponent_error
        )?;
        writeln!(formatter, "{}", self.answer)
    }
}

#[cfg(test)]
mod tests;
