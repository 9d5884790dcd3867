//! The parts of a split.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One part of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Trains the weights; 0 in the array `split`.
    Train,
    /// Chooses and calibrates; 1 in the array `split`.
    Validation,
    /// Measures the error; 2 in the array `split`.
    Test,
}

impl Part {
    /// All parts.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// The number of the part in the array `split`.
    pub fn number(self) -> u8 {
        match self {
            Self::Train => 0,
            Self::Validation => 1,
            Self::Test => 2,
        }
    }

    /// The name of the part in `--split`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl std::str::FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|part| part.name() == text)
            .ok_or_else(|| format!("expected train, validation or test, got {text:?}"))
    }
}

/// The rows of `part`.
pub(super) fn rows_of(parts: &[Part], part: Part) -> Vec<usize> {
    (0..parts.len()).filter(|&row| parts[row] == part).collect()
}
