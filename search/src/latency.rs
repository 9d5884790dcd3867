//! The latency of a run's frozen code, built by cargo on this machine.

use crate::error::{Context, Result, bail};
use crate::freezing;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

/// Freezes a run into a temporary folder, builds it, and returns the measurements of its latency
/// program.
///
/// # Errors
/// `run` is neither a run folder nor an emulator file, cargo is missing, or the build fails.
pub fn measure(run: &Path) -> Result<Value> {
    build_and_run(run, &["--json"])
}

/// Returns the measurements of [`measure`] with every reading, in microseconds, as `readings_us`.
///
/// # Errors
/// As [`measure`].
pub fn measure_with_readings(run: &Path) -> Result<Value> {
    build_and_run(run, &["--json", "--readings"])
}

/// Builds the frozen code and runs its latency program with these options.
fn build_and_run(run: &Path, options: &[&str]) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    let frozen = freezing::freeze_run(
        run,
        None,
        &folder.path().join("emulator"),
        freezing::RustChoices::default(),
        &|_| {},
    )?;
    let output = Command::new("cargo")
        .args([
            "run",
            "--release",
            "--offline",
            "--quiet",
            "--example",
            "latency",
            "--",
        ])
        .args(options)
        .current_dir(&frozen.path)
        .env("CARGO_TARGET_DIR", folder.path().join("target"))
        .output()
        .context("cargo: cannot be started; install Rust")?;
    if !output.status.success() {
        bail!(
            Tool,
            "the frozen crate does not build:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().last().unwrap_or_default();
    serde_json::from_str(line).with_context(|| format!("the latency program printed {line:?}"))
}
