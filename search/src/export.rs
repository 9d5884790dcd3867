//! Exports a run's emulator as an ONNX model.

use crate::error::{Result, ensure};
use crate::run_folder::{emulator_of, refuse_input};
use dense_codegen::onnx::{Batch, OPERATORS, What, write};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// A written ONNX model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Exported {
    /// Its file.
    pub model: PathBuf,
    /// The file's size.
    pub bytes: u64,
    /// The name of its input.
    pub input: &'static str,
    /// The names of its outputs.
    pub outputs: &'static [&'static str],
    /// The operator set version that it uses.
    pub operators: i64,
}

/// Writes the model to `output` and describes it.
///
/// # Errors
/// `run` is neither a run folder nor an emulator file, there is no such member, or the file's name
/// does not end in `.onnx`, or it cannot be written.
pub fn export_run(run: &Path, output: &Path, what: What, batch: Batch) -> Result<Exported> {
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
    Ok(Exported {
        model: output.to_owned(),
        bytes: std::fs::metadata(output)?.len(),
        input: "x",
        outputs: match what {
            What::Prediction => &["mean", "std", "in_domain"],
            What::Mean => &["mean"],
            What::Member(_) => &["member"],
        },
        operators: OPERATORS,
    })
}
