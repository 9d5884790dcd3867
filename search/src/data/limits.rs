//! How many and how large: what is refused beyond.

/// The most inputs an emulator can have: the deployed status has one bit for each.
pub use dense_codegen::emulator::INPUTS_AT_MOST as MAXIMUM_INPUTS;

/// Fewer training rows than this are refused.
pub const MINIMUM_TRAIN_ROWS: usize = 8;
/// Inputs beyond this are refused: their squares and ratios leave the range of single precision.
pub(super) const LARGEST_MAGNITUDE: f64 = 1e30;
/// Outputs beyond this are refused: their ratios leave the range of double precision.
pub(crate) const LARGEST_OUTPUT: f64 = 1e300;
