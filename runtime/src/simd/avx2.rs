//! Vectors of eight floats in a register of an x86-64 processor with AVX2 and the fused
//! multiply-add.

use super::{Vector, Work};
use crate::domain::{Guarded, Ranges};
use crate::fma::{Arithmetic, Native};
use crate::index::along;
use core::arch::x86_64::*;

/// Eight floats. Only functions compiled for AVX2 and FMA, and called where the processor has both,
/// may name this type: `dispatch` ensures this.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256);

// SAFETY of every block below: only `dispatch` names this type, after its check for AVX2 and FMA.
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
            // SAFETY: see above; the array has the eight floats that are read, and needs no
            // alignment.
            Some(x) => Self(unsafe { _mm256_loadu_ps(x.as_ptr()) }),
            None => Self::splat(0.0),
        }
    }

    #[inline(always)]
    unsafe fn splat_at(x: &[f32], i: usize) -> Self {
        // SAFETY: see above; by the contract, element `i` exists.
        Self(unsafe { _mm256_broadcast_ss(x.get_unchecked(i)) })
    }

    #[inline(always)]
    unsafe fn load_at(x: &[f32], i: usize) -> Self {
        // SAFETY: see above; by the contract, there are eight elements from `i` on.
        Self(unsafe { _mm256_loadu_ps(x.as_ptr().add(i)) })
    }

    #[inline(always)]
    fn store(self, y: &mut [f32]) {
        if let Some(y) = y.first_chunk_mut::<8>() {
            // SAFETY: see above; the array has room for the eight floats that are written, and
            // needs no alignment.
            unsafe { _mm256_storeu_ps(y.as_mut_ptr(), self.0) }
        }
    }

    #[inline(always)]
    unsafe fn store_at(self, y: &mut [f32], i: usize) {
        // SAFETY: see above; by the contract, there are eight elements from `i` on.
        unsafe { _mm256_storeu_ps(y.as_mut_ptr().add(i), self.0) }
    }

    #[inline(always)]
    fn store_some(self, y: &mut [f32], count: usize) {
        let count = count.min(y.len()).min(8) as i32;
        // SAFETY: see above; the lanes in the mask fit, the others are not written.
        unsafe {
            let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let marked = _mm256_cmpgt_epi32(_mm256_set1_epi32(count), lanes);
            _mm256_maskstore_ps(y.as_mut_ptr(), marked, self.0);
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
    fn given_out(self, invalid: u32, largest: &mut Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let bits = _mm256_castps_si256(self.0);
            let size = _mm256_and_si256(bits, _mm256_set1_epi32(0x7FFF_FFFF));
            let sizes = _mm256_max_epu32(_mm256_castps_si256(largest.0), size);
            *largest = Self(_mm256_castsi256_ps(sizes));
            // Both are below 2^31, so a comparison of signed integers gives the order.
            let marked = _mm256_or_si256(size, _mm256_set1_epi32(invalid as i32));
            let infinity = _mm256_set1_epi32(f32::INFINITY.to_bits() as i32);
            let not_a_number = _mm256_castsi256_ps(_mm256_cmpgt_epi32(marked, infinity));
            let canonical = _mm256_castsi256_ps(_mm256_set1_epi32(0x7FC0_0000));
            Self(_mm256_blendv_ps(self.0, canonical, not_a_number))
        }
    }

    #[inline(always)]
    fn guarded(ranges: &Ranges, x: [f32; 8]) -> Guarded {
        // SAFETY of this and the blocks below: see above; arrays of eight need no alignment.
        let load = |x: &[f32; 8]| unsafe { _mm256_loadu_ps(x.as_ptr()) };
        let store = |vector: __m256| {
            let mut numbers = [0.0; 8];
            unsafe { _mm256_storeu_ps(numbers.as_mut_ptr(), vector) };
            numbers
        };
        let (values, finite, outside) = unsafe {
            let x = load(&x);
            // Inputs that are not finite give NaN, which equals nothing.
            let finite = _mm256_cmp_ps::<_CMP_EQ_OQ>(_mm256_sub_ps(x, x), _mm256_setzero_ps());
            let values = _mm256_blendv_ps(load(&ranges.centre), x, finite);
            let below = _mm256_cmp_ps::<_CMP_LT_OQ>(values, load(&ranges.low));
            let above = _mm256_cmp_ps::<_CMP_GT_OQ>(values, load(&ranges.high));
            (values, finite, _mm256_or_ps(below, above))
        };
        let coordinate = load(&ranges.coordinates(store(values)));
        unsafe {
            let half = _mm256_mul_ps(coordinate, _mm256_set1_ps(0.5));
            let (low, high) = (load(&ranges.half_low), load(&ranges.half_high));
            let is_above = _mm256_cmp_ps::<_CMP_GT_OQ>(half, high);
            let (below, above) = (_mm256_sub_ps(low, half), _mm256_sub_ps(half, high));
            let beyond = _mm256_blendv_ps(below, above, is_above);
            let widths = _mm256_div_ps(beyond, _mm256_sub_ps(high, low));
            let counts = _mm256_cmp_ps::<_CMP_GT_OQ>(widths, _mm256_setzero_ps());
            let excess = _mm256_and_ps(widths, _mm256_and_ps(counts, outside));
            // Not negative, so the bits are in the order of the values.
            let bits = _mm256_castps_si256(excess);
            let halves = _mm_max_epu32(
                _mm256_castsi256_si128(bits),
                _mm256_extracti128_si256::<1>(bits),
            );
            let pairs = _mm_max_epu32(halves, _mm_shuffle_epi32::<0b_01_00_11_10>(halves));
            let largest = _mm_max_epu32(pairs, _mm_shuffle_epi32::<0b_10_11_00_01>(pairs));
            let is_largest = _mm256_cmpeq_epi32(bits, _mm256_broadcastd_epi32(largest));
            Guarded {
                values: store(values),
                non_finite: !_mm256_movemask_ps(finite) as u32 & 0xFF,
                outside: _mm256_movemask_ps(outside) as u32,
                worst: _mm_cvtsi128_si32(largest) as u32,
                worst_is: _mm256_movemask_ps(_mm256_castsi256_ps(is_largest)) as u32,
            }
        }
    }

    #[inline(always)]
    unsafe fn gather_at(x: &[f32], i: usize, step: usize) -> Self {
        if step == 1 {
            // SAFETY: by the contract, all eight elements exist.
            return unsafe { Self::load_at(x, i) };
        }
        // SAFETY: see above; by the contract, all eight elements exist.
        let at = |lane: usize| unsafe { *x.get_unchecked(along(i, lane, step)) };
        // SAFETY: see above.
        Self(unsafe { _mm256_setr_ps(at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)) })
    }

    #[inline(always)]
    unsafe fn two_columns_at(x: &[f32], i: usize, step: usize) -> [Self; 2] {
        // Pairs 0, 1, 4, 5 in one and 2, 3, 6, 7 in the other, so that the halves come out in
        // order.
        // SAFETY: see above; by the contract, each row has its two elements, which need no
        // alignment.
        unsafe {
            let pair = |k: usize| _mm_loadl_epi64(x.as_ptr().add(along(i, k, step)).cast());
            let pairs = |k: usize| _mm_unpacklo_epi64(pair(k), pair(k | 1));
            let four = |k: usize| _mm256_castsi256_ps(_mm256_set_m128i(pairs(k | 4), pairs(k)));
            let (a, b) = (four(0), four(2));
            [
                Self(_mm256_shuffle_ps::<0b_10_00_10_00>(a, b)),
                Self(_mm256_shuffle_ps::<0b_11_01_11_01>(a, b)),
            ]
        }
    }

    #[inline(always)]
    unsafe fn four_columns_at(x: &[f32], i: usize, step: usize) -> [Self; 4] {
        // SAFETY: see above; by the contract, each row has its four elements, which need no
        // alignment.
        unsafe {
            let row = |k: usize| _mm_loadu_ps(x.as_ptr().add(along(i, k, step)));
            let rows = [0, 1, 2, 3].map(|k| _mm256_set_m128(row(k | 4), row(k)));
            fours_transposed(rows).map(Self)
        }
    }

    #[inline(always)]
    fn interleave<const COLUMNS: usize>(vectors: &mut [Self; COLUMNS]) {
        // SAFETY of the blocks below: see above.
        if let [a, b] = &mut vectors[..] {
            let (low, high) = interleaved(a.0, b.0);
            unsafe {
                a.0 = _mm256_permute2f128_ps::<0x20>(low, high);
                b.0 = _mm256_permute2f128_ps::<0x31>(low, high);
            }
        } else if let [a, b, c, d] = &mut vectors[..] {
            unsafe {
                let [e, f, g, h] = fours_transposed([a.0, b.0, c.0, d.0]);
                a.0 = _mm256_permute2f128_ps::<0x20>(e, f);
                b.0 = _mm256_permute2f128_ps::<0x20>(g, h);
                c.0 = _mm256_permute2f128_ps::<0x31>(e, f);
                d.0 = _mm256_permute2f128_ps::<0x31>(g, h);
            }
        }
    }

    #[inline(always)]
    fn apart<W: Work>(work: W) {
        #[target_feature(enable = "avx2,fma")]
        #[inline(never)]
        fn compiled<W: Work>(work: W) {
            work.run::<Avx2>();
        }
        // SAFETY: see above.
        unsafe { compiled(work) }
    }

    #[inline(always)]
    unsafe fn transposed_at(x: &[f32], i: usize, step: usize) -> [Self; 8] {
        // SAFETY: see above; by the contract, each row has its eight elements.
        unsafe {
            let [a, b, c, d] = Self::four_columns_at(x, i, step);
            let [e, f, g, h] = Self::four_columns_at(x, i.wrapping_add(4), step);
            [a, b, c, d, e, f, g, h]
        }
    }
}

/// Four rows of four turned into columns, in each half.
#[inline(always)]
fn fours_transposed([a, b, c, d]: [__m256; 4]) -> [__m256; 4] {
    let ((a, c), (b, d)) = (interleaved(a, b), interleaved(c, d));
    // SAFETY: as in the implementation above.
    unsafe {
        [
            _mm256_shuffle_ps::<0x44>(a, b),
            _mm256_shuffle_ps::<0xEE>(a, b),
            _mm256_shuffle_ps::<0x44>(c, d),
            _mm256_shuffle_ps::<0xEE>(c, d),
        ]
    }
}

/// The low and the high pairs of two registers' floats, alternating.
#[inline(always)]
fn interleaved(a: __m256, b: __m256) -> (__m256, __m256) {
    // SAFETY: as in the implementation above.
    unsafe { (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b)) }
}
