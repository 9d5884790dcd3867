//! The arithmetic that frozen emulators run on: `no_std`, no allocation, no panic, the same bits on every target.
//!
//! - [`fma`] is the one place where a multiply-add is chosen, and with it the order of rounding;
//! - [`elementary`] has the activations' and transforms' functions, with their stated errors;
//! - [`kernels`] has one function an operation.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![cfg_attr(feature = "core-float-math", feature(core_float_math))]

pub mod elementary;
pub mod fma;
pub mod kernels;
