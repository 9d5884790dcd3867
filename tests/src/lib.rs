//! What the tests of the whole path share.
//!
//! - [`random_graph`] draws emulators that together use every operation, [`rows`] their inputs, and [`cases`] keeps both
//!   with what the interpreter makes of them,
//! - [`retrained`] gives an emulator of the same structure with other numbers,
//! - [`networks`] has the ones that speed is measured on,
//! - [`onnx`] runs exported models in other engines,
//! - [`c`] writes C programs around them, and [`emx`] has a peer write them,
//! - [`modules`] writes their frozen code into a crate, [`program`] with a program around it,
//! - [`tolerance`] is the one table of how far the inexact ones may be apart,
//! - [`tier`] says which tests run, and [`skip`] that a tool is missing.

use std::path::{Path, PathBuf};

pub mod c;
pub mod cases;
pub mod emx;
pub mod modules;
pub mod networks;
pub mod onnx;
pub mod program;
pub mod random_graph;
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
