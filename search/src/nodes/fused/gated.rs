//! The product of a gated layer as a custom operation: `node = gate * value`, plus the identity if
//! there is one.

use super::real::Real;
use super::shared::{add, slice, tensor, with_values};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use std::marker::PhantomData;

/// An element-wise product.
#[derive(Debug)]
pub(super) struct Gated<T>(pub(super) PhantomData<T>);

impl<T: Real> Gated<T> {
    fn product(left: &[T], right: &[T]) -> Vec<T> {
        let pairs = left.iter().zip(right);
        pairs.map(|(&left, &right)| left * right).collect()
    }

    /// Returns the gradients of the gate and of the value.
    fn gradients(gate: &Tensor, value: &Tensor, gradient: &Tensor) -> Result<[Option<Tensor>; 2]> {
        with_values(gradient, |gradient| {
            let by = |other: &Tensor| -> Result<_> {
                let slopes = with_values(other, |other| Ok(Self::product(gradient, other)))?;
                Ok(Some(tensor(slopes, other.shape())?))
            };
            Ok([by(value)?, by(gate)?])
        })
    }

    fn check(shapes: &[&Shape]) -> Result<()> {
        match shapes.windows(2).all(|pair| pair[0] == pair[1]) {
            true => Ok(()),
            false => candle_core::bail!("a gated node of unequal shapes: {shapes:?}"),
        }
    }
}

impl<T: Real> CustomOp2 for Gated<T> {
    fn name(&self) -> &'static str {
        "fused gate"
    }

    fn cpu_fwd(
        &self,
        gate: &CpuStorage,
        gate_layout: &Layout,
        value: &CpuStorage,
        value_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        Self::check(&[gate_layout.shape(), value_layout.shape()])?;
        let node = Self::product(slice(gate, gate_layout)?, slice(value, value_layout)?);
        Ok((T::to_cpu_storage_owned(node), gate_layout.shape().clone()))
    }

    fn bwd(
        &self,
        gate: &Tensor,
        value: &Tensor,
        _node: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let [gate, value] = Self::gradients(gate, value, gradient)?;
        Ok((gate, value))
    }
}

/// Product plus identity.
impl<T: Real> CustomOp3 for Gated<T> {
    fn name(&self) -> &'static str {
        "fused gate beside the identity"
    }

    fn cpu_fwd(
        &self,
        gate: &CpuStorage,
        gate_layout: &Layout,
        value: &CpuStorage,
        value_layout: &Layout,
        identity: &CpuStorage,
        identity_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let layouts = [gate_layout, value_layout, identity_layout];
        Self::check(&layouts.map(Layout::shape))?;
        let mut node = Self::product(slice(gate, gate_layout)?, slice(value, value_layout)?);
        add(&mut node, slice(identity, identity_layout)?);
        Ok((T::to_cpu_storage_owned(node), gate_layout.shape().clone()))
    }

    fn bwd(
        &self,
        gate: &Tensor,
        value: &Tensor,
        _identity: &Tensor,
        _node: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let [gate, value] = Self::gradients(gate, value, gradient)?;
        Ok((gate, value, Some(gradient.clone())))
    }
}
