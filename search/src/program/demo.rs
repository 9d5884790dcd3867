//! `dense-search demo`: the whole workflow on the bundled spectra, in a few minutes.

use super::terminal::Terminal;
use dense_search::assemble::output_deviation;
use dense_search::data::{Dataset, Part, ReadOptions};
use dense_search::events::{Event, Observer};
use dense_search::latency;
use dense_search::metrics::{Metrics, evaluate};
use dense_search::search::{Input, RunReport, Search, SearchSettings, emulator_file};
use serde_json::{Value, json};
use std::path::Path;

/// Optical Thomson scattering spectra: examples/thomson.
const THOMSON: &[u8] = include_bytes!("../../data/thomson.npz");

/// The results of the demonstration.
#[derive(Debug)]
pub(crate) struct Shown {
    report: RunReport,
    metrics: Metrics,
    bench: Value,
    seconds_per_call: Option<f64>,
}

/// Searches on the bundled data, judges the emulator on the test rows, freezes it, and times the
/// frozen code.
///
/// # Errors
/// `out` already holds a run or cannot be written, or cargo is missing.
pub(crate) fn run(
    settings: SearchSettings,
    out: &Path,
    terminal: &Terminal,
) -> anyhow::Result<Shown> {
    let input = Input::in_memory(bundled()?);
    let threads = settings.threads;
    let report = Search::new(settings).run(&input, out, terminal)?;
    let data = input.data;
    let emulator = dense_codegen::file::load(&emulator_file(out))?;
    let rows = data.part_rows(Part::Test)?;
    let metrics = evaluate(
        &emulator,
        &data,
        &rows,
        &output_deviation(&emulator),
        threads,
    );
    terminal.event(Event::Status(
        "building and timing the frozen code ...".to_owned(),
    ));
    let bench = latency::measure(out)?;
    Ok(Shown {
        report,
        metrics,
        bench,
        seconds_per_call: data.seconds_per_call(),
    })
}

/// Returns the bundled data.
///
/// # Errors
/// None: they are part of the program.
pub(crate) fn bundled() -> dense_search::Result<Dataset> {
    let name = "search/data/thomson.npz";
    Ok(Dataset::from_npz_bytes(
        THOMSON,
        name,
        &ReadOptions::default(),
    )?)
}

impl Shown {
    /// Returns the report of the search.
    #[must_use]
    pub(crate) fn report(&self) -> &RunReport {
        &self.report
    }

    /// Returns all results as one JSON object.
    #[must_use]
    pub(crate) fn json(&self) -> Value {
        let mut all = json!(self.metrics);
        for part in [json!(self.report), self.bench.clone()] {
            if let (Some(all), Value::Object(part)) = (all.as_object_mut(), part) {
                all.extend(part);
            }
        }
        all
    }

    /// Returns the results as lines of text.
    #[must_use]
    pub(crate) fn text(&self) -> String {
        let Self {
            report,
            metrics,
            bench,
            ..
        } = self;
        let figure = |name: &str| bench[name].as_f64().unwrap_or(f64::NAN);
        let simulator_us = self
            .seconds_per_call
            .map_or(f64::NAN, |seconds| seconds * 1e6);
        format!(
            "optical Thomson scattering, 5 parameters -> spectrum of 250 wavelengths\n\
             \n\
             network    {}: {} steps of {:.2} ms, {} members, {} MAC a call ({} the largest member)\n\
             accuracy   mse_z {:.2e} on {} test spectra, R2 {:.5}, median relative error {:.2e}\n\
             band       the 90 % band holds {:.1} % of the test values (50 %: {:.1} %, 99 %: {:.1} %)\n\
             memory     {} bytes of flash, {} bytes of RAM\n\
             \n\
             one call   min {:.2} us, p50 {:.2} us, p99.9 {:.2} us, max {:.2} us: mean and std of all members\n\
             a batch    {:.2} us a sample (64 rows, one thread)\n\
             simulator  {simulator_us:.0} us a call: {:.0} times one call (p50), {:.0} times a sample of a batch\n",
            report.space,
            report.steps,
            report.ms_per_step,
            report.members,
            report.macs,
            report.member_macs,
            metrics.mse_z,
            metrics.samples,
            metrics.r2,
            metrics.median_relative_l2,
            100.0 * metrics.coverage_90,
            100.0 * metrics.coverage_50,
            100.0 * metrics.coverage_99,
            figure("flash_bytes"),
            figure("ram_bytes"),
            figure("min_us"),
            figure("p50_us"),
            figure("p99_9_us"),
            figure("max_us"),
            figure("batch_us_per_sample"),
            simulator_us / figure("p50_us"),
            simulator_us / figure("batch_us_per_sample"),
        )
    }
}
