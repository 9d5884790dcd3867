//! How good an emulator is on rows that it has not seen: figures of the deployed arithmetic.

use crate::data::Dataset;
use dense_codegen::Emulator;
use dense_codegen::executor::Executor;
use serde::Serialize;

/// The figures of `evaluate`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Metrics {
    /// Mean squared error after each output is divided by its standard deviation on the training rows.
    pub mse_z: f64,
    /// One minus the squared error over the outputs' variance, pooled in those units.
    pub r2: f64,
    /// The median over rows of the error's norm over the output's norm.
    pub median_relative_l2: f64,
    /// The share of values within 0.674 standard deviations.
    pub coverage_50: f64,
    /// The share of values within 1.645 standard deviations.
    pub coverage_90: f64,
    /// The share of values within 2.576 standard deviations.
    pub coverage_99: f64,
    /// Mean width of the 90 % band, in training standard deviations.
    pub mean_width_z: f64,
    /// That over the width of the band that is equally wide everywhere, in those units, and holds as many values: below 1
    /// where the standard deviation knows where errors are large.
    pub width_over_constant: f64,
    /// Spearman's correlation of a row's mean squared standard deviation with its mean squared error; `None` for fewer
    /// than three rows or a single output, whose rows have one error each.
    pub error_rank_correlation: Option<f64>,
    /// Rows outside the trained box, or far from all training points in a box with holes.
    pub out_of_domain: usize,
    /// Rows.
    pub samples: usize,
}

/// Returns the figures of an emulator on some rows.
///
/// `deviation`: each output's standard deviation on the training rows; 0.0 leaves a constant output out.
#[must_use]
pub fn evaluate(
    emulator: &Emulator,
    data: &Dataset,
    rows: &[usize],
    deviation: &[f32],
    threads: usize,
) -> Metrics {
    let outputs = data.output_count();
    let x: Vec<f32> = rows
        .iter()
        .flat_map(|&row| data.x_row(row))
        .map(|&x| x as f32)
        .collect();
    let predictions = Executor::new(emulator).predict(&x, threads);
    let kept: Vec<usize> = (0..outputs).filter(|&j| deviation[j] > 0.0).collect();
    let count = (kept.len() * rows.len()) as f64;
    let mut means = vec![0.0f64; outputs];
    for &row in rows {
        for &j in &kept {
            means[j] += f64::from(data.y_row(row)[j]) / rows.len() as f64;
        }
    }
    let (mut squares, mut total, mut width) = (0.0, 0.0, 0.0);
    let mut sizes = Vec::with_capacity(kept.len() * rows.len());
    let (mut errors, mut variances) = (Vec::new(), Vec::new());
    let mut inside = [0usize; 3];
    let mut relative = Vec::new();
    for (index, &row) in rows.iter().enumerate() {
        let (mut error, mut norm) = (0.0, 0.0);
        let (mut error_z, mut variance_z) = (0.0, 0.0);
        for &j in &kept {
            let (y, place) = (f64::from(data.y_row(row)[j]), index * outputs + j);
            let (mean, std) = (
                f64::from(predictions.mean[place]),
                f64::from(predictions.std[place]),
            );
            let unit = f64::from(deviation[j]);
            squares += ((mean - y) / unit).powi(2);
            error_z += ((mean - y) / unit).powi(2);
            variance_z += (std / unit).powi(2);
            sizes.push(((mean - y) / unit).abs());
            total += ((y - means[j]) / unit).powi(2);
            width += 2.0 * 1.645 * std / unit;
            error += (mean - y).powi(2);
            norm += y * y;
            for (inside, z) in inside.iter_mut().zip([0.674, 1.645, 2.576]) {
                *inside += usize::from((y - mean).abs() <= z * std);
            }
        }
        errors.push(error_z);
        variances.push(variance_z);
        relative.push((error / norm.max(f64::MIN_POSITIVE)).sqrt());
    }
    relative.sort_by(f64::total_cmp);
    let coverage = inside.map(|inside| inside as f64 / count);
    Metrics {
        mse_z: squares / count,
        r2: 1.0 - squares / total,
        median_relative_l2: relative.get(rows.len() / 2).copied().unwrap_or(f64::NAN),
        coverage_50: coverage[0],
        coverage_90: coverage[1],
        coverage_99: coverage[2],
        mean_width_z: width / count,
        width_over_constant: width / count / constant_width(sizes, inside[1]),
        error_rank_correlation: match kept.len() {
            0 | 1 => None,
            _ => rank_correlation(&errors, &variances),
        },
        out_of_domain: predictions
            .status
            .iter()
            .filter(|status| !status.is_ok())
            .count(),
        samples: rows.len(),
    }
}

/// The width of the constant band that holds as many errors of these sizes.
fn constant_width(mut sizes: Vec<f64>, inside: usize) -> f64 {
    sizes.sort_by(f64::total_cmp);
    let last = inside.clamp(1, sizes.len().max(1)) - 1;
    2.0 * sizes.get(last).copied().unwrap_or(f64::NAN)
}

/// Spearman's rank correlation; `None` for fewer than three pairs, or where one side has a single value.
fn rank_correlation(left: &[f64], right: &[f64]) -> Option<f64> {
    if left.len() < 3 {
        return None;
    }
    let (left, right) = (ranks(left), ranks(right));
    let mean = (left.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    let scale = (product(&left, &left) * product(&right, &right)).sqrt();
    (scale > 0.0).then(|| product(&left, &right) / scale)
}

/// Each number's place in ascending order, from 0; equal numbers share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for group in order.chunk_by(|&a, &b| values[a] == values[b]) {
        for &place in group {
            ranks[place] = first as f64 + (group.len() as f64 - 1.0) / 2.0;
        }
        first += group.len();
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_correlate_as_their_order_does_and_ties_share_a_place() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 7.0]), [1.5, 0.0, 1.5, 3.0]);
        assert_eq!(
            rank_correlation(&[1.0, 2.0, 9.0], &[0.1, 0.2, 0.3]),
            Some(1.0)
        );
        assert_eq!(
            rank_correlation(&[1.0, 2.0, 9.0], &[0.3, 0.2, 0.1]),
            Some(-1.0)
        );
        // By hand: 1 - 6 * (1 + 1) / (3 * 8).
        assert_eq!(
            rank_correlation(&[1.0, 2.0, 9.0], &[2.0, 1.0, 3.0]),
            Some(0.5)
        );
        assert_eq!(rank_correlation(&[1.0, 2.0, 9.0], &[1.0; 3]), None);
        assert_eq!(rank_correlation(&[1.0, 2.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn the_constant_band_holds_as_many() {
        assert_eq!(constant_width(vec![3.0, 1.0, 2.0, 9.0], 3), 6.0);
        assert_eq!(constant_width(vec![3.0, 1.0], 0), 2.0);
    }
}
