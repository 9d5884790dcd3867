//! `dense-search inspect`: what a data file holds, and what is odd about it.

use crate::data::{Dataset, ReadOptions, Summary};
use crate::learning_curve::{self, LearningCurve};
use crate::warnings::{self, Warning};
use serde::Serialize;
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

/// Returns the summary of a data file with its warnings, as text or as one JSON object.
///
/// # Errors
/// The file cannot be read as data, or it has too few rows for a learning curve.
pub fn run(path: &Path, options: &ReadOptions, curve: Curve, json: bool) -> anyhow::Result<String> {
    let data = Dataset::read(path, options)?;
    let found = Inspection {
        summary: Summary::of(&data),
        warnings: warnings::of(&data),
        learning_curve: match curve {
            Curve::Measured => Some(learning_curve::measure(&data)?),
            Curve::LeftOut => None,
        },
    };
    if json {
        return Ok(serde_json::to_string(&found)?);
    }
    let mut text = found.summary.to_string();
    if !found.warnings.is_empty() {
        text.push('\n');
    }
    for warning in &found.warnings {
        text += &format!("warning: {warning}\n");
    }
    if let Some(curve) = &found.learning_curve {
        text += &format!("\n{curve}");
    }
    Ok(text)
}
