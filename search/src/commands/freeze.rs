//! `dense-search freeze`: a run's emulator as a crate that builds anywhere, or as C.

use crate::commands::search::{emulator_file, pareto_file};
use dense_codegen::c::{self, Prefix};
use dense_codegen::emulator::Emulator;
use dense_codegen::file;
use dense_codegen::rust::{FreezeOptions, FrozenCrate, freeze};
use serde_json::{Value, json};
use std::path::Path;

/// Writes the frozen crate into the folder `out`, whose name it takes: of the run's emulator, or of a row of its Pareto table.
///
/// # Errors
/// The run is none or has no such row, or the folder holds something else.
pub fn run(run: &Path, row: Option<usize>, out: &Path) -> anyhow::Result<FrozenCrate> {
    let emulator = load(run, row)?;
    let name = out
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("emulator");
    let crate_name = name
        .to_lowercase()
        .replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    Ok(freeze(&emulator, out, &FreezeOptions { crate_name })?)
}

/// Writes the emulator as C into the folder `out`, which also names it where no prefix is given; returns its figures.
///
/// # Errors
/// The run is none or has no such row, or the folder holds something else.
pub fn run_c(
    run: &Path,
    row: Option<usize>,
    out: &Path,
    prefix: Option<Prefix>,
) -> anyhow::Result<Value> {
    let emulator = load(run, row)?;
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let prefix = prefix.unwrap_or_else(|| Prefix::from_name(&name));
    let frozen = c::freeze(&emulator, out, &prefix)?;
    Ok(json!({
        "folder": frozen.path,
        "prefix": prefix.as_str(),
        "macs": frozen.macs,
        "flash_bytes": frozen.flash_bytes,
        "ram_bytes": frozen.ram_bytes,
        "members": frozen.members,
    }))
}

/// The run's emulator, or that of a row of its Pareto table.
fn load(run: &Path, row: Option<usize>) -> anyhow::Result<Emulator> {
    Ok(file::load(&match row {
        None => emulator_file(run),
        Some(row) => pareto_file(run, row)?,
    })?)
}
