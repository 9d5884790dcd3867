//! Errors of building or evaluating a super-network.

/// An error of a super-network.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The architecture does not belong to the super-architecture of the network.
    #[error(transparent)]
    Space(#[from] crate::space::Error),
    /// A tensor operation failed.
    #[error("super-network: {0}")]
    Tensor(#[from] candle_core::Error),
}
