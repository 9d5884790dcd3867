//! Single precision in the deployed order: uses the runtime's fused multiply-add and elementary
//! functions, and no other part of it.

use super::Real;
use dense_runtime::{elementary, fma};
use std::marker::PhantomData;

/// A single-precision float whose multiply-adds are rounded as in `A`.
#[derive(Clone, Copy, Debug)]
pub struct Single<A>(pub f32, PhantomData<A>);

impl<A> PartialEq for Single<A> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<A> PartialOrd for Single<A> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        self.0.partial_cmp(&other.0)
    }
}

impl<A: fma::Arithmetic> Real for Single<A> {
    fn from_f32(x: f32) -> Self {
        Self(x, PhantomData)
    }
    fn to_f32(self) -> f32 {
        self.0
    }
    fn add(self, b: Self) -> Self {
        Self::from_f32(self.0 + b.0)
    }
    fn sub(self, b: Self) -> Self {
        Self::from_f32(self.0 - b.0)
    }
    fn mul(self, b: Self) -> Self {
        Self::from_f32(self.0 * b.0)
    }
    fn div(self, b: Self) -> Self {
        Self::from_f32(self.0 / b.0)
    }
    fn fma(self, b: Self, c: Self) -> Self {
        Self::from_f32(A::fma(self.0, b.0, c.0))
    }
    fn sqrt(self) -> Self {
        Self::from_f32(self.0.sqrt())
    }
    fn abs(self) -> Self {
        Self::from_f32(self.0.abs())
    }
    fn hypot(self, b: Self) -> Self {
        let larger = if b.0 > self.0 { b.0 } else { self.0 };
        let exponent = f64::from(larger).log2().floor().clamp(-126.0, 126.0);
        let power = 2.0_f32.powi(exponent as i32);
        let (first, second) = (self.0 / power, b.0 / power);
        Self::from_f32(power * A::fma(first, first, second * second).sqrt())
    }
    fn exp(self) -> Self {
        Self::from_f32(elementary::exp::<A>(self.0))
    }
    fn ln(self) -> Self {
        Self::from_f32(elementary::ln::<A>(self.0))
    }
    fn tanh(self) -> Self {
        Self::from_f32(elementary::tanh::<A>(self.0))
    }
    fn sinh(self) -> Self {
        Self::from_f32(elementary::sinh::<A>(self.0))
    }
    fn sin(self) -> Self {
        Self::from_f32(elementary::sin::<A>(self.0))
    }
    fn silu(self) -> Self {
        Self::from_f32(elementary::silu::<A>(self.0))
    }
    fn is_finite(self) -> bool {
        self.0.is_finite()
    }
    fn nan() -> Self {
        Self::from_f32(f32::from_bits(0x7FC0_0000))
    }
}
