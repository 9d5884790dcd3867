//! Vectors of sixteen floats in a register of an x86-64 processor with AVX-512, for tiles of whole
//! blocks of outputs.

use super::portable::Portable;
use super::{Vector, Work};
use crate::domain::{Guarded, Ranges};
use crate::fma::{Arithmetic, Native};
use core::arch::x86_64::*;

/// Sixteen floats. Only functions compiled for AVX-512, and called where the processor has it, may
/// name this type: those behind [`is_there`].
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

/// Whether this processor has AVX-512: known at compile time in builds for such processors alone,
/// else detected.
#[inline(always)]
pub(crate) fn is_there() -> bool {
    #[cfg(target_feature = "avx512f")]
    return true;
    #[cfg(all(
        not(target_feature = "avx512f"),
        feature = "std",
        not(feature = "compact")
    ))]
    return std::is_x86_feature_detected!("avx512f");
    #[cfg(not(any(
        target_feature = "avx512f",
        all(feature = "std", not(feature = "compact"))
    )))]
    false
}

// SAFETY of every block below: this type is named behind `is_there` only.
impl Vector for Avx512 {
    const LANES: usize = 16;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_set1_ps(x) })
    }

    #[inline(always)]
    fn load(x: &[f32]) -> Self {
        match x.first_chunk::<16>() {
            // SAFETY: see above; the array has the sixteen floats that are read, and needs no
            // alignment.
            Some(x) => Self(unsafe { _mm512_loadu_ps(x.as_ptr()) }),
            None => Self::splat(0.0),
        }
    }

    #[inline(always)]
    unsafe fn splat_at(x: &[f32], i: usize) -> Self {
        // SAFETY: by the contract, element `i` exists.
        Self::splat(unsafe { *x.get_unchecked(i) })
    }

    #[inline(always)]
    unsafe fn load_at(x: &[f32], i: usize) -> Self {
        // SAFETY: see above; by the contract, there are sixteen elements from `i` on.
        Self(unsafe { _mm512_loadu_ps(x.as_ptr().add(i)) })
    }

    #[inline(always)]
    fn store(self, y: &mut [f32]) {
        if let Some(y) = y.first_chunk_mut::<16>() {
            // SAFETY: see above; the array has room for the sixteen floats that are written, and
            // needs no alignment.
            unsafe { _mm512_storeu_ps(y.as_mut_ptr(), self.0) }
        }
    }

    #[inline(always)]
    unsafe fn store_at(self, y: &mut [f32], i: usize) {
        // SAFETY: see above; by the contract, there are sixteen elements from `i` on.
        unsafe { _mm512_storeu_ps(y.as_mut_ptr().add(i), self.0) }
    }

    #[inline(always)]
    fn store_some(self, y: &mut [f32], count: usize) {
        let count = count.min(y.len()).min(16);
        let mask = ((1_u32 << count) - 1) as u16;
        // SAFETY: see above; the lanes of the mask fit, the others are not written.
        unsafe { _mm512_mask_storeu_ps(y.as_mut_ptr(), mask, self.0) }
    }

    #[inline(always)]
    fn fma(self, b: Self, c: Self) -> Self {
        if Native::FUSED {
            // SAFETY: see above.
            Self(unsafe { _mm512_fmadd_ps(self.0, b.0, c.0) })
        } else {
            // SAFETY: see above.
            Self(unsafe { _mm512_add_ps(_mm512_mul_ps(self.0, b.0), c.0) })
        }
    }

    #[inline(always)]
    fn add(self, b: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm512_add_ps(self.0, b.0) })
    }

    #[inline(always)]
    fn relu(self) -> Self {
        // The instruction is `a > b ? a : b`, with b where either is NaN.
        // SAFETY: see above.
        Self(unsafe { _mm512_max_ps(self.0, _mm512_setzero_ps()) })
    }

    // Operations that tiles of outputs do not use, in plain arrays.

    #[inline(always)]
    fn given_out(self, invalid: u32, largest: &mut Self) -> Self {
        let mut plain_largest = largest.plain();
        let given = self.plain().given_out(invalid, &mut plain_largest);
        *largest = Self::load(&plain_largest.0);
        Self::load(&given.0)
    }

    #[inline(always)]
    fn guarded(ranges: &Ranges, x: [f32; 8]) -> Guarded {
        ranges.guarded(x)
    }

    #[inline(always)]
    fn apart<W: Work>(work: W) {
        #[target_feature(enable = "avx512f,avx2,fma")]
        #[inline(never)]
        fn compiled<W: Work>(work: W) {
            work.run::<Avx512>();
        }
        // SAFETY: see above.
        unsafe { compiled(work) }
    }
}

impl Avx512 {
    #[inline(always)]
    fn plain(self) -> Portable<16> {
        let mut plain = [0.0; 16];
        self.store(&mut plain);
        Portable(plain)
    }
}
