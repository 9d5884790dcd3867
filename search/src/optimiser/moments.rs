//! What AdamW keeps of each variable.

use candle_core::{Tensor, Var};
use std::sync::Mutex;

/// Decay of the mean of the gradients.
pub(super) const BETA_1: f64 = 0.9;
/// Decay of the mean of their squares.
pub(super) const BETA_2: f64 = 0.99;
/// Keeps the step finite where no gradient was seen.
pub(super) const EPSILON: f64 = 1e-8;

/// One variable with its moments.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) variable: Var,
    pub(super) steps: u32,
    pub(super) moments: Moments,
}

/// The mean of a variable's gradients, and that of their squares.
#[derive(Debug)]
pub(super) enum Moments {
    /// On the CPU: mean and square, updated in the pass that updates the weights.
    Fused(Mutex<[Vec<f32>; 2]>),
    /// On other devices, a GPU's among them.
    Composite([Tensor; 2]),
}

/// Returns what the mean of `steps` numbers that started at 0 falls short by.
pub(super) fn correction(beta: f64, steps: u32) -> f64 {
    1.0 - beta.powi(steps.min(i32::MAX as u32) as i32)
}
