//! Freezing: turns an emulator into a crate of static weights and readable calls into the runtime.
//!
//! `model.rs` is the computation, one call for each operation. `weights.rs` has the constants, each
//! array once; golden inputs with the bits of the f32 interpreter in both orders; and a checksum.
//! `weights.bin` holds the same as an image, which a program of the same structure can load at run
//! time. The crate carries the runtime's sources, so that it builds anywhere without a network.

mod calls;
mod documents;
pub(crate) mod golden;
mod inputs;
mod model;
mod names;
mod options;
mod text;
mod weights;

use names::check_name;
pub(crate) use names::check_section;
pub use options::{Carried, FreezeOptions, RUNTIME, Runtime};
pub(crate) use text::provenance;
pub(crate) use weights::literals;

use crate::aside::{rename, write_synced};
use crate::emulator::Emulator;
use crate::image::Image;
use crate::{Error, Result};
use std::path::{Path, PathBuf};

pub use golden::golden_inputs;

/// The result of freezing.
#[derive(Clone, Debug, PartialEq)]
pub struct FrozenCrate {
    /// The crate's folder.
    pub path: PathBuf,
    /// Multiply-accumulates of the shipped call.
    pub macs: u64,
    /// Multiply-accumulates of the largest member alone.
    pub member_macs: u64,
    /// Bytes of constants that the shipped call reads.
    pub flash_bytes: usize,
    /// Bytes of buffers and results that the shipped call writes.
    pub ram_bytes: usize,
    /// Ensemble members.
    pub members: usize,
    /// Third-party software that the crate carries.
    pub carries: Vec<Carried>,
}

/// The file name of the image beside the frozen code.
pub const IMAGE_FILE: &str = "weights.bin";

/// A line that only a frozen crate's manifest contains.
const MARK: &str = "[package.metadata.dense]\nfrozen = true";

/// Writes the emulator as a crate to the folder `out`, replacing an older frozen crate.
///
/// The crate is written aside and renamed, so that `out` is either complete or unchanged.
///
/// # Errors
/// The name is not valid for a crate, the runtime is not in its folder, `out` holds something else,
/// or the files cannot be written.
///
/// # Example
/// ```
/// use dense_codegen::rust::{FreezeOptions, freeze};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use dense_codegen::emulator::{InputVariable, Layout, Outputs};
/// # use dense_codegen::graph::{Dense, Graph, Operation, Shape};
/// # use dense_codegen::{Calibration, Emulator, EmulatorParts, Local};
/// # let mut graph = Graph::new(1);
/// # let layer = Dense {
/// #     weight: graph.parameter("weight", &[1, 1], vec![2.0])?,
/// #     bias: graph.parameter("bias", &[1], vec![1.0])?,
/// #     output: Shape::Vector(1),
/// # };
/// # let member = graph.push(Operation::Dense(layer), &[Graph::INPUT])?;
/// # let emulator = Emulator::new(EmulatorParts {
/// #     graph,
/// #     members: vec![member],
/// #     calibration: Calibration { gain: 1.0, unit: vec![1.0], floor: vec![0.01], slope: None },
/// #     local: Local::default(),
/// #     inputs: vec![InputVariable { name: "x".into(), low: 0.0, high: 1.0, logarithmic: false }],
/// #     outputs: Outputs { layout: Layout::Scalars, shape: vec![], names: vec![], axes: vec![], relative: None },
/// #     provenance: Default::default(),
/// # })?;
/// # let folder = tempfile::tempdir()?;
/// # let out = folder.path().join("pressure");
/// let options = FreezeOptions { crate_name: "pressure".into(), ..FreezeOptions::default() };
/// let frozen = freeze(&emulator, &out, &options)?;
/// assert_eq!(frozen.macs, 1);
/// assert!(out.join("src/model.rs").exists());
/// # Ok(())
/// # }
/// ```
pub fn freeze(emulator: &Emulator, out: &Path, options: &FreezeOptions) -> Result<FrozenCrate> {
    check_name(out, &options.crate_name)?;
    check_section(out, options.section.as_deref())?;
    check_runtime(out, &options.runtime)?;
    let files = files(emulator, options);
    write_folder(out, &files, "Cargo.toml", MARK)?;
    Ok(FrozenCrate {
        path: out.into(),
        macs: emulator.macs(),
        member_macs: emulator.member_macs(),
        flash_bytes: emulator.flash_bytes(),
        ram_bytes: emulator.ram_bytes(),
        members: emulator.members().len(),
        carries: match options.runtime {
            Runtime::Carried => vec![RUNTIME],
            Runtime::Path(_) | Runtime::Registry => Vec::new(),
        },
    })
}

/// The emulator's modules `model.rs` and `weights.rs`, which may also be sibling children of any
/// module; the crate around them needs the runtime. `model.rs` has the public items.
#[must_use]
pub fn emit_model(emulator: &Emulator) -> Vec<(String, String)> {
    modules(emulator, &weights::image(emulator))
}

/// The emulator's constants as an image, which a frozen emulator of the same structure loads at run
/// time.
#[must_use]
pub fn image(emulator: &Emulator) -> Vec<u8> {
    weights::image(emulator).bytes()
}

fn modules(emulator: &Emulator, image: &Image) -> Vec<(String, String)> {
    vec![
        ("model.rs".into(), model::text(emulator)),
        ("weights.rs".into(), weights::text(image)),
    ]
}

/// Every file of the crate: path and contents.
fn files(emulator: &Emulator, options: &FreezeOptions) -> Vec<(String, Vec<u8>)> {
    let image = weights::image(emulator);
    let mut files = documents::files(emulator, options);
    files.extend(modules(emulator, &image).into_iter().map(|(path, text)| {
        let text = in_section(text, options.section.as_deref());
        (format!("src/{path}"), text)
    }));
    if options.runtime == Runtime::Carried {
        files.extend(carried_runtime());
    }
    let files = files.into_iter();
    let mut files: Vec<_> = files
        .map(|(path, text)| (path, text.into_bytes()))
        .collect();
    files.push((IMAGE_FILE.into(), image.bytes()));
    files
}

/// The runtime's sources and licences: paths in the crate that carries them, and texts.
pub(crate) fn carried_runtime() -> impl Iterator<Item = (String, String)> {
    let folder = RUNTIME.folder;
    let sources = dense_runtime::SOURCES.iter();
    let sources = sources.map(move |(path, text)| (format!("{folder}/src/{path}"), text));
    let licences = dense_runtime::LICENCES.iter();
    let licences = licences.map(move |(path, text)| (format!("{folder}/{path}"), text));
    sources
        .chain(licences)
        .map(|(path, text)| (path, (*text).to_owned()))
}

/// The text of a module, with its constants in the requested section.
pub(crate) fn in_section(text: String, section: Option<&str>) -> String {
    match section {
        Some(section) => text.replace(
            "\npub static ",
            &format!("\n#[unsafe(link_section = {section:?})]\npub static "),
        ),
        None => text,
    }
}

/// Rejects a folder that does not hold the runtime of this version.
fn check_runtime(out: &Path, runtime: &Runtime) -> Result<()> {
    let Runtime::Path(folder) = runtime else {
        return Ok(());
    };
    let manifest = out.join(folder).join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).unwrap_or_default();
    if text.contains(&format!("name = \"{}\"", RUNTIME.name)) {
        return Ok(());
    }
    Err(Error::Freeze {
        path: out.into(),
        problem: format!(
            "{} is not the manifest of {}",
            manifest.display(),
            RUNTIME.name
        ),
        advice: "give the folder that has its Cargo.toml, or leave the runtime to be carried",
    })
}

/// Writes a folder of frozen code aside and renames it. Replaces an older one: a folder whose file
/// `known` holds `mark`.
///
/// # Errors
/// `out` holds something else, or the files cannot be written.
pub(crate) fn write_folder(
    out: &Path,
    files: &[(String, Vec<u8>)],
    known: &str,
    mark: &str,
) -> Result<()> {
    check_folder(out, known, mark)?;
    let [aside, old] = [beside(out, "part")?, beside(out, "old")?];
    let written = write_all(&aside, files).and_then(|()| replace(out, &aside, &old));
    if written.is_err() {
        // The user needs the first failure.
        let _ = std::fs::remove_dir_all(&aside);
    }
    written
}

/// A folder may be replaced if it is empty or holds frozen code.
fn check_folder(out: &Path, known: &str, mark: &str) -> Result<()> {
    let foreign = |problem: &str| Error::Freeze {
        path: out.into(),
        problem: problem.into(),
        advice: "give a new folder, or remove this one if nothing in it is needed",
    };
    if std::fs::symlink_metadata(out).is_err() {
        return Ok(());
    }
    if out.is_symlink() || !out.is_dir() {
        return Err(foreign("there is something that is not a folder"));
    }
    let mut entries = std::fs::read_dir(out).map_err(|source| failure("read", out, source))?;
    let text = std::fs::read_to_string(out.join(known)).unwrap_or_default();
    if entries.next().is_none() || text.contains(mark) {
        return Ok(());
    }
    Err(foreign(
        "the folder holds something that is not a frozen emulator of this kind",
    ))
}

/// A path for this process beside `out`, on the same file system.
fn beside(out: &Path, suffix: &str) -> Result<PathBuf> {
    let Some(name) = out.file_name() else {
        return Err(Error::Freeze {
            path: out.into(),
            problem: "the path ends in no name".into(),
            advice: "give the folder that is to be written",
        });
    };
    Ok(out.with_file_name(format!(
        ".{}.{}.{suffix}",
        name.to_string_lossy(),
        std::process::id()
    )))
}

fn write_all(folder: &Path, files: &[(String, Vec<u8>)]) -> Result<()> {
    for (path, contents) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|source| failure("make", parent, source))?;
        }
        write_synced(&path, contents).map_err(|source| failure("write", &path, source))?;
    }
    Ok(())
}

fn replace(out: &Path, new: &Path, old: &Path) -> Result<()> {
    let replaced = out.exists();
    if replaced {
        rename(out, old).map_err(|source| failure("rename", out, source))?;
    }
    if let Err(source) = rename(new, out) {
        if replaced {
            // Puts the old folder back; if this fails too, it still exists under its other name.
            let _ = rename(old, out);
        }
        return Err(failure("rename", new, source));
    }
    if replaced {
        std::fs::remove_dir_all(old).map_err(|source| failure("remove", old, source))?;
    }
    Ok(())
}

fn failure(action: &'static str, path: &Path, source: std::io::Error) -> Error {
    Error::Io {
        action,
        path: path.into(),
        source,
    }
}

#[cfg(test)]
mod tests;
