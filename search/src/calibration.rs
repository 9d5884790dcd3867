//! Calibration: turns the spread of the members into a standard deviation.
//!
//! ```text
//! std_j(x) = step_j sqrt(gain v_j(x) + q_j) exp(s(x))
//! s(x)     = constant + sum_i (linear_i + square_i u_i) u_i
//! ```
//!
//! Here `step_j` is the change of output j, at its mean, for a change of one in the coordinate in
//! which the output is learnt (`coordinate`). It is a constant, or grows with the output. `v_j` is
//! the variance of the members in squared steps, and u are the standardised inputs. Where the
//! members are much alike, their spread ranks rows badly; then s learns from the errors themselves
//! how they depend on the inputs. Rows that have trained the members, which agree there as nowhere
//! else, calibrate by the spread of others that have not seen them ([`Unseen`]).
//!
//! 1. `gain = c a` and `q_j = c t r_j^2`, where r_j is the root mean square of output j's residuals
//!    on the calibration rows, in its coordinate. (a, t) maximise the Gaussian likelihood of these
//!    rows, on a grid.
//! 2. s is fitted to the logarithm of a row's mean squared residual over its variance: a ridge
//!    regression on u and u^2, on all validation rows. The rows that chose the weights have smaller
//!    errors; they get an offset of their own, so that they do not bias the size. Five-fold
//!    cross-validation chooses the ridge. s is kept only if it predicts held-out rows better than a
//!    constant by `SIGNIFICANT` standard errors; otherwise the file has no s. Where outputs are
//!    learnt in another coordinate, training rows are used too, with an offset of their own: they
//!    show how errors vary between rows, but not how large errors are. They are kept only if they
//!    improve the prediction of held-out validation rows.
//! 3. c is set so that the 90 % band holds 90 % of the values of the calibration rows, each with
//!    the s of the folds without that row. The band is that of the outputs, in steps about their
//!    means.

mod coordinate;

use crate::data::{Dataset, Normalisation};
use crate::streams::{permutation, stream};
use crate::unseen::{Evidence, Unseen};
use coordinate::Coordinate;
use dense_codegen::executor::{Executor, Predictions};
use dense_codegen::local::{Coordinates, ErrorScale};
use dense_codegen::{Calibration, Emulator, Local};
use faer::linalg::solvers::Solve;
use faer::{Mat, Side};

/// The standard normal's 95 % point: the half-width of a 90 % band.
pub const Z_90: f32 = 1.644_853_6;
/// Least number of validation rows for which a dependence on the inputs is fitted.
const ROWS: usize = 40;
const FOLDS: usize = 5;
/// Ridges that are tried, in units of rows.
const RIDGES: [f64; 6] = [1.0, 3.0, 10.0, 30.0, 100.0, 300.0];
/// Maximum number of training rows from which a dependence on the inputs is fitted.
const TRAINED_ROWS: usize = 2000;
/// Errors are clipped to this many steps of the learnt coordinate, so that their squares stay
/// finite.
const MOST_STEPS: f64 = 1e15;
/// About the largest number of values from which the likelihood is computed.
const VALUES: usize = 1 << 15;
/// Standard errors by which the fit must beat a constant.
const SIGNIFICANT: f64 = 3.0;
/// Largest magnitude of the exponent: a factor of about 50.
const LARGEST: f64 = 4.0;

/// Returns the calibration of these members, with its dependence on the inputs. Training rows of a
/// split do not affect the size of the errors.
#[must_use]
pub fn calibrated(
    emulator: &Emulator,
    data: &Dataset,
    normalisation: &Normalisation,
    evidence: Evidence<'_>,
) -> (Calibration, Option<ErrorScale>) {
    let unit = emulator.calibration().unit.clone();
    let kept: Vec<usize> = (0..unit.len())
        .filter(|&j| !normalisation.output_constant()[j])
        .collect();
    let coordinate = Coordinate::of(normalisation, &unit);
    let (selection, train): (&[usize], &[usize]) = match evidence {
        Evidence::HeldOut(split) => (&split.selection, &split.train),
        Evidence::Unseen(_) => (&[], &[]),
    };
    let answers = evidence.answers();
    let calibrating = Residuals::of(emulator, data, evidence.calibration(), answers, coordinate);
    let selecting = Residuals::of(emulator, data, selection, None, coordinate);
    let square = calibrating.mean_squares();
    let (a, t) = most_likely(&calibrating, &kept, &square);
    let variance = |residuals: &Residuals, row: usize, j: usize| {
        let spread = residuals.spreads[row * unit.len() + j];
        (a * spread + t * square[j]).max(f32::MIN_POSITIVE)
    };
    let ratios = |residuals: &Residuals| -> Vec<f64> {
        let ratio = |row: usize| {
            let of = |&j: &usize| {
                f64::from(residuals.learnt[row * unit.len() + j] / variance(residuals, row, j))
            };
            kept.iter().map(of).sum::<f64>() / kept.len() as f64
        };
        (0..residuals.rows)
            .map(|row| ratio(row).max(f64::MIN_POSITIVE).ln())
            .collect()
    };
    let found = (!kept.is_empty())
        .then(|| {
            let encoded = |rows: &[usize]| normalisation.encode_x(data, rows);
            let mut groups = vec![
                (encoded(evidence.calibration()), ratios(&calibrating)),
                (encoded(selection), ratios(&selecting)),
            ];
            if coordinate.is_plain() || train.is_empty() {
                return Trend::find(&groups, data.input_count());
            }
            let trained = evenly(train, TRAINED_ROWS);
            let residuals = Residuals::of(emulator, data, &trained, None, coordinate);
            groups.push((encoded(&trained), ratios(&residuals)));
            Trend::better(&groups, data.input_count())
        })
        .flatten();
    let mut normalised: Vec<f32> = Vec::new();
    for row in 0..calibrating.rows {
        let scale = found
            .as_ref()
            .map_or(1.0, |trend| (2.0 * trend.of_rows[row]).exp() as f32);
        let squares = kept.iter().map(|&j| {
            let square = calibrating.squares[row * unit.len() + j];
            square / (variance(&calibrating, row, j) * scale)
        });
        normalised.extend(squares);
    }
    normalised.sort_by(f32::total_cmp);
    let at_90 = normalised
        .get(normalised.len() * 9 / 10)
        .copied()
        .unwrap_or(1.0);
    let c = at_90 / (Z_90 * Z_90);
    let floor = square.iter().map(|square| c * t * square);
    let (floor, slope) = coordinate.deployed(floor.collect());
    let calibration = Calibration {
        gain: c * a,
        floor,
        unit,
        slope,
    };
    (
        calibration,
        found.map(|trend| trend.deployed(normalisation)),
    )
}

/// Returns at most `most` of these rows, evenly spread.
fn evenly(rows: &[usize], most: usize) -> Vec<usize> {
    let count = rows.len().min(most);
    (0..count).map(|k| rows[k * rows.len() / count]).collect()
}

/// Squared residuals and variances of the members on some rows, `[rows][outputs]`, in squared steps
/// of the learnt coordinate.
struct Residuals {
    rows: usize,
    /// Residuals of the outputs, which the band must cover.
    squares: Vec<f32>,
    /// Residuals in the learnt coordinate, in which large outputs do not dominate.
    learnt: Vec<f32>,
    spreads: Vec<f32>,
}

impl Residuals {
    /// Residuals of the emulator's answers with its spread, or of others' with theirs.
    fn of(
        emulator: &Emulator,
        data: &Dataset,
        rows: &[usize],
        given: Option<&Unseen>,
        coordinate: Coordinate<'_>,
    ) -> Self {
        let own = match given {
            Some(_) => Predictions::default(),
            None => spread(emulator, data, rows),
        };
        let (mean, std) = match given {
            Some(given) => (&given.mean, &given.spread),
            None => (&own.mean, &own.std),
        };
        let outputs = emulator.output_count();
        let mut residuals = Self {
            rows: rows.len(),
            squares: Vec::new(),
            learnt: Vec::new(),
            spreads: Vec::new(),
        };
        let y = rows.iter().flat_map(|&row| data.y_row(row));
        let answers = mean.iter().zip(std).zip(y);
        for (place, ((&mean, &std), &y)) in answers.enumerate() {
            let j = place % outputs;
            let (mean, std) = (f64::from(mean), f64::from(std));
            let step = coordinate.step(j, mean);
            let steps = ((y - mean) / step).clamp(-MOST_STEPS, MOST_STEPS);
            residuals.squares.push(steps.powi(2) as f32);
            let error = coordinate.error(j, mean, y);
            residuals.learnt.push(error.powi(2) as f32);
            residuals.spreads.push((std / step).powi(2) as f32);
        }
        residuals
    }

    /// Returns the mean square of each output's residuals.
    fn mean_squares(&self) -> Vec<f32> {
        let outputs = self.learnt.len().checked_div(self.rows).unwrap_or(0);
        let mut means = vec![0.0; outputs];
        for squares in self.learnt.chunks_exact(outputs.max(1)) {
            for (mean, square) in means.iter_mut().zip(squares) {
                *mean += square / self.rows as f32;
            }
        }
        means
    }
}

/// The members' mean and their standard deviation without any calibration, on these rows.
fn spread(emulator: &Emulator, data: &Dataset, rows: &[usize]) -> Predictions {
    let mut parts = emulator.clone().into_parts();
    parts.calibration.gain = 1.0;
    parts.calibration.floor.fill(0.0);
    parts.calibration.slope = None;
    parts.local = Local::default();
    let x = rows.iter().flat_map(|&row| data.x_row(row));
    let x: Vec<f32> = x.map(|&x| x as f32).collect();
    let found = Emulator::new(parts).map(|emulator| Executor::new(&emulator).predict(&x, 1));
    found.expect("an emulator without calibration is one, too")
}

/// Returns the (a, t) of maximum likelihood.
fn most_likely(residuals: &Residuals, kept: &[usize], square: &[f32]) -> (f32, f32) {
    // Rows of one draw alike: some of many say as much.
    let step = (residuals.rows * kept.len() / VALUES).max(1);
    let misfit = |a: f32, t: f32| {
        let mut sum = 0.0;
        for row in (0..residuals.rows).step_by(step) {
            for &j in kept {
                let k = row * square.len() + j;
                let variance = (a * residuals.spreads[k] + t * square[j]).max(f32::MIN_POSITIVE);
                let variance = f64::from(variance);
                sum += f64::from(residuals.learnt[k]) / variance + variance.ln();
            }
        }
        sum
    };
    let grid = [0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0];
    let pairs = grid
        .iter()
        .flat_map(|&a| grid[1..].iter().map(move |&t| (a, t)));
    let valued = pairs.map(|pair| (misfit(pair.0, pair.1), pair));
    valued
        .min_by(|p, q| p.0.total_cmp(&q.0))
        .map_or((1.0, 1.0), |(_, pair)| pair)
}

/// Dependence of the logarithm of errors on the inputs.
struct Trend {
    linear: Vec<f64>,
    square: Vec<f64>,
    constant: f64,
    limits: [f64; 2],
    /// The exponent at each row of the first group, from the folds without that row.
    of_rows: Vec<f64>,
    /// Decrease of the cross-validated squared error of the first two groups, relative to a
    /// constant.
    gain: f64,
}

impl Trend {
    /// Returns the trend fitted to the first two groups or to all, whichever predicts the first two
    /// better.
    fn better(groups: &[(Vec<f32>, Vec<f64>)], inputs: usize) -> Option<Self> {
        let [few, all] = [&groups[..2], groups].map(|groups| Self::find(groups, inputs));
        let all = all.filter(|all| all.gain > few.as_ref().map_or(0.0, |few| few.gain));
        all.or(few)
    }

    /// Returns the trend over groups of rows, each with an offset of its own, or `None` if no trend
    /// is significant.
    ///
    /// *Shapes*: for each group the inputs, `[rows][inputs]`, and the logarithms of squared errors,
    /// `[rows]`.
    fn find(groups: &[(Vec<f32>, Vec<f64>)], inputs: usize) -> Option<Self> {
        let mut features = Vec::new();
        let mut targets = Vec::new();
        for (x, logarithms) in groups {
            let count = logarithms.len().max(1) as f64;
            let mean = logarithms.iter().sum::<f64>() / count;
            targets.extend(logarithms.iter().map(|value| value - mean));
            features.extend(x.chunks_exact(inputs).map(|x| {
                let x = x.iter().map(|&x| f64::from(x));
                x.clone().chain(x.map(|x| x * x)).collect::<Vec<f64>>()
            }));
        }
        let rows = targets.len();
        let first = groups[0].1.len();
        let validation = first + groups[1].1.len();
        if validation < ROWS || first < ROWS / 2 {
            return None;
        }
        let means: Vec<f64> = (0..2 * inputs)
            .map(|k| features.iter().map(|row| row[k]).sum::<f64>() / rows as f64)
            .collect();
        for row in &mut features {
            row.iter_mut()
                .zip(&means)
                .for_each(|(value, mean)| *value -= mean);
        }
        let mut fold_of = vec![0; rows];
        let order = permutation(&mut stream(0, "calibration's folds"), rows);
        order
            .iter()
            .enumerate()
            .for_each(|(k, &row)| fold_of[row] = k % FOLDS);
        let predicted = |ridge: f64| -> Option<Vec<f64>> {
            let weights = (0..FOLDS).map(|fold| {
                let others: Vec<usize> = (0..rows).filter(|&row| fold_of[row] != fold).collect();
                ridge_regression(&features, &targets, &others, ridge)
            });
            let weights: Vec<Vec<f64>> = weights.collect::<Option<_>>()?;
            Some(
                (0..rows)
                    .map(|row| product(&weights[fold_of[row]], &features[row]))
                    .collect(),
            )
        };
        let error = |found: &[f64]| {
            found
                .iter()
                .zip(&targets)
                .map(|(a, b)| (a - b).powi(2))
                .sum::<f64>()
        };
        let tried = RIDGES
            .into_iter()
            .filter_map(|ridge| Some((ridge, predicted(ridge)?)));
        let (ridge, found) = tried.min_by(|a, b| error(&a.1).total_cmp(&error(&b.1)))?;
        let gains: Vec<f64> = found
            .iter()
            .zip(&targets)
            .map(|(a, b)| b * b - (a - b).powi(2))
            .collect();
        let mean = gains.iter().sum::<f64>() / rows as f64;
        let variance =
            gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (rows as f64 - 1.0);
        if mean.is_nan() || mean < SIGNIFICANT * (variance / rows as f64).sqrt() {
            return None;
        }
        let all: Vec<usize> = (0..rows).collect();
        let weights = ridge_regression(&features, &targets, &all, ridge)?;
        // The logarithm of a standard deviation is half the logarithm of its square.
        let halves: Vec<f64> = weights.iter().map(|weight| 0.5 * weight).collect();
        let exponents: Vec<f64> = features.iter().map(|row| product(&halves, row)).collect();
        let limit = |least: f64, value: f64| least.min(value).max(-LARGEST);
        let least = exponents.iter().copied().fold(f64::INFINITY, limit);
        let most = exponents
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max)
            .clamp(least, LARGEST);
        Some(Self {
            linear: halves[..inputs].to_vec(),
            square: halves[inputs..].to_vec(),
            constant: -product(&halves, &means),
            limits: [least, most],
            of_rows: found[..first]
                .iter()
                .map(|found| (0.5 * found).clamp(least, most))
                .collect(),
            gain: gains[..validation].iter().sum(),
        })
    }

    /// Returns the trend in the form that the emulator stores.
    fn deployed(&self, normalisation: &Normalisation) -> ErrorScale {
        let single = |values: &[f64]| values.iter().map(|&value| value as f32).collect();
        ErrorScale {
            coordinates: Coordinates {
                centre: normalisation.centre().to_vec(),
                scale: normalisation.scale().to_vec(),
            },
            linear: single(&self.linear),
            square: single(&self.square),
            constant: self.constant as f32,
            limits: self.limits.map(|limit| limit as f32),
        }
    }
}

fn product(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(a, b)| a * b).sum()
}

/// Returns the weights w that minimise `sum (w f - target)^2 + ridge w^2` over these rows.
fn ridge_regression(
    features: &[Vec<f64>],
    targets: &[f64],
    rows: &[usize],
    ridge: f64,
) -> Option<Vec<f64>> {
    let count = features.first()?.len();
    let f = Mat::from_fn(rows.len(), count, |r, c| features[rows[r]][c]);
    let y = Mat::from_fn(rows.len(), 1, |r, _| targets[rows[r]]);
    let mut gram = f.transpose() * &f;
    for k in 0..count {
        gram[(k, k)] += ridge;
    }
    let right = f.transpose() * y;
    let solved = gram.llt(Side::Lower).ok()?.solve(&right);
    Some((0..count).map(|k| solved[(k, 0)]).collect())
}

#[cfg(test)]
mod tests;
