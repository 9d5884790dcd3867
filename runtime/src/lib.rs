//! The arithmetic that frozen emulators run on: `no_std`, no allocation, no panic, the same bits on every target.
//!
//! In the order in which a call passes through them:
//!
//! - `domain` checks the inputs against the trained box and reports what it found in a [`status`]; `local` computes how
//!   large errors are there, and whether a training point is near, for the emulators that need it;
//! - `kernels` has one function for each operation of the network,
//! - `ensemble` computes the members' mean and calibrated standard deviation;
//! - [`predict`] is the trait that a frozen emulator implements;
//!
//! and below them:
//!
//! - [`fma`] is the one place where a multiply-add is chosen, and with it the order of rounding;
//! - `index` computes array indices without overflow checks;
//! - `simd` has the vectors that the inner tiles are written in, and `dispatch` takes those that the processor is found
//!   to have;
//! - [`elementary`] has the activations' and transforms' functions, with their stated errors;
//! - [`image`] turns bytes into an emulator's numbers, if they are whole and of its structure;
//! - [`self_test`] has the checksum by which a device knows its numbers.
//!
//! What generated code calls and nobody else is not documented here: `domain`, `ensemble`, `kernels` and `local`.
//!
//! Under the feature `sources`, `SOURCES` has this crate as text, for the frozen crates that carry it, and `LICENCES` the
//! texts of its licences.
#![cfg_attr(not(any(feature = "std", test)), no_std)]
#![cfg_attr(feature = "core-float-math", feature(core_float_math))]

mod dispatch;
#[doc(hidden)]
pub mod domain;
pub mod elementary;
#[doc(hidden)]
pub mod ensemble;
pub mod fma;
pub mod image;
mod index;
#[doc(hidden)]
pub mod kernels;
#[doc(hidden)]
pub mod local;
pub mod predict;
pub mod self_test;
mod simd;
#[cfg(feature = "sources")]
mod sources;
pub mod status;
#[cfg(feature = "sources")]
pub use sources::{LICENCES, SOURCES};
