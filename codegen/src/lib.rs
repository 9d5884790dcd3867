//! Emulators: what they are, what they mean, where they are kept and how they become code.
//!
//! In the order in which data pass:
//! - `operation`: the list of operations, and a folder for each: its meaning, and its form in every language.
//! - [`graph`]: operations on one sample, always well-shaped.
//! - [`emulator`]: a graph with ensemble members, calibration, trained box, outputs and provenance.
//! - [`domain`]: the guard that says when an input lies outside the trained box.
//! - [`local`]: what depends on where an input lies: the scale of errors, and nearness to the training points.
//! - [`interpreter`]: its meaning, in f64 and in the two deployed orders of f32.
//! - [`derivative`]: the Jacobian of its mean.
//! - [`plan`]: when its nodes are evaluated and where their values live.
//! - [`pack`]: how its weights are stored for the runtime's kernels.
//! - `image`: its numbers as one block of memory, which frozen code reads and can take from a file.
//! - [`executor`]: the emulator on this machine, for many rows, with the bits of the frozen code.
//! - [`resources`]: what it costs on a microcontroller.
//! - [`rust`]: freezing, the emulator as a crate.
//! - [`c`]: the same as one C99 file, and as a static library.
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

/// The example of the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
