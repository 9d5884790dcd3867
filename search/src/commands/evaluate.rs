//! `dense-search evaluate`: how good a run's emulator is on rows of a data file.

use crate::assemble::output_deviation;
use crate::data::{Dataset, Part};
use crate::metrics::{Metrics, evaluate};
use crate::run_folder::emulator_of;
use anyhow::bail;
use dense_codegen::Emulator;
use std::path::Path;

/// Returns the figures of a run's emulator on one part of the data, or on all rows of data without a split.
///
/// # Errors
/// The run is none, the data have other inputs or outputs than the emulator, or the part has no row.
pub fn run(run: &Path, data: &Dataset, part: Part, threads: usize) -> anyhow::Result<Metrics> {
    let emulator = emulator_of(run)?;
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
    check_names(&emulator, data)?;
    let rows = data.part_rows(part)?;
    Ok(evaluate(
        &emulator,
        data,
        &rows,
        &output_deviation(&emulator),
        threads,
    ))
}

/// Refuses inputs in another order than the emulator's, where both have names of their own.
fn check_names(emulator: &Emulator, data: &Dataset) -> anyhow::Result<()> {
    let expected = emulator.inputs().iter().map(|input| input.name.as_str());
    let got = data.inputs().iter().map(|input| input.name.as_str());
    let names = |names: &mut dyn Iterator<Item = &str>| names.collect::<Vec<_>>().join(", ");
    let differ = |(index, (expected, got)): (usize, (&str, &str))| {
        let unnamed = format!("x{index}");
        expected != got && expected != unnamed && got != unnamed
    };
    if expected.clone().zip(got.clone()).enumerate().any(differ) {
        bail!(
            "{}: expected the inputs {}, as the emulator has, got {}; choose them with --inputs",
            data.label(),
            names(&mut expected.into_iter()),
            names(&mut got.into_iter())
        );
    }
    Ok(())
}
