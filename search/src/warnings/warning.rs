//! A warning and its subject.

use serde::Serialize;
use std::fmt;

/// The subject of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A property for which a search rejects these data.
    Refused,
    /// A value that stands for a missing result.
    FillValue,
    /// Rows with the same inputs and outputs.
    RepeatedRows,
    /// Rows with the same inputs but different outputs.
    ContradictingRows,
    /// Test or validation rows that also train.
    LeakedRows,
    /// An input that is constant in the training rows.
    ConstantInput,
    /// An output that is constant in the training rows.
    ConstantOutput,
    /// An input that affects no output.
    NoInfluence,
    /// An input that the other inputs determine.
    DependentInput,
    /// Too few rows for the number of inputs.
    FewRows,
    /// Outputs that span several powers of ten.
    Decades,
    /// A part of the box without training points.
    Holes,
}

/// A warning: the problem, its location, and what to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Warning {
    /// The subject.
    pub kind: Kind,
    /// The sentence for the user.
    pub text: String,
    /// The affected rows, from 0; empty if it is not about particular rows.
    pub rows: Vec<usize>,
    /// The names of the affected inputs.
    pub inputs: Vec<String>,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Formats row numbers: `rows 3, 5, 8 and 14 more`.
pub(super) fn named(rows: &[usize]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = rows.iter().take(SHOWN).map(ToString::to_string).collect();
    let word = if rows.len() == 1 { "row" } else { "rows" };
    let more = match rows.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{word} {}{more}", shown.join(", "))
}
