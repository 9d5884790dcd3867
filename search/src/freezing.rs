//! Writes a run's emulator as a crate that builds anywhere or as C, and measures its costs on a
//! microcontroller.

use crate::data::write_whole;
use crate::error::{Error, Result};
use crate::events::{Event, Observer};
use crate::run_folder::emulator_of;
use crate::search::pareto_file;
use dense_codegen::c::{self, FrozenC, Prefix};
use dense_codegen::emulator::Emulator;
use dense_codegen::file;
use dense_codegen::resources::{Bench, Processor, Report};
use dense_codegen::rust::{FreezeOptions, FrozenCrate, Runtime, freeze};
use std::path::{Path, PathBuf};

/// Options of the frozen crate.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct RustChoices {
    /// The linker section of the constants.
    pub section: Option<String>,
    /// Whether the crate is a member of a Cargo workspace.
    pub member: bool,
    /// The source of the runtime. A relative folder is relative to the working directory.
    pub runtime: Runtime,
}

/// Writes the frozen crate into the folder `out`, which also gives the crate its name. The emulator
/// is the run's, or belongs to a row of its Pareto table.
///
/// # Errors
/// `run` is neither a run folder nor an emulator file, or has no such row; `out` contains other
/// files; or the runtime is not in its folder.
pub fn freeze_run(
    run: &Path,
    row: Option<usize>,
    out: &Path,
    choices: RustChoices,
    observer: &dyn Observer,
) -> Result<FrozenCrate> {
    let emulator = load(run, row)?;
    let name = out
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("emulator");
    let crate_name = name
        .to_lowercase()
        .replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let RustChoices {
        section,
        member,
        runtime,
    } = choices;
    let runtime = match runtime {
        Runtime::Path(folder) => Runtime::Path(std::path::absolute(folder)?),
        other => other,
    };
    let options = FreezeOptions {
        crate_name,
        section,
        member,
        runtime,
    };
    let frozen = freeze(&emulator, out, &options)?;
    if let Some(root) = enclosing_workspace(out).filter(|_| !member) {
        observer.note(format!(
            "{} is inside the Cargo workspace of {}; to use it there, list it under `workspace.exclude`, or freeze it with \
             --member and list it under `workspace.members`",
            out.display(),
            root.display()
        ));
    }
    Ok(frozen)
}

/// The workspace manifest that cargo would find above `out`; `None` if there is none or it excludes
/// `out`.
fn enclosing_workspace(out: &Path) -> Option<PathBuf> {
    let out = std::path::absolute(out).ok()?;
    let workspace = |folder: &Path| -> Option<toml::Value> {
        let text = std::fs::read_to_string(folder.join("Cargo.toml")).ok()?;
        let manifest = text.parse::<toml::Table>().ok()?;
        manifest.get("workspace").cloned()
    };
    let mut folders = out.ancestors().skip(1);
    let (folder, workspace) = folders.find_map(|folder| Some((folder, workspace(folder)?)))?;
    let excluded = workspace.get("exclude").and_then(toml::Value::as_array);
    let is_excluded = excluded.into_iter().flatten().any(|path| {
        let path = path.as_str().map(|path| folder.join(path));
        path.is_some_and(|path| out.starts_with(path))
    });
    (!is_excluded).then(|| folder.join("Cargo.toml"))
}

/// Measures the emulator's costs on a processor, or predicts flash and RAM if a tool is missing.
/// Writes them beside the frozen crate's sources as `resources-PROCESSOR.json` and `.txt`.
///
/// # Errors
/// The program does not build, run or pass its self-test, or the report cannot be written.
pub fn measure_resources(
    run: &Path,
    row: Option<usize>,
    out: &Path,
    processor: Processor,
    observer: &dyn Observer,
) -> Result<Report> {
    let emulator = load(run, row)?;
    let folder = tempfile::tempdir()?;
    let report = match Bench::new(processor, folder.path()) {
        Ok(bench) => Report::measure(&emulator, &bench).map_err(Error::Tool)?,
        Err(missing) => {
            observer.event(Event::Fallback(format!(
                "predicted, not measured; to measure, it needs {missing}"
            )));
            Report::predict(&emulator, processor)
        }
    };
    let mut json = serde_json::to_string_pretty(&report)?;
    json.push('\n');
    for (suffix, text) in [("json", json), ("txt", report.to_string())] {
        let path = out.join(format!("resources-{processor}.{suffix}"));
        write_whole(&path, text.as_bytes())?;
    }
    Ok(report)
}

/// Options of the C form.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CChoices {
    /// Prefix of all names; `None` uses the folder's name.
    pub prefix: Option<Prefix>,
    /// The processor for which the header states code and stack sizes.
    pub target: Option<Processor>,
    /// The linker section of the constants.
    pub section: Option<String>,
    /// The linker section of the functions.
    pub code_section: Option<String>,
}

/// Writes the emulator as C into the folder `out`. If no prefix is given, the folder's name is the
/// prefix. The observer is notified if the costs on the requested target cannot be measured.
///
/// # Errors
/// `run` is not a run folder or has no such row, a section name is invalid, or the folder holds
/// other files.
pub fn freeze_run_as_c(
    run: &Path,
    row: Option<usize>,
    out: &Path,
    choices: CChoices,
    observer: &dyn Observer,
) -> Result<FrozenC> {
    let emulator = load(run, row)?;
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let options = c::FreezeOptions {
        prefix: choices.prefix.unwrap_or_else(|| Prefix::from_name(&name)),
        section: choices.section,
        code_section: choices.code_section,
        processor: choices.target,
    };
    let frozen = c::freeze(&emulator, out, &options)?;
    if let Some(Err(missing)) = &frozen.costs {
        observer.event(Event::Fallback(format!(
            "code and stack are not known; to state them, it needs {missing}"
        )));
    }
    Ok(frozen)
}

/// The run's emulator, or the emulator of a row of its Pareto table.
fn load(run: &Path, row: Option<usize>) -> Result<Emulator> {
    match row {
        None => emulator_of(run),
        Some(row) => Ok(file::load(&pareto_file(run, row)?)?),
    }
}
