//! What a user chooses about a model.

/// The version of the operators: the oldest that has all that are used here, for engines that lag behind.
pub const OPERATORS: i64 = 13;

/// What the model computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// All that the deployed call gives: the members' mean as the output `mean`, their calibrated standard deviation as
    /// `std`, and as `in_domain` whether every input is finite and within its trained range, a training point is near
    /// where the emulator knows of holes in its box, and every result is finite. Where an input is not finite, mean and
    /// standard deviation are NaN.
    Prediction,
    /// The members' mean alone, as the output `mean`, without guard.
    Mean,
    /// The member of this index alone, as the output `member`, without guard.
    Member(usize),
}

/// How many rows one call of the model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// One: all sizes are known to the engine.
    One,
    /// Any number, the dimension `n`.
    Any,
}
