//! `dense-search predict`: an emulator's answers for a file of inputs.

use crate::commands::search::emulator_file;
use crate::data::{InputRows, Predictions};
use dense_codegen::executor::Executor;
use dense_codegen::file;
use std::path::Path;

/// Predicts every row of `inputs` and writes `.npz` or `.csv`; returns the number of rows.
///
/// # Errors
/// The run is none, the inputs are not the emulator's, or the file cannot be written.
pub fn run(run: &Path, inputs: &Path, out: &Path, threads: usize) -> anyhow::Result<usize> {
    let emulator = file::load(&emulator_file(run))?;
    let names: Vec<String> = emulator
        .inputs()
        .iter()
        .map(|input| input.name.clone())
        .collect();
    let rows = InputRows::read(inputs, &names)?;
    let found = Executor::new(&emulator).predict(rows.x(), threads);
    let in_domain: Vec<bool> = found.status.iter().map(|status| status.is_ok()).collect();
    let outputs = emulator.outputs();
    let predictions = Predictions {
        shape: &outputs.shape,
        names: &outputs.names,
        mean: &found.mean,
        std: &found.std,
        in_domain: &in_domain,
    };
    predictions.write(out)?;
    Ok(rows.rows())
}
