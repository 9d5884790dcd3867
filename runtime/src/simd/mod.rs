//! Numbers side by side: the few operations that the kernels' inner tiles are written in.
//!
//! A loop over an array may or may not become vector instructions, depending on flags, processor and compiler; the
//! tiles of a convolution ran ten times slower where the compiler chose another axis than ours. So tiles are written
//! in [`Vector`], once, and compiled for [`avx2`] where the processor has it. [`portable`] is the same in plain arrays:
//! what every other target runs, and the oracle of the first in the tests, with the same bits.

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
pub(crate) mod portable;

/// So many numbers, each operation on all of them.
pub(crate) trait Vector: Copy {
    /// How many.
    const LANES: usize;

    /// Returns `x` in every lane.
    fn splat(x: f32) -> Self;

    /// Returns the first [`Vector::LANES`] numbers; zeros where there are fewer.
    fn load(x: &[f32]) -> Self;

    /// Writes to the first [`Vector::LANES`] numbers; does nothing where there are fewer.
    fn store(self, y: &mut [f32]);

    /// Returns `self * b + c` in [`Native`](crate::fma::Native) arithmetic.
    fn fma(self, b: Self, c: Self) -> Self;

    /// Returns the sum.
    fn add(self, b: Self) -> Self;

    /// Returns `x > 0.0 ? x : 0.0` in every lane.
    fn relu(self) -> Self;

    /// Returns row `i`'s number `j` as lane `i` of vector `j`.
    ///
    /// Each row has at least eight numbers; rows past the lanes are left out.
    fn transposed(rows: [&[f32]; 8]) -> [Self; 8];
}

/// The vectors of a build without anything better.
#[cfg(not(target_arch = "arm"))]
pub(crate) type Plain = portable::Portable<8>;

/// The vectors of a build without anything better: registers of a Cortex-M hold one number each, and there are 32.
#[cfg(target_arch = "arm")]
pub(crate) type Plain = portable::Portable<4>;

#[cfg(test)]
mod tests;
