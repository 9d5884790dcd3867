//! Writes the page to a file.

use super::{Facts, html};
use crate::data::Dataset;
use crate::data::write_whole;
use crate::error::{Result, ensure};
use crate::events::Observer;
use crate::latency;
use std::path::Path;

/// Whether to build and time the frozen code for the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Latency {
    /// Measure it, which requires cargo.
    Measured,
    /// Skip it.
    LeftOut,
}

/// Writes the report on a run to the HTML file `output`, and returns its number of bytes. `data`
/// and `in_memory` are as in [`Facts::gather`].
///
/// # Errors
/// `run` is not a run folder or its run is not finished, its data are not found, cargo is missing,
/// or the file's name does not end in `.html`, or it cannot be written.
pub fn write_page(
    run: &Path,
    output: &Path,
    data: Option<&Path>,
    in_memory: impl FnOnce() -> Result<Dataset>,
    latency: Latency,
    threads: usize,
    observer: &dyn Observer,
) -> Result<usize> {
    let is_page = output
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("html"));
    ensure!(
        Output,
        is_page,
        "{}: expected a name that ends in .html",
        output.display()
    );
    let mut facts = Facts::gather(run, data, in_memory, threads)?;
    if latency == Latency::Measured {
        observer.status("building and timing the frozen code ...");
        facts.latency = Some(latency::measure_with_readings(run)?);
    }
    let page = html(&facts);
    write_whole(output, page.as_bytes())?;
    Ok(page.len())
}
