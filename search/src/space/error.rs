//! What is wrong with a super-architecture or an architecture.

/// An error of a super-architecture or of an architecture drawn from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The super-architecture as a whole makes no sense.
    #[error("super-architecture {space:?}: {problem}")]
    Space {
        /// Its name.
        space: String,
        /// What is wrong.
        problem: String,
    },
    /// An operation group makes no sense where it stands.
    #[error("operation group {group:?}: {problem}")]
    Group {
        /// Its name.
        group: String,
        /// What is wrong.
        problem: String,
    },
    /// A text is not the TOML of a super-architecture.
    #[error("{problem}")]
    Text {
        /// What is wrong, and in which line.
        problem: String,
    },
    /// An architecture does not belong to the super-architecture.
    #[error("architecture: {problem}")]
    Architecture {
        /// What is wrong.
        problem: String,
    },
}
