//! Predictions of processes whose directions share parameters in groups.

use super::covariance::{Bounds, Covariance, Points};
use super::directions::add;
use super::family::Parameters;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use rayon::prelude::*;

/// Inputs that a thread predicts at a time.
const CHUNK: usize = 64;

/// Neighbouring directions with the same parameters.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) parameters: Parameters,
    /// Weights of the covariances with the rows, `[rows][directions]`.
    pub(super) weights: Mat<f64>,
    /// The first direction.
    pub(super) first: usize,
}

/// The space of inputs and outputs that processes share.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Directions of the outputs, `[directions][outputs]`.
    pub(super) basis: Vec<Vec<f32>>,
    /// The box, where Legendre products are asked for.
    pub(super) bounds: Option<Bounds>,
}

/// Predicts the outputs at `x: [asked][inputs]`, `[asked][outputs]`, from the rows that the groups
/// were fitted to.
pub(super) fn predict(frame: &Frame, rows: &Points, groups: &[Group], x: &[f32]) -> Vec<f32> {
    let (inputs, outputs, basis) = (frame.inputs, frame.outputs, &frame.basis);
    let covariances: Vec<Covariance> = groups
        .iter()
        .map(|group| Covariance::new(&group.parameters))
        .collect();
    let mut y = vec![0.0f32; x.len() / inputs * outputs];
    y.par_chunks_mut(CHUNK * outputs)
        .zip(x.par_chunks(CHUNK * inputs))
        .for_each(|(y, x)| {
            let asked = Points::new(x, inputs, frame.bounds.as_ref());
            let mut cross = Mat::<f64>::zeros(rows.count(), asked.count());
            let mut coefficients = Mat::<f64>::zeros(asked.count(), basis.len());
            for (group, covariance) in groups.iter().zip(&covariances) {
                for q in 0..asked.count() {
                    covariance.column(rows, 0, (&asked, q), cross.col_as_slice_mut(q));
                }
                let directions = group.weights.ncols();
                matmul(
                    coefficients.as_mut().subcols_mut(group.first, directions),
                    Accum::Replace,
                    cross.transpose(),
                    &group.weights,
                    1.0,
                    Par::Seq,
                );
            }
            for (q, y) in y.chunks_exact_mut(outputs).enumerate() {
                add(y, (0..basis.len()).map(|k| coefficients[(q, k)]), basis);
            }
        });
    y
}
