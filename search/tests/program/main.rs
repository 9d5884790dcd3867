//! The program as a user runs it: every command, its error messages, and the results of kills and
//! of long runs.
//!
//! - [`commands`]: from the bundled data to a frozen crate, and incorrect uses of every command,
//! - [`freezing`]: files that `freeze` writes besides the emulator,
//! - [`images`]: outputs of two dimensions, and super-architectures from files,
//! - [`judging`]: the rows and columns that `evaluate` judges,
//! - [`mending`]: unusable files, and the suggested lines that repair them,
//! - [`pooling`]: validation rows in a race,
//! - [`precision`]: outputs that float32 cannot represent, and constant ones,
//! - [`locks`]: two programs that write to the same run; [`pipes`]: readers that end before the
//!   program,
//! - [`resume`], [`time`], [`diverging`]: runs that are killed, have a time limit, or diverge,
//! - [`teacher`]: answers of the stack that a race leaves in its run,
//! - [`bulk`]: `predict` on files larger than memory; [`memory`]: searches on many outputs,
//! - [`collect`]: simulators that fail, hang or are killed,
//! - [`report`]: the page in a real browser; [`verbosity`]: the amount of messages beside the
//!   result,
//! - [`guide`]: the commands of docs/guide.md; [`checks`]: the messages of docs/checks.md.

mod bulk;
#[cfg(unix)]
mod checks;
#[cfg(unix)]
mod collect;
mod commands;
mod diverging;
mod freezing;
#[cfg(unix)]
mod guide;
mod images;
mod judging;
mod locks;
#[cfg(unix)]
mod memory;
#[cfg(unix)]
mod mending;
#[cfg(unix)]
mod pipes;
mod pooling;
mod precision;
mod report;
mod resume;
#[expect(
    unreachable_pub,
    reason = "the tests of the whole path have it in their library"
)]
#[path = "../../../tests/src/skip.rs"]
mod skip;
mod teacher;
#[expect(
    unreachable_pub,
    reason = "the tests of the whole path have it in their library"
)]
#[path = "../../../tests/src/tier.rs"]
mod tier;
mod time;
mod verbosity;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Returns a command for the program; arguments are added by the caller.
fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_dense-search"))
}

/// Runs the program to its end.
fn program(arguments: &[&str]) -> Output {
    let output = command().args(arguments).output();
    output.expect("the program starts")
}

/// Runs the program, asserts that it succeeds, and returns its standard output.
fn succeeds(arguments: &[&str]) -> String {
    let output = program(arguments);
    let said = said(&output);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).expect("the program writes UTF-8")
}

/// Runs a command with `--json` successfully and returns the object on its last line.
fn figures(arguments: &[&str]) -> serde_json::Value {
    let printed = succeeds(arguments);
    let last = printed.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {printed}"))
}

/// Standard error.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Options of a reproducible search: this number of steps on one thread, without a teacher, into a
/// folder.
fn short<'a>(steps: &'a str, out: &'a str) -> [&'a str; 8] {
    [
        "--steps",
        steps,
        "--teacher",
        "none",
        "--threads",
        "1",
        "--out",
        out,
    ]
}

/// Waits until another program has written a file.
fn wait_for(file: &Path) {
    let began = Instant::now();
    while !file.exists() {
        let waited = began.elapsed();
        assert!(waited < Duration::from_secs(60), "no {}", file.display());
        sleep(Duration::from_millis(5));
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have UTF-8 names")
}

/// The bundled spectra: 5 inputs, 250 outputs.
fn thomson() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/thomson.npz")
}

/// Returns the bytes of the emulator that a run ships.
fn emulator(run: &Path) -> Vec<u8> {
    fs::read(run.join("emulator.safetensors")).expect("the run has an emulator")
}

/// Returns a `.npz` of these arrays (name, numpy type, shape and bytes), as written by
/// `numpy.savez`.
fn npz(arrays: &[(&str, &str, &[usize], Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, descr, shape, elements) in arrays {
        let sizes: String = shape.iter().map(|size| format!("{size},")).collect();
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(elements);
        let begun = archive.start_file(format!("{name}.npy"), stored);
        begun.expect("an archive in memory takes a file");
        std::io::Write::write_all(&mut archive, &bytes).expect("memory takes bytes");
    }
    let archive = archive.finish().expect("an archive in memory ends");
    archive.into_inner()
}

/// The bytes of doubles.
fn doubles(values: &[f64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}
