//! The one table of tolerances: every number here is compared with something that is not exact, and says why.
//! What is meant to be exact (executor, frozen code, firmware) is compared bit for bit and has no entry.

/// Largest difference of the f32 interpreter from the f64 interpreter, in units of the row's scale (the largest mean in
/// magnitude, or the output's unit where that is larger).
///
/// A random network is at most about 20 operations deep; a dot product of n terms adds at most n roundings of
/// 2^-24 = 6e-8 to each, mostly cancelling, and the exponential or hyperbolic sine at the end multiplies a relative error
/// by its argument (at most 8). 20 * sqrt(100) * 6e-8 * 8 = 1e-4.
pub const F32_AGAINST_F64: f64 = 1e-4;
