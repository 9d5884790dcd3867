//! How good an emulator is on rows that it has not seen: figures of the deployed arithmetic.

mod held;

pub use held::HeldPart;

use crate::data::Dataset;
use crate::json::float;
use dense_codegen::Emulator;
use dense_codegen::executor::Executor;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

/// The figures of `evaluate`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Mean squared error after each output is divided by its standard deviation on the training rows.
    pub mse_z: f64,
    /// One minus the squared error over the outputs' variance, pooled in those units.
    pub r2: f64,
    /// The median over rows of the error's norm over the output's norm. Scalars and channels, which may have a unit each, are
    /// divided by their training deviation before.
    pub median_relative_l2: f64,
    /// The share of values within 0.674 standard deviations.
    pub coverage_50: f64,
    /// The share of values within 1.645 standard deviations.
    pub coverage_90: f64,
    /// The share of values within 2.576 standard deviations.
    pub coverage_99: f64,
    /// [`Metrics::coverage_90`] of each fifth of the rows, ranked for each output by the size of the prediction, the smallest
    /// first; `None` for fewer than five rows.
    pub coverage_90_by_size: Option<[f64; held::SIZES]>,
    /// The scalar, or the tenth of a curve or image, with the smallest share of values in the band of 90 %; `None` for a
    /// single number.
    pub coverage_90_least: Option<HeldPart>,
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
    /// Each scalar or channel by itself, where there are several; without those that are constant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<OutputMetrics>,
}

/// The figures of a scalar or channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputMetrics {
    /// Its name, or its number.
    pub name: String,
    /// Mean squared error in its training deviations.
    #[serde(deserialize_with = "float")]
    pub mse_z: f64,
    /// One minus the squared error over its variance.
    #[serde(deserialize_with = "float")]
    pub r2: f64,
    /// The median over rows of its error, in its training deviations.
    #[serde(deserialize_with = "float")]
    pub median_error_z: f64,
    /// The share of its values in the band of 90 %.
    #[serde(deserialize_with = "float")]
    pub coverage_90: f64,
}

impl OutputMetrics {
    /// Returns the figures in words: `eff: R2 0.021, half of its errors below 98.3 % of its standard deviation`.
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
    /// Returns the scalar or channel with the largest error, where there are several.
    #[must_use]
    pub fn worst_output(&self) -> Option<&OutputMetrics> {
        let outputs = self.outputs.iter();
        outputs.max_by(|a, b| a.mse_z.total_cmp(&b.mse_z))
    }

    /// Returns in lines where the band of 90 % holds: by the size of the prediction, and the part of the outputs where it
    /// does so least.
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

    /// Returns the scalars or channels as lines, the worst first; empty where there is only one.
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

/// The scalars or channels of an output, each with the unit that errors are divided by before they are added up.
#[derive(Debug, Clone, PartialEq)]
pub struct Groups {
    /// Values of each.
    size: usize,
    /// The root mean square of its values' training deviations; 0 where all are constant.
    units: Vec<f64>,
}

impl Groups {
    /// Returns the scalars or channels of these data; `deviation` is that of each value.
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

    /// Returns how many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.units.len()
    }

    /// Returns an error's norm over the output's norm, each scalar or channel in its own unit. (Of outputs that have an offset, the
    /// norm is that of what the emulator computes.)
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

    /// The name of one.
    fn name(&self, data: &Dataset, group: usize) -> String {
        let names = data.output_names();
        match names.len() == self.count() {
            true => names[group].clone(),
            false => format!("y[{group}]"),
        }
    }
}

/// What the figures of one scalar or channel are made of.
#[derive(Debug, Clone, Default)]
struct Sums {
    squares: f64,
    total: f64,
    inside: usize,
    count: usize,
    /// The root mean square of each row's errors.
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
/// `deviation`: each output's standard deviation on the training rows, as the emulator computes it; 0.0 leaves a constant output
/// out. The data may be as their file has them: what the emulator is relative to is taken out of them.
#[must_use]
pub fn evaluate(
    emulator: &Emulator,
    data: &Dataset,
    rows: &[usize],
    deviation: &[f64],
    threads: usize,
) -> Metrics {
    let data = &*data.relative_to(emulator.outputs().relative.as_ref());
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
    fn an_error_has_the_same_share_whatever_the_units_of_its_outputs() {
        let relative = |scale: f32| {
            let unit = f64::from(scale);
            let groups = Groups {
                size: 1,
                units: vec![unit, 2.0, 0.0],
            };
            groups.relative_error(&[3.0 * unit, 8.0, 1e9], &[3.0 * scale, 9.0, 0.0])
        };
        // By hand: 0.5 over the root of 9 + 16.
        assert!((relative(1.0) - 0.1).abs() < 1e-12);
        assert_eq!(relative(1.0), relative(1024.0));
        // One curve has one unit: its norms as they are.
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
