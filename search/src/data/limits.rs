//! Limits on counts and magnitudes of data.

/// The largest number of inputs of an emulator: the deployed status has one bit per input.
pub use dense_codegen::emulator::INPUTS_AT_MOST as MAXIMUM_INPUTS;

/// The smallest number of training rows.
pub const MINIMUM_TRAIN_ROWS: usize = 8;
/// The largest magnitude of inputs: beyond it, squares and ratios leave the range of single
/// precision.
pub(super) const LARGEST_MAGNITUDE: f64 = 1e30;
/// The largest magnitude of outputs: beyond it, ratios leave the range of double precision.
pub(crate) const LARGEST_OUTPUT: f64 = 1e300;
