//! The nodes as custom operations on a GPU, with gradients. Their kernels are in
//! `search/cuda/nodes.cu`.
//!
//! The forward pass of a node is one kernel. The backward pass has up to five: the gradient inside
//! the activation (with the bias's gradient), the gradient of the input, the gradient of the
//! weights in parts, the sum of the parts, and the gradient of a resize.
//!
//! `tables` lists which positions each operation reads; they are computed once per plan and kept on
//! the device. `arguments` has the kernels' structures. `node` launches the kernels of nodes, and
//! `loss` those of the mean squared error.

mod arguments;
mod gradients;
mod loss;
mod node;
mod tables;

pub use gradients::backward;

use super::{Epilogue, Grid, Kind, Pass, Plan};
use candle_core::{Result, Tensor};
use loss::MeanSquaredError;
use node::Node;

/// Returns the node of a dense layer, as [`Form::dense`](super::Form::dense).
///
/// # Errors
/// The shapes do not fit, or the tensors are not `F32`, contiguous and on one GPU.
pub fn dense(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    epilogue: Epilogue,
    pass: Pass,
) -> Result<Tensor> {
    let plan = Plan::convolution(Grid::POINT, Grid::POINT, Grid::POINT);
    let node = Node::new(&plan, x, epilogue, pass)?;
    match bias {
        Some(bias) => x.apply_op3(weight, bias, node),
        None => x.apply_op2(weight, node),
    }
}

/// Returns the node of a convolution or transposed convolution, as
/// [`Form::correlate`](super::Form::correlate).
///
/// # Errors
/// As [`dense`].
pub fn correlate(
    plan: &Plan,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epilogue: Epilogue,
    pass: Pass,
) -> Result<Tensor> {
    x.apply_op3(weight, bias, Node::new(plan, x, epilogue, pass)?)
}

/// Returns the node that consists of the resized identity alone, as
/// [`Form::identity`](super::Form::identity).
///
/// # Errors
/// As [`dense`].
pub fn identity(plan: &Plan, x: &Tensor, epilogue: Epilogue, pass: Pass) -> Result<Tensor> {
    match plan.kind {
        Kind::Resize => x.apply_op1(Node::new(plan, x, epilogue, pass)?),
        _ => identity(&Plan::resize(plan.input, plan.output), x, epilogue, pass),
    }
}

/// Returns the mean squared error, as
/// [`Form::mean_squared_error`](super::Form::mean_squared_error).
///
/// # Errors
/// As [`dense`].
pub fn mean_squared_error(y: &Tensor, target: &Tensor) -> Result<Tensor> {
    y.apply_op2(target, MeanSquaredError)
}
