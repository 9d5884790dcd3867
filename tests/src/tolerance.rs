//! The one table of tolerances: every number here is compared with something that is not exact, and says why.
//! What is meant to be exact (executor, frozen code, firmware) is compared bit for bit and has no entry.

/// Largest difference of the f32 interpreter from the f64 interpreter on a random emulator, in units of the row's largest
/// mean or of the output's unit, whichever is larger.
///
/// Up to a dozen layers one after the other round sums of some 30 terms to 2^-24 = 6e-8 each time; the inverse transform
/// at the end multiplies what they leave by its argument, at most 8. That makes 12 * sqrt(30) * 6e-8 * 8 = 3e-5 where
/// nothing cancels. The largest seen on 350 emulators with 1,000 rows each was 4e-6.
pub const F32_AGAINST_F64: f64 = 3e-5;

/// Largest difference of an exported ONNX model's mean or standard deviation, in any of three engines, from the f64
/// interpreter, in the same units.
///
/// The engine is free to sum in any order and to take exponentials and logarithms of its own, which are good to some
/// 2^-23: the bound of [`F32_AGAINST_F64`] doubled. The largest seen on 350 emulators with 20 rows each was 1.4e-6.
pub const ONNX_AGAINST_F64: f64 = 6e-5;

/// The part of the squared radius of a coverage within which single precision may find a row on the other side.
///
/// A whitened coordinate sums up to 64 products of size 10 and is right to some 1e-5; so is a distance, of the radius's
/// size. Its square has twice that, relative to it, and five times as much is allowed.
pub const AT_RADIUS: f32 = 1e-4;
