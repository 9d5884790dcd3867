//! The state that AdamW keeps for each variable.

use candle_core::{Tensor, Var};
use std::sync::Mutex;

/// Decay rate of the moving average of gradients.
pub(crate) const BETA_1: f64 = 0.9;
/// Decay rate of the moving average of squared gradients.
pub(crate) const BETA_2: f64 = 0.99;
/// Keeps the step finite if all gradients were zero.
pub(crate) const EPSILON: f64 = 1e-8;

/// A variable with its moments.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) variable: Var,
    pub(super) steps: u32,
    pub(super) moments: Moments,
}

/// The moving averages of a variable's gradients and of their squares.
#[derive(Debug)]
pub(super) enum Moments {
    /// On the CPU: mean and square, updated in the same pass as the weights.
    Fused(Mutex<[Vec<f32>; 2]>),
    /// On other devices, including GPUs.
    Composite([Tensor; 2]),
}

/// Returns the bias correction of a moving average that started at 0, after `steps` updates.
pub(crate) fn correction(beta: f64, steps: u32) -> f64 {
    1.0 - beta.powi(steps.min(i32::MAX as u32) as i32)
}
