//! emx-onnx-cgen, a peer: compiles an emulator's ONNX model to C.

use dense_codegen::emulator::Emulator;
use dense_codegen::onnx::{Batch, What, write};
use std::path::Path;
use std::process::Command;

/// Writes the mean of an emulator to `model.onnx` in the folder, and has the peer generate
/// `model.c` from it; `python` is that of its virtual environment.
///
/// # Errors
/// The model cannot be written, or the peer is missing or fails: its last line of output.
pub fn generate(emulator: &Emulator, python: &Path, folder: &Path) -> Result<(), String> {
    let model = folder.join("model.onnx");
    write(emulator, What::Mean, Batch::One, &model).map_err(|error| error.to_string())?;
    // The peer runs in the folder, where a relative path would have another meaning.
    let program = std::path::absolute(python.with_file_name("emx-onnx-cgen"))
        .map_err(|error| error.to_string())?;
    let mut command = Command::new(program);
    command
        .args(["compile", "model.onnx", "model.c"])
        .args(["--large-temp-threshold", "0"])
        .args(["--large-weight-threshold", "0"]);
    done(command.current_dir(folder)).map(|_| ())
}

/// Runs a command to its end and returns what it printed.
///
/// # Errors
/// It does not start, or fails: its last line of output.
pub fn done(command: &mut Command) -> Result<String, String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| format!("cannot run {program}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rev().find(|line| !line.trim().is_empty());
    Err(format!("{program}: {}", last.unwrap_or("failed")))
}
