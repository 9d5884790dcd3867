//! Plain arrays, every access checked.

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
    unsafe fn splat_of(x: &[f32], i: usize) -> Self {
        Self::splat(x.get(i).copied().unwrap_or_default())
    }

    #[inline(always)]
    unsafe fn load_row<const M: usize>(rows: &[[f32; M]], i: usize, first: usize) -> Self {
        let row = rows.get(i).map_or(&[][..], |row| &row[..]);
        Self::load(row.get(first..).unwrap_or_default())
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
    unsafe fn transposed(rows: [&[f32]; 8], start: usize) -> [Self; 8] {
        let mut columns = [Self([0.0; N]); 8];
        for (lane, row) in rows.into_iter().enumerate().take(N) {
            let row = row.get(start..).and_then(|row| row.first_chunk::<8>());
            for (column, number) in columns.iter_mut().zip(row.copied().unwrap_or_default()) {
                column.0[lane] = number;
            }
        }
        columns
    }
}
