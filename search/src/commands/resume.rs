//! `dense-search resume`: continue a run that was killed or interrupted.

use crate::commands::{demo, search};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Continues a run to the emulator that it would have had without the break.
///
/// # Errors
/// The folder has no unfinished run, or its data are not where they were; `data` says where they are now.
pub fn run(
    run: &Path,
    data: Option<PathBuf>,
    interrupt: &AtomicBool,
) -> anyhow::Result<search::Report> {
    search::resume(run, data, demo::bundled, interrupt)
}
