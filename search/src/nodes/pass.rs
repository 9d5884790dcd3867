//! What an evaluation is for.

/// Whether a backward pass may follow: if so, the slopes of the activation are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// The loss alone is wanted.
    Forward,
    /// The gradients are wanted too.
    ForwardAndBackward,
}
