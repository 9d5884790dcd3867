//! The purpose of an evaluation.

/// Whether a backward pass may follow; if so, the slopes of the activation are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Only the loss is needed.
    Forward,
    /// The gradients are needed too.
    ForwardAndBackward,
}
