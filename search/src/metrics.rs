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
    let mut inside = [0usize; 3];
    let mut relative = Vec::new();
    for (index, &row) in rows.iter().enumerate() {
        let (mut error, mut norm) = (0.0, 0.0);
        for &j in &kept {
            let (y, place) = (f64::from(data.y_row(row)[j]), index * outputs + j);
            let (mean, std) = (
                f64::from(predictions.mean[place]),
                f64::from(predictions.std[place]),
            );
            let unit = f64::from(deviation[j]);
            squares += ((mean - y) / unit).powi(2);
            total += ((y - means[j]) / unit).powi(2);
            width += 2.0 * 1.645 * std / unit;
            error += (mean - y).powi(2);
            norm += y * y;
            for (inside, z) in inside.iter_mut().zip([0.674, 1.645, 2.576]) {
                *inside += usize::from((y - mean).abs() <= z * std);
            }
        }
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
        samples: rows.len(),
    }
}
