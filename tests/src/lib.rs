//! What the tests of the whole path share.
//!
//! - [`tolerance`] is the one table of how far the inexact ones may be apart,
//! - [`skip`] is how a test says that its tool is missing.

use std::path::{Path, PathBuf};

pub mod skip;
pub mod tolerance;

/// The folder of the whole repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the repository")
        .to_owned()
}
