//! The mean squared error and its gradient, with one kernel each.

use super::arguments::ErrorOf;
use super::node::not_on_the_cpu;
use crate::gpu::{Kernel, NULL, gpu_of, gpu_of_storage};
use candle_core::{CpuStorage, CudaStorage, CustomOp2, Layout, Result, Shape, Tensor};

/// The mean squared error between outputs and constant targets.
pub(super) struct MeanSquaredError;

impl CustomOp2 for MeanSquaredError {
    fn name(&self) -> &'static str {
        "mean squared error on a GPU"
    }

    fn cpu_fwd(
        &self,
        _: &CpuStorage,
        _: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        not_on_the_cpu()
    }

    fn cuda_fwd(
        &self,
        y: &CudaStorage,
        y_layout: &Layout,
        target: &CudaStorage,
        target_layout: &Layout,
    ) -> Result<(CudaStorage, Shape)> {
        if y_layout.shape() != target_layout.shape() {
            candle_core::bail!(
                "outputs of {:?}, targets of {:?}",
                y_layout.dims(),
                target_layout.dims()
            );
        }
        let gpu = gpu_of_storage(y)?;
        let loss = gpu.stale(1)?;
        let argument = ErrorOf {
            y: gpu.address_of(y, y_layout)?,
            target: gpu.address_of(target, target_layout)?,
            gradient: NULL,
            result: gpu.address(&loss),
            count: y_layout.shape().elem_count() as i32,
        };
        gpu.launch(Kernel::MeanSquaredError, [1, 1, 1], &argument)?;
        Ok((gpu.storage(loss), Shape::from(())))
    }

    fn bwd(
        &self,
        y: &Tensor,
        target: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gpu = gpu_of(y)?;
        let dy = gpu.stale(y.elem_count())?;
        let argument = ErrorOf {
            y: gpu.address_in(y)?,
            target: gpu.address_in(target)?,
            gradient: gpu.address_in(gradient)?,
            result: gpu.address(&dy),
            count: y.elem_count() as i32,
        };
        let blocks = [y.elem_count().div_ceil(256), 1, 1];
        gpu.launch(Kernel::ErrorGradient, blocks, &argument)?;
        Ok((Some(gpu.tensor(dy, y.shape())), None))
    }
}
