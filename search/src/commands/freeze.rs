//! `dense-search freeze`: a run's emulator as a crate that builds anywhere.

use crate::commands::search::{emulator_file, pareto_file};
use dense_codegen::file;
use dense_codegen::rust::{FreezeOptions, FrozenCrate, freeze};
use std::path::Path;

/// Writes the frozen crate into the folder `out`, whose name it takes: of the run's emulator, or of a row of its Pareto table.
///
/// # Errors
/// The run is none or has no such row, or the folder holds something else.
pub fn run(run: &Path, row: Option<usize>, out: &Path) -> anyhow::Result<FrozenCrate> {
    let emulator = file::load(&match row {
        None => emulator_file(run),
        Some(row) => pareto_file(run, row)?,
    })?;
    let name = out
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("emulator");
    let crate_name = name
        .to_lowercase()
        .replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    Ok(freeze(&emulator, out, &FreezeOptions { crate_name })?)
}
