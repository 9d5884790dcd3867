//! Numbers side by side: the few operations that the kernels' inner tiles are written in.
//!
//! A loop over an array may or may not become vector instructions, depending on flags, processor and compiler; the
//! tiles of a convolution ran ten times slower where the compiler chose another axis than ours. So tiles are written
//! in [`Vector`], once, and compiled for [`avx2`] where the processor has it. [`portable`] is the same in plain arrays:
//! what every other target runs, and the oracle of the first in the tests, with the same bits.

#![expect(
    unsafe_code,
    reason = "the trait's unchecked reads are declared unsafe"
)]

pub(crate) mod alike;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
pub(crate) mod portable;

use alike::Alike;

/// So many numbers, each operation on all of them.
pub(crate) trait Vector: Copy {
    /// How many.
    const LANES: usize;

    /// Returns `x` in every lane.
    fn splat(x: f32) -> Self;

    /// Returns the first [`Vector::LANES`] numbers; zeros where there are fewer.
    fn load(x: &[f32]) -> Self;

    /// Returns number `i` in every lane.
    ///
    /// # Safety
    /// There is a number `i`.
    unsafe fn splat_of(x: &[f32], i: usize) -> Self;

    /// Returns the numbers from lane `first` on of row `i`.
    ///
    /// # Safety
    /// There is a row `i`, and it has as many numbers from `first` on.
    unsafe fn load_row<const N: usize>(rows: &[[f32; N]], i: usize, first: usize) -> Self;

    /// Writes to the first [`Vector::LANES`] numbers; does nothing where there are fewer.
    fn store(self, y: &mut [f32]);

    /// Returns `self * b + c` in [`Native`](crate::fma::Native) arithmetic.
    fn fma(self, b: Self, c: Self) -> Self;

    /// Returns the sum.
    fn add(self, b: Self) -> Self;

    /// Returns `x > 0.0 ? x : 0.0` in every lane.
    fn relu(self) -> Self;

    /// Adds to each position's sums its numbers times the weights from lane `first` on, element after element.
    ///
    /// Not inlined: the loop has all registers to itself.
    #[inline(never)]
    fn weigh<
        const POSITIONS: usize,
        const BLOCKS: usize,
        const LANES: usize,
        const VECTORS: usize,
    >(
        sums: &mut [[[Self; VECTORS]; BLOCKS]; POSITIONS],
        numbers: &Alike<f32, POSITIONS>,
        weights: &Alike<[f32; LANES], BLOCKS>,
        first: usize,
    ) {
        alike::weigh(sums, numbers, weights, first);
    }

    /// Adds to the sums of eight positions their numbers times the weights, element after element.
    #[inline(never)]
    fn weigh_across<const LANES: usize>(
        sums: &mut [Self; LANES],
        numbers: &Alike<f32, 8>,
        weights: &Alike<[f32; LANES], 1>,
    ) {
        alike::weigh_across(sums, numbers, weights);
    }

    /// Returns number `start + j` of row `i` as lane `i` of vector `j`; rows past the lanes are left out.
    ///
    /// # Safety
    /// Each row has eight numbers from `start` on.
    unsafe fn transposed(rows: [&[f32]; 8], start: usize) -> [Self; 8];
}

/// The vectors of a build without anything better.
#[cfg(not(target_arch = "arm"))]
pub(crate) type Plain = portable::Portable<8>;

/// The vectors of a build without anything better: registers of a Cortex-M hold one number each, and there are 32.
#[cfg(target_arch = "arm")]
pub(crate) type Plain = portable::Portable<4>;

#[cfg(test)]
mod tests;
