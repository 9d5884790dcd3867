//! `dense-search evaluate`: how good a run's emulator is on rows of a data file.

use crate::assemble::output_deviation;
use crate::commands::search::emulator_file;
use crate::data::{Dataset, Part};
use crate::metrics::{Metrics, evaluate};
use anyhow::bail;
use dense_codegen::file;
use std::path::Path;

/// Returns the figures of a run's emulator on one part of the data, or on all rows of data without a split.
///
/// # Errors
/// The run is none, the data have other inputs or outputs than the emulator, or the part has no row.
pub fn run(run: &Path, data: &Dataset, part: Part, threads: usize) -> anyhow::Result<Metrics> {
    let emulator = file::load(&emulator_file(run))?;
    let expected = (emulator.input_count(), emulator.output_count());
    let got = (data.input_count(), data.output_count());
    if expected != got {
        bail!(
            "{}: expected {} inputs and {} outputs, as the emulator has, got {} and {}",
            data.label(),
            expected.0,
            expected.1,
            got.0,
            got.1
        );
    }
    let rows = data.part_rows(part)?;
    Ok(evaluate(
        &emulator,
        data,
        &rows,
        &output_deviation(&emulator),
        threads,
    ))
}
