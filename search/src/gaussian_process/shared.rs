//! A fast process for diagnostics of data: all components share one set of length scales, and an
//! input can be left out.
//!
//! The length scales maximise the likelihood of a part of the rows; predictions use all rows.
//! Leaving out an input removes it from the distances between rows and changes nothing else.

use super::kernel::Kernel;
use super::likelihood::{Parameters, Problem, row, scaled, squared_distance};
use super::{ITERATIONS, ROWS, ROWS_TOGETHER, basis, least, likeliest, part, problem};
use faer::linalg::solvers::Solve;
use rayon::prelude::*;

/// A process whose components share their length scales.
#[derive(Debug, Clone)]
pub struct SharedProcess {
    problem: Problem,
    parameters: Parameters,
    basis: Vec<Vec<f32>>,
    outputs: usize,
}

impl SharedProcess {
    /// Fits the process to these standardised rows, at most 1,500 of them; returns `None` if
    /// factorisation fails.
    ///
    /// *Shapes*: `x: [rows][inputs]`, `y: [rows][outputs]`, each output of mean zero.
    #[must_use]
    pub fn fit(x: &[f32], inputs: usize, y: &[f32], outputs: usize) -> Option<Self> {
        let basis = basis(y, outputs);
        let all = problem(x, inputs, y, outputs, &basis);
        let some = part(&all, ROWS_TOGETHER, 0..basis.len());
        let found: Vec<_> = Kernel::ALL
            .into_par_iter()
            .map(|kernel| likeliest(&some, Parameters::start(kernel, inputs), ITERATIONS.0))
            .collect();
        Some(Self {
            parameters: least(found.into_iter())?,
            problem: part(&all, ROWS, 0..basis.len()),
            basis,
            outputs,
        })
    }

    /// Predicts the outputs at these inputs with the process that ignores the input `without`.
    ///
    /// *Shapes*: `x: [rows][inputs]`; result `[rows][outputs]`; `None` if the covariance cannot be
    /// factorised.
    #[must_use]
    pub fn predict(&self, x: &[f32], without: Option<usize>) -> Option<Vec<f32>> {
        let mut parameters = self.parameters.clone();
        if let Some(input) = without {
            // With an infinite length scale, the input adds nothing to distances.
            parameters.logarithms[input] = f64::INFINITY;
        }
        let weights = self.problem.factorised(&parameters)?.solve(&self.problem.y);
        let inverse_scales = parameters.inverse_scales();
        let rows = scaled(&self.problem.x, &inverse_scales);
        let inputs = self.problem.inputs;
        let mut y = vec![0.0f32; x.len() / inputs * self.outputs];
        y.par_chunks_mut(self.outputs)
            .zip(x.par_chunks(inputs))
            .for_each(|(y, x)| {
                let x: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
                let x = scaled(&x, &inverse_scales);
                let mut coefficients = vec![0.0; self.basis.len()];
                for r in 0..self.problem.rows() {
                    let square = squared_distance(&x, row(&rows, inputs, r));
                    let covariance = parameters.kernel.covariance(square);
                    for (k, coefficient) in coefficients.iter_mut().enumerate() {
                        *coefficient += weights[(r, k)] * covariance;
                    }
                }
                for (basis, coefficient) in self.basis.iter().zip(coefficients) {
                    for (y, basis) in y.iter_mut().zip(basis) {
                        *y += coefficient as f32 * basis;
                    }
                }
            });
        Some(y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{stream, uniform};

    #[test]
    fn without_an_input_it_predicts_what_the_others_say() {
        let mut random = stream(2, "shared process");
        let mut rows = |count: usize| -> (Vec<f32>, Vec<f32>) {
            let mut draw = || (2.0 * uniform(&mut random) - 1.0) as f32;
            let x: Vec<f32> = (0..2 * count).map(|_| draw()).collect();
            let y = x
                .chunks_exact(2)
                .map(|x| (2.0 * x[0]).sin() + 0.1 * x[1])
                .collect();
            (x, y)
        };
        let ((x, y), (judged, truth)) = (rows(150), rows(60));
        let process = SharedProcess::fit(&x, 2, &y, 1).unwrap();
        let error = |without| {
            let found = process.predict(&judged, without).unwrap();
            let squares = found.iter().zip(&truth).map(|(a, b)| (a - b).powi(2));
            squares.sum::<f32>() / truth.len() as f32
        };
        assert!(error(None) < 1e-6, "{}", error(None));
        // Without the second input, the error is at least the variance that this input causes.
        assert!((3e-3..3e-1).contains(&error(Some(1))), "{}", error(Some(1)));
        assert!(error(Some(0)) > 0.3, "{}", error(Some(0)));
    }
}
