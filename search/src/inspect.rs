//! Summarises a data file and its irregularities.

use crate::data::{Dataset, ReadOptions, Summary};
use crate::error::Result;
use crate::learning_curve::{self, LearningCurve};
use crate::warnings::{self, Warning};
use serde::Serialize;
use std::fmt;
use std::path::Path;

/// The summary of a data file. Its text is for users.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Inspection {
    /// The contents of the file, and how it is read.
    #[serde(flatten)]
    pub summary: Summary,
    /// Warnings about the data.
    pub warnings: Vec<Warning>,
    /// The expected benefit of more rows, if it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learning_curve: Option<LearningCurve>,
}

/// Whether to measure a learning curve as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// Measure it, which takes some seconds.
    Measured,
    /// Skip it.
    LeftOut,
}

/// Returns the summary of a data file, with warnings.
///
/// # Errors
/// The file cannot be read as data, or has too few rows for a learning curve.
pub fn inspect(path: &Path, options: &ReadOptions, curve: Curve) -> Result<Inspection> {
    let data = Dataset::read(path, options)?;
    Ok(Inspection {
        summary: Summary::of(&data),
        warnings: warnings::of(&data),
        learning_curve: match curve {
            Curve::Measured => Some(learning_curve::measure(&data)?),
            Curve::LeftOut => None,
        },
    })
}

impl fmt::Display for Inspection {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary.fmt(formatter)?;
        if !self.warnings.is_empty() {
            formatter.write_str("\n")?;
        }
        for warning in &self.warnings {
            writeln!(formatter, "warning: {warning}")?;
        }
        match &self.learning_curve {
            Some(curve) => write!(formatter, "\n{curve}"),
            None => Ok(()),
        }
    }
}
