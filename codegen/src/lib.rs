//! Emulators: their operations, their reference semantics, their file, and their compilation to
//! code.
//!
//! The modules, in the order in which data pass through them:
//! - `operation`: the list of operations, and a folder for each: its semantics, and its form in
//!   every language.
//! - [`graph`]: operations on one sample, always well-shaped.
//! - [`emulator`]: a graph with ensemble members, calibration, trained box, outputs and provenance.
//! - [`domain`]: the guard, which reports inputs outside the trained box.
//! - [`local`]: estimates that depend on the position of an input: the error scale, and whether a
//!   training point is near.
//! - [`interpreter`]: the reference semantics, in f64 and in the two deployed orders of f32.
//! - [`derivative`]: the Jacobian of the emulator's mean.
//! - [`plan`]: the order in which nodes are evaluated, and the buffers of their values.
//! - [`pack`]: the storage of weights for the runtime's kernels.
//! - `image`: all constants as one block of memory, which frozen code reads and can load from a
//!   file.
//! - [`executor`]: evaluation on this machine, for many rows, with the bits of the frozen code.
//! - [`resources`]: the cost on a microcontroller.
//! - [`rust`]: freezing to a Rust crate.
//! - [`c`]: freezing to one C99 file, and to a static library.
//! - [`onnx`]: the emulator's mean as a model for other engines.
//! - [`file`](mod@file): the emulator as one `.safetensors` file; [`aside`]: how files are written.

pub mod aside;
pub mod c;
pub mod derivative;
pub mod domain;
pub mod emulator;
mod error;
pub mod executor;
pub mod file;
pub mod graph;
mod image;
pub mod interpreter;
pub mod local;
pub mod onnx;
mod operation;
pub mod pack;
pub mod plan;
pub mod resources;
pub mod rust;
mod template;

pub use emulator::{Calibration, Emulator, EmulatorParts};
pub use error::{Error, Result};
pub use local::Local;

#[cfg(test)]
mod builds;
#[cfg(test)]
#[path = "../../tests/src/skip.rs"]
#[expect(
    unreachable_pub,
    reason = "it is a public module of the crate of tests"
)]
mod skip;
#[cfg(test)]
mod testing;

/// Tests the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
