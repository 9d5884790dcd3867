//! Exact Gaussian processes of the outputs or of their principal components: the most accurate
//! models of small, smooth data.
//!
//! ```text
//! y(x) = sum_k c_k(x) basis_k,    c_k(x) = kernel(x, rows; l_k) K_k^-1 c_k(rows)
//! ```
//!
//! L-BFGS finds the parameters of a covariance and the noise from the marginal likelihood of a part
//! of the rows. [`Processes`] fits several families of covariances and stacks them: it never ships,
//! but teaches a network that does; its [`Predictor`] is what a run keeps. [`GaussianProcess`] and [`SharedProcess`] are faster ones of
//! the families Matérn and Gaussian, for questions about data.

mod covariance;
mod directions;
mod elementary;
mod family;
mod likelihood;
mod prediction;
mod predictor;
mod processes;
mod shared;
mod work;

pub use family::Family;
pub use predictor::Predictor;
pub(crate) use predictor::PredictorSizes;
pub use processes::{Judged, Look, Processes};
pub use shared::SharedProcess;
pub use work::{Work, seconds_of_look};

use directions::{basis, problem};
use family::Parameters;
use likelihood::{Problem, least, spread};
use prediction::{Frame, Group, predict};
use rayon::prelude::*;

/// Maximum number of components.
const COMPONENTS: usize = 32;
/// Maximum number of rows for the parameters shared by all components.
const ROWS_TOGETHER: usize = 256;
/// Maximum number of rows for a component's own parameters.
const ROWS_ALONE: usize = 384;
/// Maximum number of rows that predictions are based on.
const ROWS: usize = 1500;
/// Iterations on the likelihood of all components, and of a single one.
const ITERATIONS: (usize, usize) = (40, 25);

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
    frame: Frame,
    rows: Problem,
    groups: Vec<Group>,
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
        let basis = basis(y, outputs, COMPONENTS);
        let directions = basis.len();
        let all = problem(x, inputs, y, &basis, None);
        let part =
            |problem: &Problem, most, columns| problem.part(&spread(problem.rows(), most), columns);
        let together = part(&all, ROWS_TOGETHER, 0..directions);
        let starts: Vec<(f64, Parameters)> = [Family::Matern, Family::Gaussian]
            .into_iter()
            .map(|family| together.likeliest(Parameters::start(family, inputs), ITERATIONS.0, 0.0))
            .collect();
        let rows = match effort {
            Effort::Quick => together,
            Effort::Whole => part(&all, ROWS, 0..directions),
        };
        let group = |parameters, columns: std::ops::Range<usize>| {
            let first = columns.start;
            let solved = part(&rows, ROWS, columns).solve(&parameters, false)?;
            Some(Group {
                parameters,
                weights: solved.weights,
                first,
            })
        };
        let groups = match effort {
            Effort::Quick => vec![group(least(starts.into_iter())?, 0..directions)?],
            Effort::Whole => {
                let groups = (0..directions).into_par_iter().map(|k| {
                    let alone = part(&rows, ROWS_ALONE, k..k + 1);
                    let starts = starts.iter().map(|(_, start)| start.clone());
                    let found = starts.map(|start| alone.likeliest(start, ITERATIONS.1, 0.0));
                    group(least(found)?, k..k + 1)
                });
                groups.collect::<Option<Vec<_>>>()?
            }
        };
        let frame = Frame {
            inputs,
            outputs,
            basis,
            bounds: None,
        };
        Some(Self {
            frame,
            rows,
            groups,
        })
    }

    /// Predicts the outputs at these inputs.
    ///
    /// *Shapes*: `x: [rows][inputs]`; result `[rows][outputs]`.
    #[must_use]
    pub fn predict(&self, x: &[f32]) -> Vec<f32> {
        predict(&self.frame, &self.rows.points, &self.groups, x)
    }
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
