//! `dense-search inspect`: what a data file holds.

use crate::data::{Dataset, ReadOptions, Summary};
use std::io::{self, Write};
use std::path::Path;

/// Prints the summary of a data file, as text or as one JSON object.
///
/// # Errors
/// The file cannot be read as data, or standard output is closed.
pub fn run(path: &Path, options: &ReadOptions, json: bool) -> anyhow::Result<()> {
    let summary = Summary::of(&Dataset::read(path, options)?);
    let mut output = io::stdout().lock();
    if json {
        writeln!(output, "{}", serde_json::to_string(&summary)?)?;
    } else {
        write!(output, "{summary}")?;
    }
    Ok(())
}
