//! Accuracy of an emulator on rows that it has not seen, measured with the deployed arithmetic.

mod held;

pub use held::HeldPart;

use crate::data::Dataset;
use crate::json::float;
use dense_codegen::Emulator;
use dense_codegen::executor::{Executor, Predictions};
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// The figures of `evaluate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Mean squared error after each output is divided by its standard deviation on the training
    /// rows.
    pub mse_z: f64,
    /// One minus the squared error over the variance of the outputs, both pooled in units of the
    /// training deviations.
    pub r2: f64,
    /// The median over rows of the norm of the error over the norm of the output. Scalars and
    /// channels may have different units, so they are first divided by their training deviations.
    pub median_relative_l2: f64,
    /// The share of values within 0.674 standard deviations.
    pub coverage_50: f64,
    /// The share of values within 1.645 standard deviations.
    pub coverage_90: f64,
    /// The share of values within 2.576 standard deviations.
    pub coverage_99: f64,
    /// [`Metrics::coverage_90`] for fifths of the rows, ranked for each output by the magnitude of
    /// the prediction, smallest first; `None` for fewer than five rows.
    pub coverage_90_by_size: Option<[f64; held::SIZES]>,
    /// The scalar, or the tenth of a curve or image, with the smallest coverage of the 90 % band;
    /// `None` for a single output.
    pub coverage_90_least: Option<HeldPart>,
    /// Mean width of the 90 % band, in training standard deviations.
    pub mean_width_z: f64,
    /// The mean width over that of a constant band, in the same units, that covers the same number
    /// of values. Below 1 if the standard deviation is larger where errors are larger.
    pub width_over_constant: f64,
    /// Spearman's correlation of a row's mean squared standard deviation with its mean squared
    /// error; `None` for fewer than three rows, or for a single output, whose rows have only one
    /// error each.
    pub error_rank_correlation: Option<f64>,
    /// Number of rows outside the trained box or, in a box with holes, far from all training
    /// points.
    pub out_of_domain: usize,
    /// Number of rows.
    pub samples: usize,
    /// The figures of each scalar or channel, if there are several; without constant ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputMetrics>,
}

/// The figures of a scalar or channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputMetrics {
    /// The name or index.
    pub name: String,
    /// Mean squared error in units of its training deviations.
    #[serde(deserialize_with = "float")]
    pub mse_z: f64,
    /// One minus the squared error over the variance.
    #[serde(deserialize_with = "float")]
    pub r2: f64,
    /// The median over rows of the error, in units of its training deviations.
    #[serde(deserialize_with = "float")]
    pub median_error_z: f64,
    #[serde(deserialize_with = "float")]
    /// The coverage of its 90 % band.
    pub coverage_90: f64,
}

impl OutputMetrics {
    /// Returns the figures as text:
    /// `eff: R2 0.021, half of its errors below 98.3 % of its standard deviation`.
    #[must_use]
    pub fn text(&self) -> String {
        format!(
            "{}: R2 {:.5}, half of its errors below {:.3} % of its standard deviation",
            self.name,
            self.r2,
            100.0 * self.median_error_z
        )
    }
}

impl Metrics {
    /// Returns the scalar or channel with the largest error, if there are several.
    #[must_use]
    pub fn worst_output(&self) -> Option<&OutputMetrics> {
        let outputs = self.outputs.iter();
        outputs.max_by(|a, b| a.mse_z.total_cmp(&b.mse_z))
    }

    /// Returns lines about the coverage of the 90 % band: by the magnitude of the prediction, and
    /// for the part of the outputs with the smallest coverage.
    #[must_use]
    pub fn held_text(&self) -> String {
        let mut text = String::new();
        if let Some(fifths) = self.coverage_90_by_size {
            text += "in the 90 % band, by fifths of the predicted size, smallest first:";
            for share in fifths {
                let _ = write!(text, " {share:.3}");
            }
            text.push('\n');
        }
        if let Some(HeldPart { name, coverage_90 }) = &self.coverage_90_least {
            let _ = writeln!(text, "in the 90 % band, least: {coverage_90:.3} of {name}");
        }
        text
    }

    /// Returns a line per scalar or channel, the worst first; empty if there is only one.
    #[must_use]
    pub fn outputs_text(&self) -> String {
        let mut outputs: Vec<&OutputMetrics> = self.outputs.iter().collect();
        outputs.sort_by(|a, b| b.mse_z.total_cmp(&a.mse_z));
        let names = outputs.iter().map(|one| one.name.chars().count());
        let width = names.max().unwrap_or(0).max("output".len());
        let mut text = String::new();
        if !outputs.is_empty() {
            let _ = writeln!(
                text,
                "{:width$} {:>10} {:>10} {:>14} {:>11}",
                "output", "mse_z", "r2", "median_error_z", "coverage_90"
            );
        }
        for one in outputs {
            let _ = writeln!(
                text,
                "{:width$} {:>10.3e} {:>10.5} {:>14.3e} {:>11.3}",
                one.name, one.mse_z, one.r2, one.median_error_z, one.coverage_90
            );
        }
        text
    }
}

/// The scalars or channels of an output, with the units by which errors are divided before they are
/// combined.
#[derive(Debug, Clone, PartialEq)]
pub struct Groups {
    /// Number of values in each.
    size: usize,
    /// The root mean square of its training deviations; 0 if all its values are constant.
    units: Vec<f64>,
}

impl Groups {
    /// Returns the scalars or channels of these data; `deviation` has the training deviation of
    /// each value.
    #[must_use]
    pub fn of(data: &Dataset, deviation: &[f64]) -> Self {
        let count = data.channels();
        let size = deviation.len() / count;
        let units = deviation.chunks_exact(size).map(|group| {
            let squares = group.iter().map(|&unit| unit.powi(2));
            (squares.sum::<f64>() / size as f64).sqrt()
        });
        Self {
            size,
            units: units.collect(),
        }
    }

    /// Returns the number of scalars or channels.
    #[must_use]
    pub fn count(&self) -> usize {
        self.units.len()
    }

    /// Returns the norm of the error over the norm of the output, with each scalar or channel in
    /// its own unit. (For outputs with an offset, the norm is that of the value that the emulator
    /// computes.)
    #[must_use]
    pub fn relative_error<T: Copy + Into<f64>>(&self, y: &[f64], mean: &[T]) -> f64 {
        let (mut error, mut norm) = (0.0, 0.0);
        let groups = y.chunks_exact(self.size).zip(mean.chunks_exact(self.size));
        for ((y, mean), &unit) in groups.zip(&self.units) {
            // The unit of a single group cancels.
            let unit = if self.units.len() == 1 { 1.0 } else { unit };
            if unit == 0.0 {
                continue;
            }
            for (&y, &mean) in y.iter().zip(mean) {
                let mean: f64 = mean.into();
                error += ((mean - y) / unit).powi(2);
                norm += (y / unit).powi(2);
            }
        }
        (error / norm.max(f64::MIN_POSITIVE)).sqrt()
    }

    /// Returns the name of a scalar or channel.
    fn name(&self, data: &Dataset, group: usize) -> String {
        let names = data.output_names();
        match names.len() == self.count() {
            true => names[group].clone(),
            false => format!("y[{group}]"),
        }
    }
}

/// Sums from which the figures of one scalar or channel are computed.
#[derive(Debug, Clone, Default)]
struct Sums {
    squares: f64,
    total: f64,
    inside: usize,
    count: usize,
    /// The root mean square error of each row.
    errors: Vec<f64>,
}

impl Sums {
    fn metrics(mut self, name: String) -> OutputMetrics {
        self.errors.sort_by(f64::total_cmp);
        let middle = self.errors.get(self.errors.len() / 2);
        OutputMetrics {
            name,
            mse_z: self.squares / self.count as f64,
            r2: 1.0 - self.squares / self.total,
            median_error_z: middle.copied().unwrap_or(f64::NAN),
            coverage_90: self.inside as f64 / self.count as f64,
        }
    }
}

/// Returns the figures of an emulator on some rows.
///
/// `deviation` is the standard deviation of each output on the training rows, as the emulator
/// computes it; 0.0 excludes a constant output. The data may be as in their file: the emulator's
/// offsets are subtracted from them.
#[must_use]
pub fn evaluate(
    emulator: &Emulator,
    data: &Dataset,
    rows: &[usize],
    deviation: &[f64],
    threads: usize,
) -> Metrics {
    let data = &*data.relative_to(emulator.outputs().relative.as_ref());
    let x: Vec<f32> = rows
        .iter()
        .flat_map(|&row| data.x_row(row))
        .map(|&x| x as f32)
        .collect();
    let predictions = Executor::new(emulator).predict(&x, threads);
    of_predictions(&predictions, data, rows, deviation)
}

/// Returns the figures of predictions for some rows, in the units of these data.
///
/// `deviation` is as for [`evaluate`].
#[must_use]
pub fn of_predictions(
    predictions: &Predictions,
    data: &Dataset,
    rows: &[usize],
    deviation: &[f64],
) -> Metrics {
    let outputs = data.output_count();
    let kept: Vec<usize> = (0..outputs).filter(|&j| deviation[j] > 0.0).collect();
    let count = (kept.len() * rows.len()) as f64;
    let mut means = vec![0.0f64; outputs];
    for &row in rows {
        for &j in &kept {
            means[j] += data.y_row(row)[j] / rows.len() as f64;
        }
    }
    let (mut squares, mut total, mut width) = (0.0, 0.0, 0.0);
    let mut sizes = Vec::with_capacity(kept.len() * rows.len());
    let (mut errors, mut variances) = (Vec::new(), Vec::new());
    let mut inside = [0usize; 3];
    let mut inside_90 = vec![false; rows.len() * outputs];
    let mut relative = Vec::new();
    let groups = Groups::of(data, deviation);
    let mut sums = vec![Sums::default(); groups.count()];
    let mut row_squares = vec![(0.0, 0usize); groups.count()];
    for (index, &row) in rows.iter().enumerate() {
        row_squares.fill((0.0, 0));
        let (mut error_z, mut variance_z) = (0.0, 0.0);
        for &j in &kept {
            let (y, place) = (data.y_row(row)[j], index * outputs + j);
            let (mean, std) = (
                f64::from(predictions.mean[place]),
                f64::from(predictions.std[place]),
            );
            let unit = deviation[j];
            let square = ((mean - y) / unit).powi(2);
            let group = j / groups.size;
            row_squares[group].0 += square;
            row_squares[group].1 += 1;
            sums[group].total += ((y - means[j]) / unit).powi(2);
            inside_90[place] = (y - mean).abs() <= 1.645 * std;
            sums[group].inside += usize::from(inside_90[place]);
            squares += square;
            error_z += square;
            variance_z += (std / unit).powi(2);
            sizes.push(((mean - y) / unit).abs());
            total += ((y - means[j]) / unit).powi(2);
            width += 2.0 * 1.645 * std / unit;
            for (inside, z) in inside.iter_mut().zip([0.674, 1.645, 2.576]) {
                *inside += usize::from((y - mean).abs() <= z * std);
            }
        }
        errors.push(error_z);
        variances.push(variance_z);
        for (sums, &(squares, count)) in sums.iter_mut().zip(&row_squares) {
            sums.squares += squares;
            sums.count += count;
            sums.errors.push((squares / count as f64).sqrt());
        }
        let place = index * outputs..(index + 1) * outputs;
        relative.push(groups.relative_error(data.y_row(row), &predictions.mean[place]));
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
        coverage_90_by_size: held::by_size(&predictions.mean, &inside_90, outputs, &kept),
        coverage_90_least: held::least_held(data, &inside_90, &kept),
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
        outputs: match groups.count() {
            1 => Vec::new(),
            _ => sums
                .into_iter()
                .enumerate()
                .filter(|(_, sums)| sums.count > 0)
                .map(|(group, sums)| sums.metrics(groups.name(data, group)))
                .collect(),
        },
    }
}

/// Returns the width of the constant band that covers `inside` of these errors.
fn constant_width(mut sizes: Vec<f64>, inside: usize) -> f64 {
    sizes.sort_by(f64::total_cmp);
    let last = inside.clamp(1, sizes.len().max(1)) - 1;
    2.0 * sizes.get(last).copied().unwrap_or(f64::NAN)
}

/// Returns Spearman's rank correlation; `None` for fewer than three pairs, or if one side is
/// constant.
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

/// Returns the rank of each value in ascending order, from 0; equal values share their mean rank.
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
    fn an_error_has_the_same_share_whatever_the_units_of_its_outputs() {
        let relative = |scale: f32| {
            let unit = f64::from(scale);
            let groups = Groups {
                size: 1,
                units: vec![unit, 2.0, 0.0],
            };
            groups.relative_error(&[3.0 * unit, 8.0, 1e9], &[3.0 * scale, 9.0, 0.0])
        };
        // By hand: 0.5 over the square root of 9 + 16.
        assert!((relative(1.0) - 0.1).abs() < 1e-12);
        assert_eq!(relative(1.0), relative(1024.0));
        // A single curve has one unit, so that norms are unscaled.
        let curve = Groups {
            size: 2,
            units: vec![7.0],
        };
        assert!((curve.relative_error(&[3.0, 4.0], &[3.0, 4.5]) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn an_output_that_is_not_learnt_is_the_worst_beside_one_that_is() {
        let learnt = Sums {
            squares: 0.08,
            total: 80.0,
            inside: 76,
            count: 80,
            errors: (0..80).map(|k| 1e-3 * f64::from(k)).collect(),
        };
        let not = Sums {
            squares: 80.0,
            ..learnt.clone()
        };
        let outputs = vec![learnt.metrics("p_Pa".into()), not.metrics("eff".into())];
        let metrics = Metrics {
            outputs,
            ..Metrics::default()
        };
        let worst = metrics.worst_output().unwrap();
        assert_eq!((&*worst.name, worst.r2, worst.mse_z), ("eff", 0.0, 1.0));
        assert_eq!(metrics.outputs[0].r2, 0.999);
        assert_eq!(metrics.outputs[0].median_error_z, 0.04);
        assert_eq!(metrics.outputs[0].coverage_90, 0.95);
        assert!(
            metrics
                .outputs_text()
                .lines()
                .nth(1)
                .unwrap()
                .starts_with("eff ")
        );
    }

    #[test]
    fn the_constant_band_holds_as_many() {
        assert_eq!(constant_width(vec![3.0, 1.0, 2.0, 9.0], 3), 6.0);
        assert_eq!(constant_width(vec![3.0, 1.0], 0), 2.0);
    }
}
