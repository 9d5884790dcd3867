//! A run's emulator as an ONNX model, for every tool that reads such.

use crate::error::{Result, ensure};
use crate::run_folder::{emulator_of, refuse_input};
use dense_codegen::onnx::{Batch, What, write};
use serde_json::{Value, json};
use std::path::Path;

/// Writes the model to `output`, and returns what was written.
///
/// # Errors
/// The run is none, there is no such member, or the file's name does not end in `.onnx` or cannot be written.
pub fn export_run(run: &Path, output: &Path, what: What, batch: Batch) -> Result<Value> {
    let is_model = output
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("onnx"));
    ensure!(
        Output,
        is_model,
        "{}: expected a name that ends in .onnx",
        output.display()
    );
    refuse_input(output, &[run])?;
    let emulator = emulator_of(run)?;
    write(&emulator, what, batch, output)?;
    let outputs: &[&str] = match what {
        What::Prediction => &["mean", "std", "in_domain"],
        What::Mean => &["mean"],
        What::Member(_) => &["member"],
    };
    Ok(json!({
        "model": output,
        "bytes": std::fs::metadata(output)?.len(),
        "input": "x",
        "outputs": outputs,
        "operators": dense_codegen::onnx::OPERATORS,
    }))
}
