//! Eight numbers in a register of an x86-64 processor with AVX2 and the fused multiply-add.

use super::Vector;
use super::alike::{self, Alike};
use crate::fma::{Arithmetic, Native};
use core::arch::x86_64::*;

/// Eight numbers. Only functions that are compiled for AVX2 and FMA, and called where the processor has both, may name
/// this type: `dispatch` alone does.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256);

// SAFETY of every block below: the type is named by `dispatch` only, behind its check for AVX2 and FMA.
impl Vector for Avx2 {
    const LANES: usize = 8;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_set1_ps(x) })
    }

    #[inline(always)]
    fn load(x: &[f32]) -> Self {
        match x.first_chunk::<8>() {
            // SAFETY: see above; the array has the eight numbers that are read, and needs no alignment.
            Some(x) => Self(unsafe { _mm256_loadu_ps(x.as_ptr()) }),
            None => Self::splat(0.0),
        }
    }

    #[inline(always)]
    unsafe fn splat_of(x: &[f32], i: usize) -> Self {
        // SAFETY: see above; the caller knows that there is a number `i`.
        Self(unsafe { _mm256_broadcast_ss(x.get_unchecked(i)) })
    }

    #[inline(always)]
    unsafe fn load_row<const N: usize>(rows: &[[f32; N]], i: usize, first: usize) -> Self {
        // SAFETY: see above; the caller knows that row `i` has eight numbers from `first` on.
        Self(unsafe { _mm256_loadu_ps(rows.as_ptr().add(i).cast::<f32>().add(first)) })
    }

    #[inline(always)]
    fn store(self, y: &mut [f32]) {
        if let Some(y) = y.first_chunk_mut::<8>() {
            // SAFETY: see above; the array has room for the eight numbers that are written, and needs no alignment.
            unsafe { _mm256_storeu_ps(y.as_mut_ptr(), self.0) }
        }
    }

    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        if Native::FUSED {
            // SAFETY: see above.
            Self(unsafe { _mm256_fmadd_ps(self.0, b.0, c.0) })
        } else {
            // SAFETY: see above.
            Self(unsafe { _mm256_add_ps(_mm256_mul_ps(self.0, b.0), c.0) })
        }
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_add_ps(self.0, b.0) })
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // The instruction is `a > b ? a : b`, with b where either is NaN.
        // SAFETY: see above.
        Self(unsafe { _mm256_max_ps(self.0, _mm256_setzero_ps()) })
    }

    #[inline(always)]
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
        #[target_feature(enable = "avx2,fma")]
        #[inline(never)]
        fn compiled<const P: usize, const B: usize, const L: usize, const N: usize>(
            sums: &mut [[[Avx2; N]; B]; P],
            numbers: &Alike<f32, P>,
            weights: &Alike<[f32; L], B>,
            first: usize,
        ) {
            alike::weigh(sums, numbers, weights, first);
        }
        // SAFETY: see above.
        unsafe { compiled(sums, numbers, weights, first) }
    }

    #[inline(always)]
    fn weigh_across<const LANES: usize>(
        sums: &mut [Self; LANES],
        numbers: &Alike<f32, 8>,
        weights: &Alike<[f32; LANES], 1>,
    ) {
        #[target_feature(enable = "avx2,fma")]
        #[inline(never)]
        fn compiled<const L: usize>(
            sums: &mut [Avx2; L],
            numbers: &Alike<f32, 8>,
            weights: &Alike<[f32; L], 1>,
        ) {
            alike::weigh_across(sums, numbers, weights);
        }
        // SAFETY: see above.
        unsafe { compiled(sums, numbers, weights) }
    }

    #[inline(always)]
    unsafe fn transposed(rows: [&[f32]; 8], start: usize) -> [Self; 8] {
        // SAFETY: see above; the caller knows that each row has the eight numbers.
        let row = |i: usize| unsafe { _mm256_loadu_ps(rows[i].as_ptr().add(start)) };
        // Pairs of rows interleaved, then pairs of pairs, then the halves of registers.
        // SAFETY: see above.
        unsafe {
            let (a0, a1) = interleaved(row(0), row(1));
            let (a2, a3) = interleaved(row(2), row(3));
            let (a4, a5) = interleaved(row(4), row(5));
            let (a6, a7) = interleaved(row(6), row(7));
            let (b0, b1, b2, b3) = (
                _mm256_shuffle_ps::<0x44>(a0, a2),
                _mm256_shuffle_ps::<0xEE>(a0, a2),
                _mm256_shuffle_ps::<0x44>(a1, a3),
                _mm256_shuffle_ps::<0xEE>(a1, a3),
            );
            let (b4, b5, b6, b7) = (
                _mm256_shuffle_ps::<0x44>(a4, a6),
                _mm256_shuffle_ps::<0xEE>(a4, a6),
                _mm256_shuffle_ps::<0x44>(a5, a7),
                _mm256_shuffle_ps::<0xEE>(a5, a7),
            );
            [
                Self(_mm256_permute2f128_ps::<0x20>(b0, b4)),
                Self(_mm256_permute2f128_ps::<0x20>(b1, b5)),
                Self(_mm256_permute2f128_ps::<0x20>(b2, b6)),
                Self(_mm256_permute2f128_ps::<0x20>(b3, b7)),
                Self(_mm256_permute2f128_ps::<0x31>(b0, b4)),
                Self(_mm256_permute2f128_ps::<0x31>(b1, b5)),
                Self(_mm256_permute2f128_ps::<0x31>(b2, b6)),
                Self(_mm256_permute2f128_ps::<0x31>(b3, b7)),
            ]
        }
    }
}

/// The low and the high pairs of two registers' numbers, alternating.
#[inline(always)]
fn interleaved(a: __m256, b: __m256) -> (__m256, __m256) {
    // SAFETY: as in the implementation above.
    unsafe { (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b)) }
}
