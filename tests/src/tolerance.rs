//! The one table of tolerances: each bounds a comparison with something inexact, and gives its
//! reason. Executions that must be exact (executor, frozen code, firmware) are compared bit for bit
//! and have no entry.

/// Largest difference of the f32 interpreter from the f64 interpreter on a random emulator, in
/// units of the row's largest mean or of the output's unit, whichever is larger.
///
/// Up to a dozen layers in sequence round sums of some 30 terms to 2^-24 = 6e-8 each; the inverse
/// transform at the end multiplies the error by its argument, at most 8. That makes 12 * sqrt(30) *
/// 6e-8 * 8 = 3e-5 if nothing cancels. The largest error observed on 350 emulators with 1,000 rows
/// each was 4e-6.
pub const F32_AGAINST_F64: f64 = 3e-5;

/// Largest difference of an exported ONNX model's mean or standard deviation, in any of three
/// engines, from the f64 interpreter, in the same units.
///
/// The engine may sum in any order and compute exponentials and logarithms in its own way, with
/// errors of some 2^-23: the bound of [`F32_AGAINST_F64`] doubled. The largest error observed on
/// 350 emulators with 20 rows each was 1.4e-6.
pub const ONNX_AGAINST_F64: f64 = 6e-5;

/// The relative distance from the squared radius of a coverage within which single precision may
/// place a row on the other side.
///
/// A whitened coordinate sums up to 64 products of size 10, with an error of some 1e-5; so is the
/// error of a distance near the radius. The relative error of its square is twice that, and five
/// times as much is allowed.
pub const AT_RADIUS: f32 = 1e-4;
