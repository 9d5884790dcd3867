//! The directions of the outputs, each of which has a process.

use super::covariance::{Bounds, Points};
use super::likelihood::Problem;
use crate::principal;
use faer::Mat;

/// Up to this number, each output is a direction of its own: outputs may depend on different
/// inputs.
pub(super) const DIRECT: usize = 24;
/// A principal component is kept if its variance exceeds this fraction of the first one's.
const SHARE: f64 = 1e-8;

/// Returns the directions of the outputs: unit vectors if there are few outputs, else up to `most`
/// principal components above rounding error.
///
/// *Shapes*: `y: [rows][outputs]`, each output of mean zero.
pub(super) fn basis(y: &[f32], outputs: usize, most: usize) -> Vec<Vec<f32>> {
    if outputs <= DIRECT {
        let unit = |k| {
            (0..outputs)
                .map(|j| if j == k { 1.0 } else { 0.0 })
                .collect()
        };
        return (0..outputs).map(unit).collect();
    }
    let all = principal::components(y, outputs, most.min(outputs));
    let first = square(&all[..outputs]);
    all.chunks_exact(outputs)
        .filter(|basis| square(basis) > SHARE * first)
        .map(<[f32]>::to_vec)
        .collect()
}

/// Returns the sum of squares.
pub(super) fn square(direction: &[f32]) -> f64 {
    direction.iter().map(|v| f64::from(*v).powi(2)).sum()
}

/// Returns the fitting problem of these rows, with the outputs as coefficients of the basis.
pub(super) fn problem(
    x: &[f32],
    inputs: usize,
    y: &[f32],
    basis: &[Vec<f32>],
    bounds: Option<&Bounds>,
) -> Problem {
    let points = Points::new(x, inputs, bounds);
    let outputs = basis.first().map_or(0, Vec::len);
    let squares: Vec<f64> = basis.iter().map(|basis| square(basis)).collect();
    Problem {
        y: Mat::from_fn(points.count(), basis.len(), |r, k| {
            let y = &y[r * outputs..][..outputs];
            let pairs = y.iter().zip(&basis[k]);
            let product: f64 = pairs.map(|(y, b)| f64::from(*y) * f64::from(*b)).sum();
            product / squares[k]
        }),
        points,
    }
}

/// Adds coefficients times their directions to outputs.
pub(super) fn add(y: &mut [f32], coefficients: impl Iterator<Item = f64>, basis: &[Vec<f32>]) {
    for (coefficient, basis) in coefficients.zip(basis) {
        let coefficient = coefficient as f32;
        for (y, basis) in y.iter_mut().zip(basis) {
            *y += coefficient * basis;
        }
    }
}
