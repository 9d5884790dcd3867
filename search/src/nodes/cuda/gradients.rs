//! Gradients of weights that bypass candle's accumulation.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, TensorId};
use std::cell::RefCell;

thread_local! {
    /// Collects gradients of weights while [`backward`] runs.
    static FOUND: RefCell<Option<Vec<(TensorId, Tensor)>>> = const { RefCell::new(None) };
}

/// Returns the gradients of a loss, like [`Tensor::backward`].
///
/// Candle adds each gradient to zeros: two kernels and two allocations, which take about as much
/// time as the gradient itself. Gradients of weights and biases therefore bypass candle. A variable
/// that two nodes share gets their sum.
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

/// Passes a variable's gradient to [`backward`] if it is running; else returns it for candle.
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
