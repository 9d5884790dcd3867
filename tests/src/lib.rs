//! Shared code of the tests of the whole path.
//!
//! - [`random_graph`] draws emulators that together use every operation, [`rows`] their inputs, and
//!   [`cases`] keeps both with the interpreter's results,
//! - [`retrained`] returns an emulator of the same structure with other constants,
//! - [`networks`] has the networks of the benchmarks,
//! - [`onnx`] runs exported models in other engines,
//! - [`c`] writes C programs around emulators, and [`emx`] has a peer write them,
//! - [`modules`] writes their frozen code into a crate, [`program`] adds a program around it,
//! - [`record`] keeps the finished cells of a benchmark that is made in parts,
//! - [`tolerance`] is the one table of tolerances for inexact comparisons,
//! - [`tier`] chooses the tests that run, and [`skip`] reports a missing tool.

use std::path::{Path, PathBuf};

pub mod c;
pub mod cases;
pub mod emx;
pub mod modules;
pub mod networks;
pub mod onnx;
pub mod program;
pub mod random_graph;
pub mod record;
pub mod retrained;
pub mod rows;
pub mod skip;
pub mod tier;
pub mod tolerance;

/// The folder of the whole repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the repository")
        .to_owned()
}
