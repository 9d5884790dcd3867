//! `dense-search inspect`: what a data file holds, and what is odd about it.

use crate::data::{Dataset, ReadOptions, Summary};
use crate::learning_curve::{self, LearningCurve};
use crate::warnings::{self, Warning};
use serde::Serialize;
use std::io::{self, Write};
use std::path::Path;

/// Everything that is printed.
#[derive(Debug, Serialize)]
struct Inspection {
    #[serde(flatten)]
    summary: Summary,
    warnings: Vec<Warning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    learning_curve: Option<LearningCurve>,
}

/// Whether a learning curve is measured, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// It takes some seconds.
    Measured,
    /// It does not.
    LeftOut,
}

/// Prints the summary of a data file with its warnings, as text or as one JSON object.
///
/// # Errors
/// The file cannot be read as data, it has too few rows for a learning curve, or standard output is closed.
pub fn run(path: &Path, options: &ReadOptions, curve: Curve, json: bool) -> anyhow::Result<()> {
    let data = Dataset::read(path, options)?;
    let found = Inspection {
        summary: Summary::of(&data),
        warnings: warnings::of(&data),
        learning_curve: match curve {
            Curve::Measured => Some(learning_curve::measure(&data)?),
            Curve::LeftOut => None,
        },
    };
    let mut output = io::stdout().lock();
    if json {
        writeln!(output, "{}", serde_json::to_string(&found)?)?;
        return Ok(());
    }
    write!(output, "{}", found.summary)?;
    if !found.warnings.is_empty() {
        writeln!(output)?;
    }
    for warning in &found.warnings {
        writeln!(output, "warning: {warning}")?;
    }
    if let Some(curve) = &found.learning_curve {
        write!(output, "\n{curve}")?;
    }
    Ok(())
}
