//! `dense-search freeze`: a run's emulator as a crate that builds anywhere, and what it costs on a microcontroller.

use crate::commands::search::emulator_file;
use anyhow::{Context, anyhow};
use dense_codegen::file;
use dense_codegen::resources::{Bench, Processor, Report};
use dense_codegen::rust::{FreezeOptions, FrozenCrate, freeze};
use std::fs;
use std::path::Path;

/// Writes the frozen crate into the folder `out`, whose name it takes.
///
/// # Errors
/// The run is none, or the folder holds something else.
pub fn run(run: &Path, out: &Path, section: Option<String>) -> anyhow::Result<FrozenCrate> {
    let emulator = file::load(&emulator_file(run))?;
    let name = out
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("emulator");
    let crate_name = name
        .to_lowercase()
        .replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let options = FreezeOptions {
        crate_name,
        section,
    };
    Ok(freeze(&emulator, out, &options)?)
}

/// Measures the emulator's costs on a processor, or predicts flash and RAM where a tool is missing, and writes them beside the frozen crate's sources as
/// `resources-PROCESSOR.json` and `.txt`.
///
/// # Errors
/// The program does not build, run or pass its self-test, or the report cannot be written.
pub fn resources(run: &Path, out: &Path, processor: Processor) -> anyhow::Result<Report> {
    let emulator = file::load(&emulator_file(run))?;
    let folder = tempfile::tempdir()?;
    let report = match Bench::new(processor, folder.path()) {
        Ok(bench) => Report::measure(&emulator, &bench).map_err(|problem| anyhow!(problem))?,
        Err(missing) => {
            eprintln!("dense-search: predicted, not measured; to measure, it needs {missing}");
            Report::predict(&emulator, processor)
        }
    };
    let mut json = serde_json::to_string_pretty(&report)?;
    json.push('\n');
    for (suffix, text) in [("json", json), ("txt", report.to_string())] {
        let path = out.join(format!("resources-{processor}.{suffix}"));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(report)
}
