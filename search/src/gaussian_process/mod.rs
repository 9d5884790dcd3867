//! An exact Gaussian process of the outputs' principal components: the most accurate model of
//! small, smooth data.
//!
//! ```text
//! y(x) = sum_k c_k(x) basis_k,    c_k(x) = kernel(x, rows; l_k) K_k^-1 c_k(rows)
//! ```
//!
//! Each component has its own length scales (one per input) and its own noise. L-BFGS finds them
//! from the marginal likelihood of a part of the rows, first for all components together, then for
//! each alone. The process interpolates rows. It never ships, but teaches a network that does
//! ([`crate::training`]).

mod kernel;
mod likelihood;
mod shared;

pub use shared::SharedProcess;

use crate::lbfgs::{Lbfgs, Point, Progress};
use crate::principal;
use faer::Mat;
use faer::linalg::solvers::Solve;
use kernel::Kernel;
use likelihood::{Parameters, Problem, row, scaled, squared_distance};
use rayon::prelude::*;
use std::convert::Infallible;

/// Maximum number of components.
const COMPONENTS: usize = 32;
/// Up to this number, each output is a component of its own: outputs may depend on different
/// inputs.
const DIRECT: usize = 24;
/// A component is kept if its variance exceeds this fraction of the first one's.
const SHARE: f64 = 1e-8;
/// Maximum number of rows for the parameters shared by all components.
const ROWS_TOGETHER: usize = 256;
/// Maximum number of rows for a component's own parameters.
const ROWS_ALONE: usize = 384;
/// Maximum number of rows that predictions are based on.
const ROWS: usize = 1500;
/// Iterations on the likelihood of all components, and of a single one.
const ITERATIONS: (usize, usize) = (40, 25);
/// Pairs that L-BFGS keeps.
const HISTORY: usize = 10;
/// Inputs that a thread predicts at a time.
const CHUNK: usize = 64;

/// The effort spent on a fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Uses a part of the rows and one set of parameters for all components: tests whether a whole
    /// fit is worthwhile.
    Quick,
    /// Uses all rows and separate parameters for each component.
    Whole,
}

/// A fitted process.
#[derive(Debug, Clone)]
pub struct GaussianProcess {
    inputs: usize,
    outputs: usize,
    x: Vec<f64>,
    components: Vec<Component>,
}

/// The process of one principal component.
#[derive(Debug, Clone)]
struct Component {
    parameters: Parameters,
    /// Weights of the covariances with the rows, `[rows]`.
    weights: Vec<f64>,
    /// Basis vector, `[outputs]`.
    basis: Vec<f32>,
}

impl GaussianProcess {
    /// Fits the process to these standardised rows; returns `None` if no covariance matrix can be
    /// factorised.
    ///
    /// *Shapes*: `x: [rows][inputs]`, `y: [rows][outputs]`, each output of mean zero.
    #[must_use]
    pub fn fit(
        x: &[f32],
        inputs: usize,
        y: &[f32],
        outputs: usize,
        effort: Effort,
    ) -> Option<Self> {
        let basis = basis(y, outputs);
        let all = problem(x, inputs, y, outputs, &basis);
        let together = part(&all, ROWS_TOGETHER, 0..basis.len());
        let found = Kernel::ALL
            .into_iter()
            .map(|kernel| likeliest(&together, Parameters::start(kernel, inputs), ITERATIONS.0));
        let starts: Vec<(f64, Parameters)> = found.collect();
        let rows = match effort {
            Effort::Quick => together,
            Effort::Whole => part(&all, ROWS, 0..basis.len()),
        };
        let components = basis.into_par_iter().enumerate().map(|(k, basis)| {
            let parameters = match effort {
                Effort::Quick => least(starts.iter().cloned())?,
                Effort::Whole => {
                    let alone = part(&rows, ROWS_ALONE, k..k + 1);
                    let starts = starts.iter().map(|(_, start)| start.clone());
                    least(starts.map(|start| likeliest(&alone, start, ITERATIONS.1)))?
                }
            };
            let column = part(&rows, ROWS, k..k + 1);
            let solved = column.factorised(&parameters)?.solve(&column.y);
            Some(Component {
                parameters,
                weights: (0..column.rows()).map(|r| solved[(r, 0)]).collect(),
                basis,
            })
        });
        Some(Self {
            inputs,
            outputs,
            components: components.collect::<Option<Vec<_>>>()?,
            x: rows.x,
        })
    }

    /// Predicts the outputs at these inputs.
    ///
    /// *Shapes*: `x: [rows][inputs]`; result `[rows][outputs]`.
    #[must_use]
    pub fn predict(&self, x: &[f32]) -> Vec<f32> {
        let scaled_rows: Vec<Vec<f64>> = self
            .components
            .iter()
            .map(|component| scaled(&self.x, &component.parameters.inverse_scales()))
            .collect();
        let mut y = vec![0.0f32; x.len() / self.inputs * self.outputs];
        y.par_chunks_mut(CHUNK * self.outputs)
            .zip(x.par_chunks(CHUNK * self.inputs))
            .for_each(|(y, x)| {
                for (y, x) in y
                    .chunks_exact_mut(self.outputs)
                    .zip(x.chunks_exact(self.inputs))
                {
                    let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
                    for (component, rows) in self.components.iter().zip(&scaled_rows) {
                        let coefficient = component.at(&x, rows) as f32;
                        for (y, basis) in y.iter_mut().zip(&component.basis) {
                            *y += coefficient * basis;
                        }
                    }
                }
            });
        y
    }
}

impl Component {
    /// Returns the value at `x`; `rows` are scaled by the length scales.
    fn at(&self, x: &[f64], rows: &[f64]) -> f64 {
        let x = scaled(x, &self.parameters.inverse_scales());
        let weights = self.weights.iter().enumerate();
        weights
            .map(|(r, weight)| {
                let square = squared_distance(&x, row(rows, x.len(), r));
                weight * self.parameters.kernel.covariance(square)
            })
            .sum()
    }
}

/// Returns the directions of the outputs: unit vectors if there are few outputs, else the principal
/// components above rounding error.
fn basis(y: &[f32], outputs: usize) -> Vec<Vec<f32>> {
    if outputs <= DIRECT {
        let unit = |k| {
            (0..outputs)
                .map(|j| if j == k { 1.0 } else { 0.0 })
                .collect()
        };
        return (0..outputs).map(unit).collect();
    }
    let count = COMPONENTS.min(outputs);
    let all = principal::components(y, outputs, count);
    let square = |basis: &[f32]| basis.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
    let first = square(&all[..outputs]);
    all.chunks_exact(outputs)
        .filter(|basis| square(basis) > SHARE * first)
        .map(<[f32]>::to_vec)
        .collect()
}

/// Returns the fitting problem of these rows, with the outputs as coefficients of the basis.
fn problem(x: &[f32], inputs: usize, y: &[f32], outputs: usize, basis: &[Vec<f32>]) -> Problem {
    Problem {
        inputs,
        x: x.iter().map(|&x| f64::from(x)).collect(),
        y: Mat::from_fn(x.len() / inputs, basis.len(), |r, k| {
            projection(&y[r * outputs..][..outputs], &basis[k])
        }),
    }
}

/// Returns the coefficient along a direction.
fn projection(y: &[f32], basis: &[f32]) -> f64 {
    let (mut product, mut square) = (0.0, 0.0);
    for (y, basis) in y.iter().zip(basis) {
        product += f64::from(*y) * f64::from(*basis);
        square += f64::from(*basis).powi(2);
    }
    product / square
}

/// Returns the parameters of the smallest misfit.
fn least(found: impl Iterator<Item = (f64, Parameters)>) -> Option<Parameters> {
    found
        .min_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, parameters)| parameters)
}

/// Returns up to `most` indices below `all`, evenly spread.
fn spread(all: usize, most: usize) -> Vec<usize> {
    let count = all.min(most);
    (0..count).map(|k| k * all / count).collect()
}

/// Returns the problem restricted to some columns and at most `most` rows.
fn part(problem: &Problem, most: usize, columns: std::ops::Range<usize>) -> Problem {
    let rows = spread(problem.rows(), most);
    Problem {
        inputs: problem.inputs,
        x: rows
            .iter()
            .flat_map(|&r| row(&problem.x, problem.inputs, r).iter().copied())
            .collect(),
        y: Mat::from_fn(rows.len(), columns.len(), |r, c| {
            problem.y[(rows[r], columns.start + c)]
        }),
    }
}

/// Returns the maximum-likelihood parameters near `start`, and their misfit.
fn likeliest(problem: &Problem, start: Parameters, iterations: usize) -> (f64, Parameters) {
    let evaluate = |logarithms: &[f64]| {
        let parameters = Parameters {
            kernel: start.kernel,
            logarithms: logarithms.to_vec(),
        };
        Ok::<_, Infallible>(problem.misfit(&parameters))
    };
    let Ok((value, gradient)) = evaluate(&start.logarithms);
    let point = Point {
        place: start.logarithms.clone(),
        value,
        gradient,
    };
    let mut minimiser = Lbfgs::new(point, HISTORY);
    for _ in 0..iterations {
        let Ok(progress) = minimiser.iterate(evaluate);
        if progress == Progress::Stuck {
            break;
        }
    }
    let Point { place, value, .. } = minimiser.point().clone();
    let parameters = Parameters {
        kernel: start.kernel,
        logarithms: place,
    };
    (value, parameters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::stream;
    use rand::Rng;

    /// Maps two inputs to a curve of `outputs` points.
    fn curves(rows: usize, outputs: usize, seed: u64) -> (Vec<f32>, Vec<f32>) {
        let mut random = stream(seed, "curves");
        let x: Vec<f32> = (0..2 * rows)
            .map(|_| random.random_range(-1.5..1.5))
            .collect();
        let y = x.chunks_exact(2).flat_map(|x| {
            let point = |k: usize| (x[0] + 0.1 * k as f32).sin() - 0.455 * x[1] * x[0];
            (0..outputs).map(point).collect::<Vec<_>>()
        });
        (x.clone(), y.collect())
    }

    fn error(process: &GaussianProcess, (x, y): &(Vec<f32>, Vec<f32>)) -> f32 {
        let pairs = process.predict(x).into_iter().zip(y);
        pairs.map(|(a, b)| (a - b).powi(2)).sum::<f32>() / y.len() as f32
    }

    #[test]
    fn smooth_outputs_are_found_again_whether_few_or_in_components() {
        for outputs in [3, 40] {
            let ((x, y), judged) = (curves(150, outputs, 1), curves(50, outputs, 2));
            let whole = GaussianProcess::fit(&x, 2, &y, outputs, Effort::Whole).unwrap();
            let quick = GaussianProcess::fit(&x, 2, &y, outputs, Effort::Quick).unwrap();
            assert!(error(&whole, &judged) < 1e-6, "{}", error(&whole, &judged));
            assert!(error(&quick, &judged) < 1e-4, "{}", error(&quick, &judged));
        }
    }

    #[test]
    fn one_and_two_threads_give_the_same_bits() {
        let (x, y) = curves(60, 40, 1);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| {
                let process = GaussianProcess::fit(&x, 2, &y, 40, Effort::Whole).unwrap();
                process.predict(&x)
            })
        };
        assert_eq!(on(1), on(2));
    }
}
