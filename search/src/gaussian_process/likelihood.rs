//! The marginal likelihood of targets under a Gaussian process with its gradient, and what the
//! process says of each row without that row.
//!
//! ```text
//! K = kernel(x, x) + eta I
//! sigma_c^2 = y_c^T K^-1 y_c / n                     (maximum likelihood, per column c)
//! L = sum_c n/2 log sigma_c^2 + columns/2 log |K|    (negative logarithm, up to constants)
//! dL = 1/2 tr(W dK),   W = columns K^-1 - sum_c a_c a_c^T / sigma_c^2,   a_c = K^-1 y_c
//! left out: y_ic - a_ic / (K^-1)_ii
//! ```
//!
//! The parameters are those of the family and the logarithm of eta, the ratio of noise to signal. A
//! weak prior adds half the square of each but eta, in units of its width, for each column.
//!
//! Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), eq. 5.8, 5.9
//! and 5.12.

use super::covariance::{Covariance, Points};
use super::family::Parameters;
use crate::lbfgs::{Lbfgs, Point, Progress};
use crate::streams::{permutation, stream};
use faer::linalg::matmul::triangular::{BlockStructure, matmul};
use faer::linalg::solvers::{Llt, Solve};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::{Accum, Mat, Par, Side};
use std::convert::Infallible;

/// Pairs that L-BFGS keeps.
const HISTORY: usize = 10;
/// Where rounding makes the covariance of all rows indefinite, the noise is raised by this factor,
const RAISE: f64 = 10.0;
/// at most this number of times.
const RAISES: usize = 6;

/// Inputs with targets `[rows][columns]`.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) points: Points,
    pub(super) y: Mat<f64>,
}

/// The process of all rows, with fixed parameters.
#[derive(Debug, Clone)]
pub(super) struct Solved {
    /// Weights of the covariances with the rows, `[rows][columns]`.
    pub(super) weights: Mat<f64>,
    /// What the process without a row says of it, `[rows][columns]`; empty where it was not asked.
    pub(super) left_out: Mat<f64>,
}

impl Problem {
    pub(super) fn rows(&self) -> usize {
        self.y.nrows()
    }

    /// Returns the problem restricted to some columns and rows.
    pub(super) fn part(&self, rows: &[usize], columns: std::ops::Range<usize>) -> Self {
        Self {
            points: self.points.part(rows),
            y: Mat::from_fn(rows.len(), columns.len(), |r, c| {
                self.y[(rows[r], columns.start + c)]
            }),
        }
    }

    /// Returns the Cholesky factor of the covariance matrix, or `None` if rounding makes it
    /// indefinite.
    fn factorised(&self, covariance: &Covariance, noise: f64) -> Option<Llt<f64>> {
        let mut matrix = Mat::<f64>::zeros(self.rows(), self.rows());
        for j in 0..self.rows() {
            let column = &mut matrix.col_as_slice_mut(j)[j..];
            covariance.column(&self.points, j, (&self.points, j), column);
            column[0] += noise;
        }
        matrix.llt(Side::Lower).ok()
    }

    /// Returns the process of these rows; `None` if its covariance cannot be factorised. With
    /// `is_judged`, that of the others says what each row is.
    pub(super) fn solve(&self, parameters: &Parameters, is_judged: bool) -> Option<Solved> {
        let covariance = Covariance::new(parameters);
        let mut noise = covariance.noise();
        let mut factors = self.factorised(&covariance, noise);
        for _ in 0..RAISES {
            if factors.is_none() {
                noise *= RAISE;
                factors = self.factorised(&covariance, noise);
            }
        }
        let factors = factors?;
        let weights = factors.solve(&self.y);
        let mut left_out = Mat::zeros(0, 0);
        if is_judged {
            let root = inverse_root(&factors);
            let diagonal: Vec<f64> = (0..self.rows())
                .map(|i| root.col_as_slice(i)[i..].iter().map(|v| v * v).sum())
                .collect();
            left_out = Mat::from_fn(self.rows(), self.y.ncols(), |i, c| {
                self.y[(i, c)] - weights[(i, c)] / diagonal[i]
            });
        }
        let is_finite = (0..weights.ncols()).all(|c| {
            weights
                .col_as_slice(c)
                .iter()
                .all(|weight| weight.is_finite())
        });
        is_finite.then_some(Solved { weights, left_out })
    }

    /// Returns L and its gradient with respect to the parameters; L is infinite if factorisation
    /// fails.
    pub(super) fn misfit(&self, parameters: &Parameters) -> (f64, Vec<f64>) {
        let (rows, columns) = (self.rows(), self.y.ncols());
        let count = parameters.logarithms.len();
        let covariance = Covariance::new(parameters);
        let Some(factors) = self.factorised(&covariance, covariance.noise()) else {
            return (f64::INFINITY, vec![f64::NAN; count]);
        };
        let mut weights = factors.solve(&self.y);
        let l = factors.L();
        let mut value = columns as f64 * (0..rows).map(|i| l[(i, i)].ln()).sum::<f64>();
        for c in 0..columns {
            let square: f64 = (0..rows).map(|i| self.y[(i, c)] * weights[(i, c)]).sum();
            let variance = (square / rows as f64).max(f64::MIN_POSITIVE);
            value += 0.5 * rows as f64 * variance.ln();
            let scale = variance.sqrt().recip();
            for weight in weights.col_as_slice_mut(c) {
                *weight *= scale;
            }
        }
        let root = inverse_root(&factors);
        let mut w = Mat::<f64>::zeros(rows, rows);
        matmul(
            &mut w,
            BlockStructure::TriangularLower,
            Accum::Replace,
            root.transpose(),
            BlockStructure::TriangularUpper,
            &root,
            BlockStructure::TriangularLower,
            columns as f64,
            Par::Seq,
        );
        matmul(
            &mut w,
            BlockStructure::TriangularLower,
            Accum::Add,
            &weights,
            BlockStructure::Rectangular,
            weights.transpose(),
            BlockStructure::Rectangular,
            -1.0,
            Par::Seq,
        );
        let mut gradient = vec![0.0; count];
        let (mut trace, mut work) = (0.0, Vec::new());
        for j in 0..rows {
            let column = &mut w.col_as_slice_mut(j)[j..];
            trace += column[0];
            // The other entries stand for both halves of the symmetric matrix.
            column[0] *= 0.5;
            covariance.add_gradient(&self.points, j, column, &mut work, &mut gradient);
        }
        gradient[count - 1] = 0.5 * trace * (parameters.noise() - parameters.least_noise);
        let priors = parameters.logarithms.iter().zip(parameters.widths());
        for (gradient, (log, width)) in gradient.iter_mut().zip(priors) {
            value += 0.5 * columns as f64 * (log / width).powi(2);
            *gradient += columns as f64 * log / (width * width);
        }
        (value, gradient)
    }

    /// Returns the maximum-likelihood parameters near `start`, and their misfit. The search ends
    /// where an iteration gains less than `gain` a column, in negative logarithms.
    pub(super) fn likeliest(
        &self,
        start: Parameters,
        iterations: usize,
        gain: f64,
    ) -> (f64, Parameters) {
        let (family, least_noise) = (start.family, start.least_noise);
        let evaluate = |logarithms: &[f64]| {
            let parameters = Parameters {
                family,
                logarithms: logarithms.to_vec(),
                least_noise,
            };
            Ok::<_, Infallible>(self.misfit(&parameters))
        };
        let Ok((value, gradient)) = evaluate(&start.logarithms);
        let point = Point {
            place: start.logarithms,
            value,
            gradient,
        };
        let mut minimiser = Lbfgs::new(point, HISTORY);
        for _ in 0..iterations {
            let before = minimiser.point().value;
            let Ok(progress) = minimiser.iterate(evaluate);
            let gained = before - minimiser.point().value;
            if progress == Progress::Stuck || gained < gain * self.y.ncols() as f64 {
                break;
            }
        }
        let Point { place, value, .. } = minimiser.point().clone();
        let parameters = Parameters {
            family,
            logarithms: place,
            least_noise,
        };
        (value, parameters)
    }
}

/// Returns the inverse of the Cholesky factor.
fn inverse_root(factors: &Llt<f64>) -> Mat<f64> {
    let l = factors.L();
    let mut root = Mat::zeros(l.nrows(), l.nrows());
    invert_lower_triangular(root.as_mut(), l, Par::Seq);
    root
}

/// Returns the parameters of the smallest misfit.
pub(super) fn least(found: impl Iterator<Item = (f64, Parameters)>) -> Option<Parameters> {
    found
        .filter(|(misfit, _)| misfit.is_finite())
        .min_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, parameters)| parameters)
}

/// Returns up to `most` indices below `all`, drawn at random, in order. Evenly spaced ones may lie
/// in a part of the box: every other point of a Sobol sequence is in half of it.
pub(super) fn spread(all: usize, most: usize) -> Vec<usize> {
    if all <= most {
        return (0..all).collect();
    }
    let mut rows = permutation(&mut stream(0, "rows of a process"), all);
    rows.truncate(most);
    rows.sort_unstable();
    rows
}

/// Returns the fold of each of `all` rows, drawn at random for the same reason.
pub(super) fn folds(all: usize, count: usize) -> Vec<usize> {
    let mut fold_of = vec![0; all];
    let order = permutation(&mut stream(0, "folds of a process"), all);
    for (place, row) in order.into_iter().enumerate() {
        fold_of[row] = place % count.max(1);
    }
    fold_of
}

#[cfg(test)]
mod tests {
    use super::super::covariance::Bounds;
    use super::super::family::Family;
    use super::*;
    use crate::streams::uniform;

    /// Rows of three inputs in a box, with two smooth targets.
    fn problem(rows: usize, name: &str) -> Problem {
        let mut random = stream(3, name);
        let x: Vec<f32> = (0..rows * 3)
            .map(|_| (3.0 * uniform(&mut random) - 1.5) as f32)
            .collect();
        let bounds = Bounds {
            low: vec![-1.5; 3],
            high: vec![1.5; 3],
        };
        let y = Mat::from_fn(rows, 2, |r, c| {
            let x = |d| f64::from(x[r * 3 + d]);
            (x(0) * (c + 1) as f64).sin() + 0.3 * x(1) + 0.2 * x(1) * x(2)
        });
        Problem {
            points: Points::new(&x, 3, Some(&bounds)),
            y,
        }
    }

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let problem = problem(25, "likelihood");
        let mut random = stream(8, "parameters");
        for family in Family::ALL {
            let mut at = Parameters::start(family, 3);
            for log in &mut at.logarithms {
                *log = 2.0 * uniform(&mut random) - 1.0;
            }
            if let Some(noise) = at.logarithms.last_mut() {
                *noise -= 5.0;
            }
            let (_, gradient) = problem.misfit(&at);
            assert_eq!(gradient.len(), at.logarithms.len());
            for (k, slope) in gradient.into_iter().enumerate() {
                let moved = |by: f64| {
                    let mut there = at.clone();
                    there.logarithms[k] += by;
                    problem.misfit(&there).0
                };
                let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                // Tolerance: rounding of the value over the step, plus the curvature.
                assert!(
                    (slope - difference).abs() < 1e-6 * difference.abs().max(1.0),
                    "{family}, {k}: {slope}, not {difference}"
                );
            }
        }
    }

    #[test]
    fn a_row_left_out_is_predicted_as_if_it_had_never_been_there() {
        let all = problem(30, "leave one out");
        for family in Family::ALL {
            let parameters = Parameters::start(family, 3);
            let left_out = all.solve(&parameters, true).unwrap().left_out;
            let covariance = Covariance::new(&parameters);
            for row in [0, 7, 29] {
                let others: Vec<usize> = (0..30).filter(|&other| other != row).collect();
                let rest = all.part(&others, 0..2);
                let weights = rest.solve(&parameters, false).unwrap().weights;
                let mut column = vec![0.0; 29];
                covariance.column(&rest.points, 0, (&all.points, row), &mut column);
                for c in 0..2 {
                    let expected: f64 = (0..29).map(|k| column[k] * weights[(k, c)]).sum();
                    let found = left_out[(row, c)];
                    assert!(
                        (found - expected).abs() < 1e-8 * expected.abs().max(1.0),
                        "{family}: {found}, not {expected}"
                    );
                }
            }
        }
    }
}
