//! The arithmetic of frozen emulators: `no_std`, no allocation, no panic, and the same bits on
//! every target.
//!
//! The modules, in the order in which a call passes through them:
//!
//! - `domain` checks the inputs against the trained box and reports problems in a [`status`];
//!   `local` estimates how large the errors are at the inputs, and whether a training point is
//!   near, for emulators that need it;
//! - `kernels` has one function for each operation of the network,
//! - `ensemble` computes the members' mean and calibrated standard deviation;
//! - [`predict`] is the trait that a frozen emulator implements;
//!
//! The modules that these build on:
//!
//! - [`fma`] is the one place where the multiply-add, and with it the order of rounding, is chosen;
//! - `index` computes array indices without overflow checks;
//! - `simd` has the vector types of the inner tiles, and `dispatch` chooses those that the
//!   processor supports;
//! - [`elementary`] has the functions of activations and transforms, with error bounds;
//! - [`image`] turns bytes into an emulator's constants, after checking their checksum and
//!   structure;
//! - [`self_test`] has the checksum of an emulator's constants.
//!
//! `domain`, `ensemble`, `kernels` and `local` are called by generated code alone and are not
//! documented here.
//!
//! With the feature `sources`, `SOURCES` holds the source text of this crate, for frozen crates
//! that carry it, and `LICENCES` the texts of its licences.
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
