//! Plain arrays.

use super::Vector;
use crate::elementary;
use crate::fma::{Arithmetic, Native};

/// `N` numbers.
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
    fn store(self, y: &mut [f32]) {
        if let Some(y) = y.first_chunk_mut() {
            *y = self.0;
        }
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
    fn transposed(rows: [&[f32]; 8]) -> [Self; 8] {
        let mut columns = [Self([0.0; N]); 8];
        for (lane, row) in rows.into_iter().enumerate().take(N) {
            let row = row.first_chunk::<8>().copied().unwrap_or_default();
            for j in 0..8 {
                columns[j].0[lane] = row[j];
            }
        }
        columns
    }
}
