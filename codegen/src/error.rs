//! What can go wrong while an emulator is built, stored, loaded or frozen.

use std::path::PathBuf;

/// Every error of this crate; each names the thing, what was expected and what was found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter array is refused.
    #[error("parameter {name:?}: expected {expected}, got {got}")]
    Parameter {
        /// The parameter's name.
        name: String,
        /// What a valid parameter has there.
        expected: String,
        /// What this one has.
        got: String,
    },
    /// An operation does not fit the values that it is given.
    #[error("node {node} ({kind}): expected {expected}, got {got}")]
    Operation {
        /// The number that the node would have had.
        node: usize,
        /// The operation's kind.
        kind: &'static str,
        /// What the operation takes.
        expected: String,
        /// What it was given.
        got: String,
    },
    /// The parts of an emulator do not belong together.
    #[error("emulator, {part}: expected {expected}, got {got}")]
    Emulator {
        /// The part.
        part: String,
        /// What fits.
        expected: String,
        /// What was given.
        got: String,
    },
    /// A file is not a whole emulator file of this version.
    #[error("{}: {problem}; {advice}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
        /// What to do next.
        advice: &'static str,
    },
    /// A frozen crate cannot be written.
    #[error("cannot freeze to {}: {problem}; {advice}", path.display())]
    Freeze {
        /// The folder asked for.
        path: PathBuf,
        /// What stands in the way.
        problem: String,
        /// What to do next.
        advice: &'static str,
    },
    /// The operating system refused to read or write.
    #[error("cannot {action} {}; check the path and its permissions", path.display())]
    Io {
        /// What was tried: `read`, `write`, `rename`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
}

/// This crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of an emulator's part that is not as it has to be.
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
