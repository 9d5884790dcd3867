//! The nodes of a super-network, with their gradients: an operation, a bias, the identity beside
//! them and an activation.
//!
//! [`Plan`] describes a convolution, transposed convolution or resize between two grids, and
//! [`Epilogue`] the rest of the node. [`fused`] evaluates a node in one pass on the CPU, `cuda`
//! (with that feature) by kernels on a GPU, and [`composite`] by candle's operations on any device.
//! They agree up to rounding; the functions here use the form of the tensors' device.
//!
//! Channels are the last dimension.

pub mod composite;
#[cfg(feature = "cuda")]
pub mod cuda;
mod epilogue;
pub mod fused;
mod pass;
mod plan;
#[cfg(test)]
mod tests;

pub use epilogue::Epilogue;
pub use pass::Pass;
pub use plan::{Grid, Plan};
pub(crate) use plan::{Kind, Phase};

use candle_core::backprop::GradStore;
use candle_core::{Device, Result, Tensor};
use std::sync::Arc;

/// The implementation that evaluates the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// [`fused`], for the CPU.
    Fused,
    /// `cuda`, for a GPU in `F32`.
    #[cfg(feature = "cuda")]
    Cuda,
    /// [`composite`], for every device.
    Composite,
}

impl Form {
    /// Returns the fastest form for a device.
    #[must_use]
    pub fn of(device: &Device) -> Self {
        match device {
            Device::Cpu => Self::Fused,
            #[cfg(feature = "cuda")]
            Device::Cuda(_) => Self::Cuda,
            _ => Self::Composite,
        }
    }

    /// Returns the node of a dense layer.
    ///
    /// # Shapes
    /// `x`: (batch, inputs); `weight`: (inputs, outputs); `bias`: (outputs), zero if absent;
    /// result: (batch, outputs).
    ///
    /// # Errors
    /// The shapes do not match, or the form does not support the device or type of the tensors.
    pub fn dense(
        self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        epilogue: Epilogue,
        pass: Pass,
    ) -> Result<Tensor> {
        match self {
            Self::Fused => fused::dense(x, weight, bias, epilogue, pass),
            #[cfg(feature = "cuda")]
            Self::Cuda => cuda::dense(x, weight, bias, epilogue, pass),
            Self::Composite => composite::dense(x, weight, bias, epilogue),
        }
    }

    /// Returns the node of a convolution or transposed convolution.
    ///
    /// # Shapes
    /// `x`: (batch, positions, inputs) or (batch, height, width, inputs); `weight`: (taps...,
    /// inputs, outputs); `bias`: (outputs); result: as `x`, with the plan's positions and `outputs`
    /// channels.
    ///
    /// # Errors
    /// As [`Form::dense`].
    pub fn correlate(
        self,
        plan: &Arc<Plan>,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        epilogue: Epilogue,
        pass: Pass,
    ) -> Result<Tensor> {
        match self {
            Self::Fused => fused::correlate(plan, x, weight, bias, epilogue, pass),
            #[cfg(feature = "cuda")]
            Self::Cuda => cuda::correlate(plan, x, weight, bias, epilogue, pass),
            Self::Composite => composite::correlate(plan, x, weight, bias, epilogue),
        }
    }

    /// Returns the node that consists of the resized identity.
    ///
    /// # Shapes
    /// As [`Form::correlate`], with the channels of `x`; or (batch, values) between grids of one
    /// position.
    ///
    /// # Errors
    /// As [`Form::dense`].
    pub fn identity(
        self,
        plan: &Arc<Plan>,
        x: &Tensor,
        epilogue: Epilogue,
        pass: Pass,
    ) -> Result<Tensor> {
        if plan.keeps_size() && epilogue.activation.is_none() {
            return Ok(x.clone());
        }
        match self {
            Self::Fused => fused::identity(plan, x, epilogue, pass),
            #[cfg(feature = "cuda")]
            Self::Cuda => cuda::identity(plan, x, epilogue, pass),
            Self::Composite => composite::identity(plan, x, epilogue),
        }
    }

    /// Returns the product of a gate and a value, plus the identity if there is one: the end of a
    /// gated layer.
    ///
    /// # Shapes
    /// All tensors have the same shape.
    ///
    /// # Errors
    /// As [`Form::dense`].
    pub fn gated(self, gate: &Tensor, value: &Tensor, identity: Option<&Tensor>) -> Result<Tensor> {
        match self {
            Self::Fused => fused::gated(gate, value, identity),
            _ => composite::gated(gate, value, identity),
        }
    }

    /// Returns the gradients of a loss.
    ///
    /// # Errors
    /// The device fails.
    pub fn backward(self, loss: &Tensor) -> Result<GradStore> {
        match self {
            #[cfg(feature = "cuda")]
            Self::Cuda => cuda::backward(loss),
            _ => loss.backward(),
        }
    }

    /// Returns the mean squared error of outputs; the targets are treated as constants.
    ///
    /// # Shapes
    /// `y`, `target`: equal; result: a scalar.
    ///
    /// # Errors
    /// As [`Form::dense`].
    pub fn mean_squared_error(self, y: &Tensor, target: &Tensor) -> Result<Tensor> {
        match self {
            Self::Fused => fused::mean_squared_error(y, target),
            #[cfg(feature = "cuda")]
            Self::Cuda => cuda::mean_squared_error(y, target),
            Self::Composite => (y - target)?.sqr()?.mean_all(),
        }
    }
}
