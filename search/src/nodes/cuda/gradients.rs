//! Gradients by weights, which pass by candle's sums.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, TensorId};
use std::cell::RefCell;

thread_local! {
    /// Where gradients by weights go while [`backward`] runs.
    static FOUND: RefCell<Option<Vec<(TensorId, Tensor)>>> = const { RefCell::new(None) };
}

/// Returns the gradients of a loss, as [`Tensor::backward`].
///
/// Candle adds each gradient to zeros, two kernels and two allocations that take as long as the gradient itself. Those by
/// weights and biases therefore pass by it; a variable that two nodes share has their sum.
///
/// # Errors
/// The device fails.
pub fn backward(loss: &Tensor) -> Result<GradStore> {
    FOUND.replace(Some(Vec::new()));
    let gradients = loss.backward();
    let found = FOUND.take().unwrap_or_default();
    let mut gradients = gradients?;
    for (variable, gradient) in found {
        let sum = match gradients.get_id(variable) {
            Some(other) => (other + gradient)?,
            None => gradient,
        };
        gradients.insert_id(variable, sum);
    }
    Ok(gradients)
}

/// Hands a variable's gradient to [`backward`] where that runs; returns it to candle otherwise.
pub(super) fn handed_over(variable: &Tensor, gradient: Tensor) -> Option<Tensor> {
    if !variable.is_variable() {
        return Some(gradient);
    }
    FOUND.with_borrow_mut(|found| match found {
        Some(found) => {
            found.push((variable.id(), gradient));
            None
        }
        None => Some(gradient),
    })
}
