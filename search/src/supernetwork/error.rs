//! What can fail when a super-network is built or evaluated.

/// An error of a super-network.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The architecture is not of the network's super-architecture.
    #[error(transparent)]
    Space(#[from] crate::space::Error),
    /// A tensor operation failed.
    #[error("super-network: {0}")]
    Tensor(#[from] candle_core::Error),
}
