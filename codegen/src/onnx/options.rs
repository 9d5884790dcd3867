//! The user's choices for a model.

/// The version of the operators: the oldest that has all that are used here, for engines that lag
/// behind.
pub const OPERATORS: i64 = 13;

/// The outputs of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// All results of the deployed call: the members' mean as the output `mean`, their calibrated
    /// standard deviation as `std`, and as `in_domain` whether every input is finite and within its
    /// trained range, a training point is near (if the emulator knows of holes in its box), and
    /// every result is finite. If an input is not finite, mean and standard deviation are NaN.
    Prediction,
    /// The members' mean alone, as the output `mean`, without guard.
    Mean,
    /// The member with this index alone, as the output `member`, without guard.
    Member(usize),
}

/// The number of rows in one call of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// One row: all sizes are known to the engine.
    One,
    /// Any number of rows, the dimension `n`.
    Any,
}
