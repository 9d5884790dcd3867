//! Why an array of numpy's was not read.

use std::fmt;

/// Why an array was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NpyError {
    /// It holds pickled Python objects.
    Object,
    /// It holds complex numbers, in this shape.
    Complex(Vec<usize>),
    /// It holds text where numbers are expected.
    Text,
    /// It holds numbers where text is expected.
    Numbers,
    /// Anything else, in words (expected and got).
    Invalid(String),
}

impl fmt::Display for NpyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Object => "expected numbers or text, got Python objects",
            Self::Complex(_) => "expected real numbers, got complex ones",
            Self::Text => "expected numbers, got text",
            Self::Numbers => "expected text, got numbers",
            Self::Invalid(reason) => reason,
        })
    }
}

/// An error that says `reason`.
pub(super) fn invalid(reason: impl Into<String>) -> NpyError {
    NpyError::Invalid(reason.into())
}
