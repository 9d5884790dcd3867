//! The nodes of a super-network: an operation, a bias, the identity beside them and an activation, with their gradients.
//!
//! [`Plan`] says what a convolution, transposed convolution or resize does between two grids, [`Epilogue`] what follows
//! in the node. [`fused`] evaluates a node in one pass on the CPU, `cuda` (with that feature) by kernels on a GPU,
//! [`composite`] by candle's operations on any device; they agree but for rounding, and the functions here take the one
//! that the device has.
//!
//! Channels come last throughout.

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

/// Which form of the nodes is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// [`fused`]: the CPU's.
    Fused,
    /// `cuda`: a GPU's, in `F32`.
    #[cfg(feature = "cuda")]
    Cuda,
    /// [`composite`]: every device's.
    Composite,
}

impl Form {
    /// Returns the faster form that a device has.
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
    /// `x`: (batch, inputs); `weight`: (inputs, outputs); `bias`: (outputs), zeros if left out; result: (batch, outputs).
    ///
    /// # Errors
    /// The shapes do not fit, or the form is not for the tensors' device or type.
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
    /// `x`: (batch, positions, inputs) or (batch, height, width, inputs); `weight`: (taps..., inputs, outputs); `bias`:
    /// (outputs); result: as `x`, with the plan's positions and `outputs` channels.
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

    /// Returns the node in which the resized identity stands alone.
    ///
    /// # Shapes
    /// As [`Form::correlate`], with the channels of `x`; or (batch, numbers) between grids of one position.
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

    /// Returns the end of a gated layer: the product of a gate and a value, and with the identity their sum.
    ///
    /// # Shapes
    /// All alike.
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

    /// Returns the mean squared error of outputs; the targets are constants.
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
