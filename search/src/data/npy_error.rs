//! Errors of reading a numpy array.

use std::fmt;

/// The reason for which an array was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NpyError {
    /// It holds pickled Python objects.
    Object,
    /// It holds complex numbers; the value is its shape.
    Complex(Vec<usize>),
    /// It holds text instead of numbers.
    Text,
    /// It holds numbers instead of text.
    Numbers,
    /// Any other problem, in words (expected and actual).
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

/// An error with this `reason`.
pub(super) fn invalid(reason: impl Into<String>) -> NpyError {
    NpyError::Invalid(reason.into())
}
