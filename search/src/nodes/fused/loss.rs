//! The mean squared error as a custom operation: one pass forward, one backward.
//!
//! ```text
//! loss = sum (y - t)^2 / n,    d loss / d y = 2 (y - t) / n
//! ```
//!
//! The sum has a fixed order: eight partial sums over every eighth element, then the sum of these.

use super::real::Real;
use super::shared::{slice, tensor, with_values};
use candle_core::{CpuStorage, CustomOp2, Layout, Result, Shape, Tensor};
use std::marker::PhantomData;

/// The mean squared error between outputs and targets.
#[derive(Debug)]
pub(super) struct MeanSquaredError<T>(pub(super) PhantomData<T>);

/// Number of partial sums.
const LANES: usize = 8;

impl<T: Real> CustomOp2 for MeanSquaredError<T> {
    fn name(&self) -> &'static str {
        "fused mean squared error"
    }

    fn cpu_fwd(
        &self,
        y: &CpuStorage,
        y_layout: &Layout,
        target: &CpuStorage,
        target_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        if y_layout.shape() != target_layout.shape() {
            candle_core::bail!(
                "outputs of {:?}, targets of {:?}",
                y_layout.dims(),
                target_layout.dims()
            );
        }
        let (y, target) = (slice::<T>(y, y_layout)?, slice(target, target_layout)?);
        let mut lanes = [T::default(); LANES];
        for (y, target) in y.chunks(LANES).zip(target.chunks(LANES)) {
            for ((lane, &y), &target) in lanes.iter_mut().zip(y).zip(target) {
                *lane += (y - target) * (y - target);
            }
        }
        let sum = lanes.into_iter().fold(T::default(), |sum, lane| sum + lane);
        let mean = sum * T::from_f64(1.0 / y.len() as f64);
        Ok((T::to_cpu_storage_owned(vec![mean]), Shape::from(())))
    }

    #[expect(clippy::disallowed_methods, reason = "a number of the CPU's")]
    fn bwd(
        &self,
        y: &Tensor,
        target: &Tensor,
        _loss: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let scale = gradient.to_scalar::<T>()? * T::from_f64(2.0 / y.elem_count() as f64);
        let slopes = with_values(y, |values: &[T]| {
            with_values(target, |target| {
                let both = values.iter().zip(target);
                Ok(both
                    .map(|(&y, &target)| scale * (y - target))
                    .collect::<Vec<T>>())
            })
        })?;
        Ok((Some(tensor(slopes, y.shape())?), None))
    }
}
