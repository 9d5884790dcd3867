//! Vectors as plain arrays, every access checked.

use super::{Vector, Work};
use crate::domain::{Guarded, Ranges};
use crate::elementary;
use crate::fma::{Arithmetic, Native};

/// `N` floats.
#[derive(Clone, Copy)]
pub(crate) struct Portable<const N: usize>(pub(crate) [f32; N]);

impl<const N: usize> Vector for Portable<N> {
    const LANES: usize = N;

    #[inline(always)]
    fn splat(x: f32) -> Self {
        Self([x; N])
    }

    #[inline(always)]
    fn load(x: &[f32]) -> Self {
        Self(x.first_chunk().copied().unwrap_or([0.0; N]))
    }

    #[inline(always)]
    unsafe fn splat_at(x: &[f32], i: usize) -> Self {
        Self::splat(x.get(i).copied().unwrap_or_default())
    }

    #[inline(always)]
    unsafe fn load_at(x: &[f32], i: usize) -> Self {
        Self::load(x.get(i..).unwrap_or_default())
    }

    #[inline(always)]
    fn store(self, y: &mut [f32]) {
        if let Some(y) = y.first_chunk_mut() {
            *y = self.0;
        }
    }

    #[inline(always)]
    unsafe fn store_at(self, y: &mut [f32], i: usize) {
        self.store(y.get_mut(i..).unwrap_or_default());
    }

    #[inline(always)]
    fn fma(self, b: Self, mut c: Self) -> Self {
        for lane in 0..N {
            c.0[lane] = Native::fma(self.0[lane], b.0[lane], c.0[lane]);
        }
        c
    }

    #[inline(always)]
    fn add(mut self, b: Self) -> Self {
        for lane in 0..N {
            self.0[lane] += b.0[lane];
        }
        self
    }

    #[inline(always)]
    fn relu(mut self) -> Self {
        for lane in 0..N {
            self.0[lane] = elementary::relu(self.0[lane]);
        }
        self
    }

    #[inline(always)]
    fn given_out(mut self, invalid: u32, largest: &mut Self) -> Self {
        for (lane, largest) in self.0.iter_mut().zip(&mut largest.0) {
            let size = lane.to_bits() & 0x7FFF_FFFF;
            *largest = f32::from_bits(largest.to_bits().max(size));
            let not_a_number = size | invalid > f32::INFINITY.to_bits();
            let bits = if not_a_number {
                0x7FC0_0000
            } else {
                lane.to_bits()
            };
            *lane = f32::from_bits(bits);
        }
        self
    }

    #[inline(always)]
    fn guarded(ranges: &Ranges, x: [f32; 8]) -> Guarded {
        ranges.guarded(x)
    }

    #[inline(never)]
    fn apart<W: Work>(work: W) {
        work.run::<Self>();
    }
}
