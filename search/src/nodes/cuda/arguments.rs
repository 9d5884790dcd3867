//! The argument structures of the kernels, field by field as in `search/cuda/nodes.cu`.

use crate::gpu::{Address, Argument};
use candle_core::cuda::cudarc::driver::DeviceRepr;

/// `struct Product` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Product {
    pub(super) x: Address,
    pub(super) weight: Address,
    pub(super) bias: Address,
    pub(super) identity: Address,
    pub(super) y: Address,
    pub(super) slope: Address,
    pub(super) table: Address,
    pub(super) sources: Address,
    pub(super) list: Address,
    pub(super) phases: i32,
    pub(super) batch: i32,
    pub(super) input: i32,
    pub(super) output: i32,
    pub(super) inputs: i32,
    pub(super) outputs: i32,
    pub(super) identity_positions: i32,
    pub(super) reversed: i32,
    pub(super) identity_mode: i32,
    pub(super) activation: i32,
}

/// `struct Weights` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Weights {
    pub(super) x: Address,
    pub(super) g: Address,
    pub(super) parts: Address,
    pub(super) sources: Address,
    pub(super) places: Address,
    pub(super) batch: i32,
    pub(super) rows: i32,
    pub(super) taps: i32,
    pub(super) input: i32,
    pub(super) output: i32,
    pub(super) inputs: i32,
    pub(super) outputs: i32,
    pub(super) splits: i32,
}

/// `struct Inside` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Inside {
    pub(super) dy: Address,
    pub(super) slope: Address,
    pub(super) g: Address,
    pub(super) parts: Address,
    pub(super) biased: Address,
    pub(super) rows: i32,
    pub(super) positions: i32,
    pub(super) outputs: i32,
}

/// `struct Parts` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Parts {
    pub(super) weight_parts: Address,
    pub(super) weight: Address,
    pub(super) bias_parts: Address,
    pub(super) bias: Address,
    pub(super) weights: i32,
    pub(super) weight_splits: i32,
    pub(super) biases: i32,
    pub(super) bias_splits: i32,
}

/// `struct Resized` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct Resized {
    pub(super) dr: Address,
    pub(super) g: Address,
    pub(super) dx: Address,
    pub(super) starts: Address,
    pub(super) list: Address,
    pub(super) batch: i32,
    pub(super) input: i32,
    pub(super) output: i32,
    pub(super) channels: i32,
}

/// `struct Error` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub(super) struct ErrorOf {
    pub(super) y: Address,
    pub(super) target: Address,
    pub(super) gradient: Address,
    pub(super) result: Address,
    pub(super) count: i32,
}

/// Declares argument structures of kernels.
macro_rules! arguments {
    ($($name:ty),*) => {$(
        #[expect(unsafe_code, reason = "the layout is a promise to the kernels")]
        // SAFETY: plain integers, floats and addresses in C's layout.
        unsafe impl DeviceRepr for $name {}
        #[expect(unsafe_code, reason = "the layout is a promise to the kernels")]
        // SAFETY: field by field as in nodes.cu.
        unsafe impl Argument for $name {}
    )*};
}
arguments!(Product, Weights, Inside, Parts, Resized, ErrorOf);
