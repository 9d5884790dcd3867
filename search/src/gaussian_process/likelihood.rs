//! The marginal likelihood of targets under a Gaussian process, and its gradient.
//!
//! ```text
//! K = kernel(x, x; l) + eta I
//! sigma_c^2 = y_c^T K^-1 y_c / n                     (maximum likelihood, per column c)
//! L = sum_c n/2 log sigma_c^2 + columns/2 log |K|    (negative logarithm, up to constants)
//! dL = 1/2 tr(W dK),   W = columns K^-1 - sum_c a_c a_c^T / sigma_c^2,   a_c = K^-1 y_c
//! ```
//!
//! The parameters are the logarithms of the length scales and of eta, the ratio of noise to signal.
//! A weak prior adds `(log l)^2 / 50` to L for each length scale, which constrains it where the
//! data do not.
//!
//! Source: Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), eq. 5.8 and
//! 5.9.

use super::kernel::Kernel;
use faer::linalg::solvers::{DenseSolveCore, Llt, Solve};
use faer::{Mat, Side};

/// The width of the prior on the logarithm of a length scale, for inputs of unit variance.
const WIDTH: f64 = 5.0;
/// Lower bound of the noise-to-signal ratio: below it, factorisation fails in double precision.
pub(super) const LEAST_NOISE: f64 = 1e-10;

/// Inputs `[rows][inputs]` with targets `[rows][columns]`.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) inputs: usize,
    pub(super) x: Vec<f64>,
    pub(super) y: Mat<f64>,
}

/// A kernel with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameters {
    pub(super) kernel: Kernel,
    /// Logarithms of the length scales, then of the noise above [`LEAST_NOISE`].
    pub(super) logarithms: Vec<f64>,
}

impl Parameters {
    pub(super) fn start(kernel: Kernel, inputs: usize) -> Self {
        let mut logarithms = vec![(0.5 * inputs as f64).ln().max(0.5); inputs];
        logarithms.push(1e-4f64.ln());
        Self { kernel, logarithms }
    }

    /// Returns the inverse of each length scale.
    pub(super) fn inverse_scales(&self) -> Vec<f64> {
        let scales = &self.logarithms[..self.logarithms.len() - 1];
        scales.iter().map(|log| (-log).exp()).collect()
    }

    pub(super) fn noise(&self) -> f64 {
        let log = self.logarithms.last().copied().unwrap_or_default();
        LEAST_NOISE + log.exp()
    }
}

impl Problem {
    pub(super) fn rows(&self) -> usize {
        self.y.nrows()
    }

    /// Returns the Cholesky factor of the covariance matrix, or `None` if rounding makes it
    /// indefinite.
    pub(super) fn factorised(&self, parameters: &Parameters) -> Option<Llt<f64>> {
        let x = scaled(&self.x, &parameters.inverse_scales());
        let mut matrix = Mat::<f64>::zeros(self.rows(), self.rows());
        for i in 0..self.rows() {
            for j in 0..i {
                let square = squared_distance(row(&x, self.inputs, i), row(&x, self.inputs, j));
                matrix[(i, j)] = parameters.kernel.covariance(square);
            }
            matrix[(i, i)] = 1.0 + parameters.noise();
        }
        matrix.llt(Side::Lower).ok()
    }

    /// Returns L and its gradient with respect to the parameters; L is infinite if factorisation
    /// fails.
    pub(super) fn misfit(&self, parameters: &Parameters) -> (f64, Vec<f64>) {
        let (rows, columns) = (self.rows(), self.y.ncols());
        let count = parameters.logarithms.len();
        let Some(factors) = self.factorised(parameters) else {
            return (f64::INFINITY, vec![f64::NAN; count]);
        };
        let solved = factors.solve(&self.y);
        let l = factors.L();
        let mut value = columns as f64 * (0..rows).map(|i| l[(i, i)].ln()).sum::<f64>();
        let mut weights = Mat::<f64>::zeros(rows, columns);
        for c in 0..columns {
            let square = (0..rows)
                .map(|i| self.y[(i, c)] * solved[(i, c)])
                .sum::<f64>();
            let variance = (square / rows as f64).max(f64::MIN_POSITIVE);
            value += 0.5 * rows as f64 * variance.ln();
            for i in 0..rows {
                weights[(i, c)] = solved[(i, c)] / variance.sqrt();
            }
        }
        let inverse = factors.inverse();
        let outer = &weights * weights.transpose();
        let mut gradient = vec![0.0; count];
        let x = scaled(&self.x, &parameters.inverse_scales());
        let mut trace = 0.0;
        for j in 0..rows {
            let x_j = row(&x, self.inputs, j);
            trace += columns as f64 * inverse[(j, j)] - outer[(j, j)];
            for i in j + 1..rows {
                let x_i = row(&x, self.inputs, i);
                let (_, slope) = parameters
                    .kernel
                    .covariance_and_slope(squared_distance(x_i, x_j));
                // Both halves of the symmetric matrix.
                let weight = (columns as f64 * inverse[(i, j)] - outer[(i, j)]) * slope;
                for (gradient, (a, b)) in gradient.iter_mut().zip(x_i.iter().zip(x_j)) {
                    *gradient += weight * (a - b) * (a - b);
                }
            }
        }
        let noise = parameters.noise() - LEAST_NOISE;
        gradient[count - 1] = 0.5 * trace * noise;
        for (gradient, log) in gradient.iter_mut().zip(&parameters.logarithms[..count - 1]) {
            value += 0.5 * columns as f64 * (log / WIDTH).powi(2);
            *gradient += columns as f64 * log / (WIDTH * WIDTH);
        }
        (value, gradient)
    }
}

pub(super) fn scaled(x: &[f64], inverse_scales: &[f64]) -> Vec<f64> {
    let rows = x.chunks_exact(inverse_scales.len());
    rows.flat_map(|row| row.iter().zip(inverse_scales).map(|(x, scale)| x * scale))
        .collect()
}

pub(super) fn row(x: &[f64], inputs: usize, row: usize) -> &[f64] {
    &x[row * inputs..][..inputs]
}

pub(super) fn squared_distance(left: &[f64], right: &[f64]) -> f64 {
    let pairs = left.iter().zip(right);
    pairs
        .map(|(left, right)| (left - right) * (left - right))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::stream;
    use rand::Rng;

    #[test]
    fn the_gradient_is_that_of_finite_differences() {
        let mut random = stream(3, "likelihood");
        let (rows, inputs) = (25, 3);
        let x: Vec<f64> = (0..rows * inputs)
            .map(|_| random.random_range(-1.5..1.5))
            .collect();
        let y = Mat::from_fn(rows, 2, |r, c| {
            (x[r * inputs] * (c + 1) as f64).sin() + 0.3 * x[r * inputs + 1]
        });
        let problem = Problem { inputs, x, y };
        for kernel in Kernel::ALL {
            let at = Parameters {
                kernel,
                logarithms: vec![0.1, -0.4, 0.7, -5.0],
            };
            let (_, gradient) = problem.misfit(&at);
            for (k, slope) in gradient.into_iter().enumerate() {
                let moved = |by: f64| {
                    let mut there = at.clone();
                    there.logarithms[k] += by;
                    problem.misfit(&there).0
                };
                let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                // Tolerance: rounding of the value over the step, plus the curvature.
                assert!(
                    (slope - difference).abs() < 1e-4 * difference.abs().max(1.0),
                    "{kernel:?}, {k}: {slope}, not {difference}"
                );
            }
        }
    }
}
