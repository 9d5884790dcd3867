//! A fast process for diagnostics of data: all components share one set of length scales, and an
//! input can be left out.
//!
//! The length scales maximise the likelihood of a part of the rows; predictions use all rows.
//! Leaving out an input removes it from the distances between rows and changes nothing else.

use super::directions::{basis, problem};
use super::family::{Family, Parameters};
use super::likelihood::{Problem, least, spread};
use super::prediction::{Frame, Group, predict};
use rayon::prelude::*;

/// Maximum number of components.
const COMPONENTS: usize = 32;
/// Maximum number of rows for the length scales, and for predictions.
const ROWS: (usize, usize) = (256, 1500);
/// Lower bound of the noise-to-signal ratio.
const LEAST_NOISE: f64 = 1e-10;
/// Iterations on the likelihood, all of them: the influence of a weak input adds little to it.
const ITERATIONS: usize = 40;

/// A process whose components share their length scales.
#[derive(Debug, Clone)]
pub struct SharedProcess {
    problem: Problem,
    parameters: Parameters,
    frame: Frame,
}

impl SharedProcess {
    /// Fits the process to these standardised rows, at most 1,500 of them; returns `None` if
    /// factorisation fails.
    ///
    /// *Shapes*: `x: [rows][inputs]`, `y: [rows][outputs]`, each output of mean zero.
    #[must_use]
    pub fn fit(x: &[f32], inputs: usize, y: &[f32], outputs: usize) -> Option<Self> {
        let basis = basis(y, outputs, COMPONENTS);
        let all = problem(x, inputs, y, &basis, None);
        let some = all.part(&spread(all.rows(), ROWS.0), 0..basis.len());
        let found: Vec<_> = [Family::Matern, Family::Gaussian]
            .into_par_iter()
            .map(|family| {
                let start = Parameters {
                    least_noise: LEAST_NOISE,
                    ..Parameters::start(family, inputs)
                };
                some.likeliest(start, ITERATIONS, 0.0)
            })
            .collect();
        Some(Self {
            parameters: least(found.into_iter())?,
            problem: all.part(&spread(all.rows(), ROWS.1), 0..basis.len()),
            frame: Frame {
                inputs,
                outputs,
                basis,
                bounds: None,
            },
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
        let solved = self.problem.solve(&parameters, false)?;
        let group = Group {
            parameters,
            weights: solved.weights,
            first: 0,
        };
        Some(predict(&self.frame, &self.problem.points, &[group], x))
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
