//! Errors of super-architectures and architectures.

/// An error of a super-architecture or of an architecture drawn from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The super-architecture as a whole is invalid.
    #[error("super-architecture {space:?}: {problem}")]
    Space {
        /// Its name.
        space: String,
        /// The problem.
        problem: String,
    },
    /// An operation group is invalid where it stands.
    #[error("operation group {group:?}: {problem}")]
    Group {
        /// Its name.
        group: String,
        /// The problem.
        problem: String,
    },
    /// A text is not the TOML of a super-architecture.
    #[error("{problem}")]
    Text {
        /// The problem and its line.
        problem: String,
    },
    /// An architecture does not belong to the super-architecture.
    #[error("architecture: {problem}")]
    Architecture {
        /// The problem.
        problem: String,
    },
}
