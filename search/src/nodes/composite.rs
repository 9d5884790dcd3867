//! Nodes from candle's own operations, for every device: a convolution is a matrix product of
//! windows laid out side by side.
//!
//! Only operations with complete gradients are used. In candle 0.9 `conv_transpose1d` has no
//! gradient, and the gradient of `upsample_nearest1d` overwrites the contribution of a second
//! consumer of its input.

use super::{Epilogue, Grid, Kind, Plan};
use crate::space::{Function, Identity, Placement};
use candle_core::{Result, Tensor};

/// Returns the node of a dense layer, as [`Form::dense`](super::Form::dense).
///
/// # Errors
/// If the shapes do not match.
pub fn dense(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    epilogue: Epilogue,
) -> Result<Tensor> {
    let product = x.matmul(weight)?;
    let operation = match bias {
        Some(bias) => product.broadcast_add(bias)?,
        None => product,
    };
    node(x, Some(operation), epilogue)
}

/// Returns the node of a convolution or transposed convolution, as
/// [`Form::correlate`](super::Form::correlate).
///
/// # Errors
/// If the shapes do not match.
pub fn correlate(
    plan: &Plan,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epilogue: Epilogue,
) -> Result<Tensor> {
    let (x4, weight) = (on_grid(x, plan.input)?, taps_first(weight)?);
    let resized = match (plan.kind, epilogue.identity) {
        (Kind::Transposed, Identity::Absent) => x4.clone(),
        _ => resize(&x4, plan.output)?,
    };
    let operation = match plan.kind {
        Kind::Transposed => transposed(plan, &x4, &weight, bias)?,
        _ => convolution(plan, &resized, &weight)?.broadcast_add(bias)?,
    };
    as_given(&node(&resized, Some(operation), epilogue)?, x)
}

/// Returns the node that consists of the resized identity, as
/// [`Form::identity`](super::Form::identity).
///
/// # Errors
/// If the shapes do not match.
pub fn identity(plan: &Plan, x: &Tensor, epilogue: Epilogue) -> Result<Tensor> {
    let resized = resize(&on_grid(x, plan.input)?, plan.output)?;
    as_given(&node(&resized, None, epilogue)?, x)
}

/// Returns the product of a gated layer, as [`Form::gated`](super::Form::gated).
///
/// # Errors
/// If the shapes do not match.
pub fn gated(gate: &Tensor, value: &Tensor, identity: Option<&Tensor>) -> Result<Tensor> {
    let product = (gate * value)?;
    match identity {
        None => Ok(product),
        Some(identity) => identity + product,
    }
}

/// Combines the result of an operation (`None`: zero) and the resized input into a node.
fn node(resized: &Tensor, operation: Option<Tensor>, epilogue: Epilogue) -> Result<Tensor> {
    let activate = |x: Tensor| match epilogue.activation {
        None => Ok(x),
        Some(Function::Relu) => x.relu(),
        Some(Function::Silu) => x.silu(),
        Some(Function::Tanh) => x.tanh(),
        Some(Function::Sine) => x.sin(),
    };
    match (epilogue.placement, epilogue.identity, operation) {
        (Placement::After, Identity::Beside, Some(operation)) => activate((resized + operation)?),
        (_, Identity::Absent, Some(operation)) => activate(operation),
        (Placement::OnBranch, Identity::Beside, Some(operation)) => resized + activate(operation)?,
        (Placement::OnBranch, _, None) => Ok(resized.clone()),
        (Placement::After, _, None) => activate(resized.clone()),
    }
}

/// Returns the values as (batch, height, width, channels).
fn on_grid(x: &Tensor, grid: Grid) -> Result<Tensor> {
    let channels = x.elem_count() / x.dim(0)? / grid.positions();
    x.reshape((x.dim(0)?, grid.height, grid.width, channels))
}

/// Reshapes a node on a grid to the number of dimensions of the node's input `x`.
fn as_given(node: &Tensor, x: &Tensor) -> Result<Tensor> {
    match x.rank() {
        2 => node.flatten_from(1),
        3 => node.flatten(1, 2),
        _ => Ok(node.clone()),
    }
}

/// Returns the weights as (taps, inputs, outputs).
fn taps_first(weight: &Tensor) -> Result<Tensor> {
    match weight.rank() {
        3 => Ok(weight.clone()),
        _ => weight.flatten(0, 1),
    }
}

/// Returns `sum over taps of padded[position + tap] weight[tap]` as one matrix product of windows.
fn convolution(plan: &Plan, x: &Tensor, weight: &Tensor) -> Result<Tensor> {
    let Grid { height, width } = plan.kernel;
    let padded = x
        .pad_with_zeros(1, height / 2, height / 2)?
        .pad_with_zeros(2, width / 2, width / 2)?;
    let (batch, lines, columns, _) = x.dims4()?;
    let (taps, inputs, outputs) = weight.dims3()?;
    let windows = (0..taps)
        .map(|tap| {
            padded
                .narrow(1, tap / width, lines)?
                .narrow(2, tap % width, columns)
        })
        .collect::<Result<Vec<_>>>()?;
    Tensor::cat(&windows, 3)?
        .reshape((batch * lines * columns, taps * inputs))?
        .matmul(&weight.reshape((taps * inputs, outputs))?)?
        .reshape((batch, lines, columns, outputs))
}

/// Returns the transposed convolution: inserts zeros between the inputs, then convolves with the
/// reversed taps.
///
/// Positions beyond the natural size `(n - 1) * stride + 1` (odd kernels, padded by half) are zero,
/// without the bias.
fn transposed(plan: &Plan, x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (_, lines, columns, _) = x.dims4()?;
    let lines = ((lines - 1) * plan.stride.height + 1, plan.output.height);
    let columns = ((columns - 1) * plan.stride.width + 1, plan.output.width);
    let stuffed = stuffed(&stuffed(x, 1, plan.stride.height)?, 2, plan.stride.width)?;
    let last = weight.dim(0)? as u32;
    let reversed: Vec<u32> = (0..last).rev().collect();
    let reversed = weight.index_select(&Tensor::new(reversed, weight.device())?, 0)?;
    let mut y = convolution(plan, &stuffed, &reversed)?.broadcast_add(bias)?;
    for (axis, (natural, wanted)) in [(1, lines), (2, columns)] {
        let computed = natural.min(wanted);
        y = y
            .narrow(axis, 0, computed)?
            .pad_with_zeros(axis, 0, wanted - computed)?;
    }
    Ok(y)
}

/// Returns the values with `stride - 1` zeros between neighbours along an axis.
fn stuffed(x: &Tensor, axis: usize, stride: usize) -> Result<Tensor> {
    let mut dims = x.dims().to_vec();
    let positions = dims[axis];
    dims[axis] = positions * stride;
    x.unsqueeze(axis + 1)?
        .pad_with_zeros(axis + 1, 0, stride - 1)?
        .reshape(dims)?
        .narrow(axis, 0, (positions - 1) * stride + 1)
}

/// Returns the values resized by nearest neighbour: `out[p] = in[floor(p * n / size)]` along both
/// axes.
fn resize(x: &Tensor, to: Grid) -> Result<Tensor> {
    let mut resized = x.clone();
    for (axis, size) in [(1, to.height), (2, to.width)] {
        let positions = x.dim(axis)?;
        if positions != size {
            let sources: Vec<u32> = (0..size).map(|p| (p * positions / size) as u32).collect();
            resized = resized.index_select(&Tensor::new(sources, x.device())?, axis)?;
        }
    }
    Ok(resized)
}
