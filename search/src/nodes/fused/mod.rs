//! Fused operations for candle on the CPU: each is a whole node of the super-network, with its
//! gradient.
//!
//! A node is an operation, a bias, the identity beside them and an activation. With candle's own
//! operations, each of these takes a pass over memory, and the gradients take more. Here they are
//! one custom operation:
//!
//! - [`Plan`] turns convolutions and transposed convolutions, 1-D and 2-D, into matrix products
//!   without copying windows or multiplying by stuffed zeros;
//! - `correlate` and `dense` are the operations, [`Epilogue`] is applied in the same pass, and
//!   `gated` is the product of two of them;
//! - `matmul` and `real` provide products of views, activations and reused buffers, in `f32` and
//!   `f64`.
//!
//! Channels are the last dimension. The bits do not depend on the number of threads. Tensors must
//! be contiguous and on the CPU; [`composite`](super::composite) builds the same nodes from
//! candle's operations, for every device.

mod band;
mod correlate;
mod dense;
mod gated;
mod loss;
mod matmul;
mod real;
mod shared;

use super::{Epilogue, Pass, Plan};
use candle_core::{DType, Result, Tensor};
use std::marker::PhantomData;
use std::sync::Arc;

/// Returns the node of a dense layer, as [`Form::dense`](super::Form::dense).
///
/// # Errors
/// The shapes do not match, or a tensor is not a contiguous CPU tensor of `F32` or `F64`.
pub fn dense(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    epilogue: Epilogue,
    pass: Pass,
) -> Result<Tensor> {
    match (x.dtype(), bias) {
        (DType::F32, Some(bias)) => {
            x.apply_op3(weight, bias, dense::Dense::<f32>::new(epilogue, pass))
        }
        (DType::F32, None) => x.apply_op2(weight, dense::Dense::<f32>::new(epilogue, pass)),
        (DType::F64, Some(bias)) => {
            x.apply_op3(weight, bias, dense::Dense::<f64>::new(epilogue, pass))
        }
        (DType::F64, None) => x.apply_op2(weight, dense::Dense::<f64>::new(epilogue, pass)),
        (other, _) => candle_core::bail!("fused operations compute in F32 or F64, got {other:?}"),
    }
}

/// Returns the node of a convolution or transposed convolution, as
/// [`Form::correlate`](super::Form::correlate).
///
/// # Errors
/// As [`dense`].
pub fn correlate(
    plan: &Arc<Plan>,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    epilogue: Epilogue,
    pass: Pass,
) -> Result<Tensor> {
    match x.dtype() {
        DType::F32 => x.apply_op3(
            weight,
            bias,
            correlate::Correlate::<f32>::new(plan, epilogue, pass),
        ),
        DType::F64 => x.apply_op3(
            weight,
            bias,
            correlate::Correlate::<f64>::new(plan, epilogue, pass),
        ),
        other => candle_core::bail!("fused operations compute in F32 or F64, got {other:?}"),
    }
}

/// Returns the node that consists of the resized identity, as
/// [`Form::identity`](super::Form::identity).
///
/// # Errors
/// As [`dense`].
pub fn identity(plan: &Arc<Plan>, x: &Tensor, epilogue: Epilogue, pass: Pass) -> Result<Tensor> {
    match x.dtype() {
        DType::F32 => x.apply_op1(correlate::Correlate::<f32>::new(plan, epilogue, pass)),
        DType::F64 => x.apply_op1(correlate::Correlate::<f64>::new(plan, epilogue, pass)),
        other => candle_core::bail!("fused operations compute in F32 or F64, got {other:?}"),
    }
}

/// Returns the product of a gated layer, as [`Form::gated`](super::Form::gated).
///
/// # Errors
/// As [`dense`].
pub fn gated(gate: &Tensor, value: &Tensor, identity: Option<&Tensor>) -> Result<Tensor> {
    match (gate.dtype(), identity) {
        (DType::F32, None) => gate.apply_op2(value, gated::Gated::<f32>(PhantomData)),
        (DType::F64, None) => gate.apply_op2(value, gated::Gated::<f64>(PhantomData)),
        (DType::F32, Some(identity)) => {
            gate.apply_op3(value, identity, gated::Gated::<f32>(PhantomData))
        }
        (DType::F64, Some(identity)) => {
            gate.apply_op3(value, identity, gated::Gated::<f64>(PhantomData))
        }
        (other, _) => candle_core::bail!("fused operations compute in F32 or F64, got {other:?}"),
    }
}

/// Returns the mean squared error, as
/// [`Form::mean_squared_error`](super::Form::mean_squared_error).
///
/// # Errors
/// As [`dense`].
pub fn mean_squared_error(y: &Tensor, target: &Tensor) -> Result<Tensor> {
    match y.dtype() {
        DType::F32 => y.apply_op2(target, loss::MeanSquaredError::<f32>(PhantomData)),
        DType::F64 => y.apply_op2(target, loss::MeanSquaredError::<f64>(PhantomData)),
        other => candle_core::bail!("fused operations compute in F32 or F64, got {other:?}"),
    }
}
