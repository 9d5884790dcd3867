//! Errors in building, storing, loading and freezing an emulator.

use std::path::PathBuf;

/// Every error of this crate. Each names the object, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter array is invalid.
    #[error("parameter {name:?}: expected {expected}, got {got}")]
    Parameter {
        /// The parameter's name.
        name: String,
        /// The property that a valid parameter has.
        expected: String,
        /// The property of this one.
        got: String,
    },
    /// An operation does not fit its operands.
    #[error("node {node} ({kind}): expected {expected}, got {got}")]
    Operation {
        /// The index that the node would have had.
        node: usize,
        /// The operation's kind.
        kind: &'static str,
        /// The operands that the operation expects.
        expected: String,
        /// The operands that it was given.
        got: String,
    },
    /// The parts of an emulator do not fit together.
    #[error("emulator, {part}: expected {expected}, got {got}")]
    Emulator {
        /// The part.
        part: String,
        /// A value that fits.
        expected: String,
        /// The value given.
        got: String,
    },
    /// A file is not an intact emulator file of a supported version.
    #[error("{}: {problem}; {advice}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The problem with it.
        problem: String,
        /// Advice on what to do next.
        advice: &'static str,
    },
    /// A frozen crate cannot be written.
    #[error("cannot freeze to {}: {problem}; {advice}", path.display())]
    Freeze {
        /// The requested folder.
        path: PathBuf,
        /// The reason.
        problem: String,
        /// Advice on what to do next.
        advice: &'static str,
    },
    /// The operating system failed to read or write.
    #[error("cannot {action} {}; check the path and its permissions", path.display())]
    Io {
        /// The attempted action: `read`, `write`, `rename`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
}

/// A result with this crate's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of an invalid part of an emulator.
pub(crate) fn refuse<T>(
    part: impl Into<String>,
    expected: impl Into<String>,
    got: impl ToString,
) -> Result<T> {
    Err(Error::Emulator {
        part: part.into(),
        expected: expected.into(),
        got: got.to_string(),
    })
}
