//! Elementwise operations, in place.

use crate::dispatch::vectorised;
use crate::elementary;
use crate::fma::{Arithmetic, Native};

/// The activation of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// [`elementary::relu`]
    Relu,
    /// [`elementary::silu`]
    Silu,
    /// [`elementary::tanh`]
    Tanh,
    /// [`elementary::sin`]
    Sine,
}

/// The inverse of a transform of the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transform {
    /// [`elementary::exp`]
    Exp,
    /// [`elementary::sinh`]
    Sinh,
}

vectorised! {
    /// Applies an activation.
    ///
    /// Not inlined: a network applies one at each node, and inlined among other code its constants
    /// would not stay in registers.
    #[inline(never)]
    pub fn activation(function: Activation, y: &mut [f32]) {
        match function {
            Activation::Relu => each(y, elementary::relu),
            Activation::Silu => each(y, elementary::silu::<Native>),
            Activation::Tanh => each(y, elementary::tanh::<Native>),
            Activation::Sine => each(y, elementary::sin::<Native>),
        }
    }
}

vectorised! {
    /// Applies the inverse of an output transform.
    #[inline]
    pub fn transform(function: Transform, y: &mut [f32]) {
        match function {
            Transform::Exp => each(y, elementary::exp::<Native>),
            Transform::Sinh => each(y, elementary::sinh::<Native>),
        }
    }
}

vectorised! {
    /// Takes the logarithm of the inputs selected by `mask`; values below [`f32::MIN_POSITIVE`] are
    /// raised to it first.
    ///
    /// *Shapes*: `mask` and `y: [inputs]`. Both forms are computed for every input, so that the
    /// work does not depend on the mask.
    #[inline]
    pub fn logarithm(mask: &[bool], y: &mut [f32]) {
        for (y, &logarithmic) in y.iter_mut().zip(mask) {
            let positive = if *y >= f32::MIN_POSITIVE {
                *y
            } else {
                f32::MIN_POSITIVE
            };
            let logarithm = elementary::ln::<Native>(positive);
            *y = if logarithmic { logarithm } else { *y };
        }
    }
}

/// Writes `(y - centre) * scale`: the network's inputs. Two roundings.
///
/// *Shapes*: all three `[inputs]`.
#[inline]
pub fn standardise(centre: &[f32], scale: &[f32], y: &mut [f32]) {
    for ((y, &centre), &scale) in y.iter_mut().zip(centre).zip(scale) {
        *y = (*y - centre) * scale;
    }
}

vectorised! {
    /// Writes `y * scale + offset`: the outputs in physical units. One rounding where fused.
    ///
    /// *Shapes*: all three `[outputs]`.
    #[inline]
    pub fn rescale(scale: &[f32], offset: &[f32], y: &mut [f32]) {
        for ((y, &scale), &offset) in y.iter_mut().zip(scale).zip(offset) {
            *y = Native::fma(*y, scale, offset);
        }
    }
}

/// Clamps values to bounds: `min(max(y, low), high)`, exact. NaN and the sign of a zero are kept.
///
/// *Shapes*: all three `[values]`. Every value is compared with both bounds, whichever holds.
#[inline]
pub fn clip(low: &[f32], high: &[f32], y: &mut [f32]) {
    for ((y, &low), &high) in y.iter_mut().zip(low).zip(high) {
        let raised = if *y < low { low } else { *y };
        *y = if raised > high { high } else { raised };
    }
}

#[inline(always)]
fn each(y: &mut [f32], function: impl Fn(f32) -> f32) {
    for y in y {
        *y = function(*y);
    }
}
