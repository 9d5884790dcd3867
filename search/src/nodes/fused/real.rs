//! The two floating-point types of the kernels: `f32` trains, `f64` checks gradients.

use crate::space::Function;
use candle_core::WithDType;
use dense_runtime::elementary;
use dense_runtime::fma::Fused;
use std::cell::RefCell;
use std::ops::{Add, AddAssign, Mul};

/// Maximum number of buffers that a thread keeps for reuse.
const KEPT: usize = 64;

/// A floating-point type with kernels.
pub(super) trait Real:
    WithDType + Default + AddAssign + Add<Output = Self> + Mul<Output = Self>
{
    /// Applies the activation to each pre-activation in place.
    fn activate(function: Function, values: &mut [Self]);

    /// Applies the activation to each pre-activation in place and writes its slopes to `slopes`.
    ///
    /// *Shapes*: both slices have the same length.
    fn activate_with_slope(function: Function, values: &mut [Self], slopes: &mut [Self]);

    /// Gives `visit` access to the buffers that this thread keeps.
    fn with_buffers<R>(visit: impl FnOnce(&mut Vec<Vec<Self>>) -> R) -> R;
}

/// A buffer that returns to its thread when dropped, so that later steps allocate nothing new.
#[derive(Debug)]
pub(super) struct Buffer<T: Real>(Vec<T>);

impl<T: Real> Buffer<T> {
    /// Returns a buffer of this length with unspecified contents.
    pub(super) fn stale(length: usize) -> Self {
        let mut found = T::with_buffers(|kept| {
            let fitting = kept.iter().enumerate();
            let fitting = fitting.filter(|(_, buffer)| buffer.capacity() >= length);
            let smallest = fitting.min_by_key(|(_, buffer)| buffer.capacity());
            let place = smallest.map(|(place, _)| place);
            place.map(|place| kept.swap_remove(place))
        })
        .unwrap_or_default();
        found.resize(length, T::default());
        Self(found)
    }

    /// Returns a buffer of zeros.
    pub(super) fn zeros(length: usize) -> Self {
        let mut buffer = Self::stale(length);
        buffer.fill(T::default());
        buffer
    }
}

impl<T: Real> std::ops::Deref for Buffer<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T: Real> std::ops::DerefMut for Buffer<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T: Real> Drop for Buffer<T> {
    fn drop(&mut self) {
        let buffer = std::mem::take(&mut self.0);
        T::with_buffers(|kept| {
            if kept.len() < KEPT {
                kept.push(buffer);
            }
        });
    }
}

// Plain loops: a closure called by an iterator is compiled without the vector instructions that
// `dispatch` selected.
impl Real for f32 {
    fn activate(function: Function, values: &mut [Self]) {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || match function {
                Function::Relu => {
                    for v in values {
                        *v = v.max(0.0);
                    }
                }
                Function::Silu => {
                    for v in values {
                        *v *= elementary::sigmoid::<Fused>(*v);
                    }
                }
                Function::Tanh => {
                    for v in values {
                        *v = elementary::tanh::<Fused>(*v);
                    }
                }
                Function::Sine => {
                    for v in values {
                        *v = elementary::sin::<Fused>(*v);
                    }
                }
            },
        );
    }

    fn activate_with_slope(function: Function, values: &mut [Self], slopes: &mut [Self]) {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let both = values.iter_mut().zip(slopes);
                match function {
                    Function::Relu => {
                        for (v, slope) in both {
                            *slope = if *v > 0.0 { 1.0 } else { 0.0 };
                            *v *= *slope;
                        }
                    }
                    Function::Silu => {
                        for (v, slope) in both {
                            let s = elementary::sigmoid::<Fused>(*v);
                            *slope = s * (1.0 + *v * (1.0 - s));
                            *v *= s;
                        }
                    }
                    Function::Tanh => {
                        for (v, slope) in both {
                            *v = elementary::tanh::<Fused>(*v);
                            *slope = 1.0 - *v * *v;
                        }
                    }
                    Function::Sine => {
                        for (v, slope) in both {
                            *slope = elementary::cos::<Fused>(*v);
                            *v = elementary::sin::<Fused>(*v);
                        }
                    }
                }
            },
        );
    }

    fn with_buffers<R>(visit: impl FnOnce(&mut Vec<Vec<Self>>) -> R) -> R {
        thread_local!(static BUFFERS: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) });
        BUFFERS.with_borrow_mut(visit)
    }
}

impl Real for f64 {
    fn activate(function: Function, values: &mut [Self]) {
        for v in values {
            *v = match function {
                Function::Relu => v.max(0.0),
                Function::Silu => *v / (1.0 + (-*v).exp()),
                Function::Tanh => v.tanh(),
                Function::Sine => v.sin(),
            };
        }
    }

    fn activate_with_slope(function: Function, values: &mut [Self], slopes: &mut [Self]) {
        for (v, slope) in values.iter().zip(slopes.iter_mut()) {
            let s = 1.0 / (1.0 + (-v).exp());
            *slope = match function {
                Function::Relu => f64::from(u8::from(*v > 0.0)),
                Function::Silu => s * (1.0 + v * (1.0 - s)),
                Function::Tanh => 1.0 - v.tanh().powi(2),
                Function::Sine => v.cos(),
            };
        }
        Self::activate(function, values);
    }

    fn with_buffers<R>(visit: impl FnOnce(&mut Vec<Vec<Self>>) -> R) -> R {
        thread_local!(static BUFFERS: RefCell<Vec<Vec<f64>>> = const { RefCell::new(Vec::new()) });
        BUFFERS.with_borrow_mut(visit)
    }
}
