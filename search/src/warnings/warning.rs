//! A warning, and what it is about.

use serde::Serialize;
use std::fmt;

/// What a warning is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something for which a search refuses these data.
    Refused,
    /// A value that stands for none.
    FillValue,
    /// Rows of the same inputs and outputs.
    RepeatedRows,
    /// Rows of the same inputs and other outputs.
    ContradictingRows,
    /// Test or validation rows that also train.
    LeakedRows,
    /// An input that has one value in all training rows.
    ConstantInput,
    /// An output that has one value in all training rows.
    ConstantOutput,
    /// An input whose changes move no output.
    NoInfluence,
    /// An input that the other inputs fix.
    DependentInput,
    /// Too few rows for the number of inputs.
    FewRows,
    /// Outputs over several powers of ten.
    Decades,
    /// A part of the box without training points.
    Holes,
}

/// One warning: what is odd, where, and what to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Warning {
    /// What it is about.
    pub kind: Kind,
    /// The sentence for the user.
    pub text: String,
    /// The rows concerned, from 0; empty where none in particular are.
    pub rows: Vec<usize>,
    /// The inputs concerned, by name.
    pub inputs: Vec<String>,
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// `rows 3, 5, 8 and 14 more`.
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
