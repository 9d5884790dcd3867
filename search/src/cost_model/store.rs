//! Storage of measured cost models: one file per machine in the user's cache folder.
//!
//! The folder is `$XDG_CACHE_HOME/dense-search`, else `~/.cache/dense-search`, else
//! `%LOCALAPPDATA%\dense-search`. A model of another machine or processor, or in the format of
//! another version, is ignored.

use super::{CostModel, measure};
use crate::data::write_whole;
use crate::error::{Context, Error, Result};
use crate::events::Observer;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the stored model of this machine, or measures and stores one; tells the observer.
///
/// # Errors
/// As [`measure`]. (If the model cannot be stored, only the observer is told.)
pub fn of_this_machine(observer: &dyn Observer) -> Result<CostModel> {
    if let Some(known) = file().and_then(|file| read(&file).ok())
        && known.machine == machine()
    {
        return Ok(known);
    }
    remeasure(observer)
}

/// Measures this machine and stores the model.
///
/// # Errors
/// As [`measure`].
pub fn remeasure(observer: &dyn Observer) -> Result<CostModel> {
    observer.note("measuring what operations take on this machine, for about a second");
    let model = measure()?;
    match file() {
        None => observer.note("there is no cache folder: the measurement is kept in the run alone"),
        Some(file) => match write(&model, &file) {
            Ok(()) => observer.note(format!("the measurement is kept in {}", file.display())),
            Err(problem) => {
                observer.note(format!("the measurement is not kept: {}", problem.chain()))
            }
        },
    }
    Ok(model)
}

/// Reads a model from a file.
///
/// # Errors
/// If the file cannot be read or is not a cost model.
pub fn read(file: &Path) -> Result<CostModel> {
    let text = fs::read(file)
        .with_context(|| format!("{}: cannot be read; check the path", file.display()))?;
    serde_json::from_slice(&text).with_context(|| {
        format!(
            "{}: no cost model; `dense-search costs` prints one",
            file.display()
        )
    })
}

fn write(model: &CostModel, file: &Path) -> Result<()> {
    let folder = file
        .parent()
        .ok_or_else(|| Error::Fault("a file is in a folder".to_owned()))?;
    fs::create_dir_all(folder).with_context(|| format!("{}: cannot be made", folder.display()))?;
    Ok(write_whole(file, &serde_json::to_vec_pretty(model)?)?)
}

fn file() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let folder = set("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| set("HOME").map(|home| Path::new(&home).join(".cache")))
        .or_else(|| set("LOCALAPPDATA").map(PathBuf::from))?;
    let name = |letter: char| {
        if letter.is_ascii_alphanumeric() {
            letter
        } else {
            '-'
        }
    };
    let name: String = machine().chars().map(name).collect();
    Some(
        folder
            .join("dense-search")
            .join(format!("costs-{name}.json")),
    )
}

/// Returns the names of the machine and its processor.
pub(super) fn machine() -> String {
    let file = |path: &str| fs::read_to_string(path).ok();
    let name = file("/proc/sys/kernel/hostname")
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok());
    let processor = file("/proc/cpuinfo").and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let name = name.map_or("unnamed".to_owned(), |name| name.trim().to_owned());
    let processor = processor.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{name}, {processor}")
}

/// Returns the Unix time in seconds.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
