//! The rivals: scripts that are given by path and run on one core.

use crate::cell::Outcome;
use crate::contest::digest;
use anyhow::Context;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the rivals are, and the core that they run on.
pub(crate) struct Rivals {
    python: PathBuf,
    core: usize,
    /// Path and SHA-256.
    pub(crate) gated_jax: (PathBuf, String),
    pub(crate) classical: (PathBuf, String),
}

impl Rivals {
    /// Finds `gated_jax.py` and `classical.py` in a folder.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub(crate) fn find(peers: &Path, python: PathBuf, core: usize) -> anyhow::Result<Self> {
        let script = |name: &str| -> anyhow::Result<(PathBuf, String)> {
            let path = peers.join(name);
            let text = fs::read(&path).with_context(|| path.display().to_string())?;
            Ok((path, digest(&[&text])))
        };
        Ok(Self {
            python,
            core,
            gated_jax: script("gated_jax.py")?,
            classical: script("classical.py")?,
        })
    }

    /// Trains the fixed network for this many seconds, compilation apart.
    ///
    /// # Errors
    /// The script fails, or its error is not finite.
    pub(crate) fn network(&self, file: &Path, seconds: f64) -> anyhow::Result<Outcome> {
        let text = self.printed(&self.gated_jax.0, file, &[seconds.to_string()])?;
        let report: Value = serde_json::from_str(text.trim()).with_context(|| text.clone())?;
        Ok(Outcome {
            mse_z: report["mse_z"].as_f64().with_context(|| text.clone())?,
            macs: report["mac"].as_u64(),
            report,
            ..Outcome::default()
        })
    }

    /// Fits the regressors, and takes the one with the least error on the rows held out: more than
    /// a user would know.
    ///
    /// # Errors
    /// The script fails, or fits none of them.
    pub(crate) fn regressors(&self, file: &Path) -> anyhow::Result<Outcome> {
        let text = self.printed(&self.classical.0, file, &[])?;
        let mut models = BTreeMap::new();
        let mut lines = Vec::new();
        for line in text.lines() {
            let value: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
            let name = value["model"].as_str().context("a regressor has a name")?;
            models.insert(name.to_owned(), value["mse_z"].as_f64());
            lines.push(value);
        }
        let fitted = models
            .iter()
            .filter_map(|(name, error)| Some((name, (*error)?)));
        let (name, mse_z) = fitted
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .with_context(|| format!("no regressor was fitted: {text}"))?;
        Ok(Outcome {
            mse_z,
            best: Some(name.clone()),
            models,
            report: Value::Array(lines),
            ..Outcome::default()
        })
    }

    /// Runs a script on its core, and returns the JSON that it prints, with `null` for numbers that
    /// are not finite, which Python writes by name.
    fn printed(&self, script: &Path, file: &Path, more: &[String]) -> anyhow::Result<String> {
        let mut command = Command::new("taskset");
        command.args(["-c", &self.core.to_string()]);
        command.arg(&self.python).arg(script).arg(file).args(more);
        // One thread each, whatever the libraries' defaults are.
        for variable in ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"] {
            command.env(variable, "1");
        }
        let output = command
            .stdin(Stdio::null())
            .output()
            .context("taskset, which keeps a rival on one core, does not start")?;
        anyhow::ensure!(
            output.status.success(),
            "{}: {}",
            script.display(),
            String::from_utf8_lossy(&output.stderr)
        );
        let mut text = String::from_utf8(output.stdout)?;
        for name in ["NaN", "-Infinity", "Infinity"] {
            text = text.replace(&format!(": {name}"), ": null");
        }
        Ok(text)
    }
}
