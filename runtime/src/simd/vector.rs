//! The operations that tiles are written in, and what can be done by any vectors.

use crate::domain::{Guarded, Ranges};
use crate::index::{along, numbered};

/// The lanes of the widest vectors.
const MOST: usize = 16;

/// So many numbers, each operation on all of them. What only some vectors have instructions for is written out in plain arrays.
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
    unsafe fn splat_at(x: &[f32], i: usize) -> Self;

    /// Returns the numbers from `i` on.
    ///
    /// # Safety
    /// There are as many numbers from `i` on.
    unsafe fn load_at(x: &[f32], i: usize) -> Self;

    /// Writes to the first [`Vector::LANES`] numbers; does nothing where there are fewer.
    fn store(self, y: &mut [f32]);

    /// Writes to the numbers from `i` on.
    ///
    /// # Safety
    /// There are as many numbers from `i` on.
    unsafe fn store_at(self, y: &mut [f32], i: usize);

    /// Writes the first `count` lanes, as far as there is room.
    fn store_some(self, y: &mut [f32], count: usize) {
        let mut lanes = [0.0; MOST];
        self.store(&mut lanes);
        for (y, lane) in y.iter_mut().zip(lanes).take(count.min(Self::LANES)) {
            *y = lane;
        }
    }

    /// Returns `self * b + c` in [`Native`](crate::fma::Native) arithmetic.
    fn fma(self, b: Self, c: Self) -> Self;

    /// Returns the sum.
    fn add(self, b: Self) -> Self;

    /// Returns `x > 0.0 ? x : 0.0` in every lane.
    fn relu(self) -> Self;

    /// Returns the numbers as results are given out: every NaN, and every number where `invalid` has all bits but the
    /// sign's, is the NaN 0x7FC00000. Keeps the largest sizes, as bits, in `largest`. No branch.
    fn given_out(self, invalid: u32, largest: &mut Self) -> Self;

    /// Returns what eight inputs are beside their ranges: [`Ranges::guarded`]. No branch but for what the ranges are.
    fn guarded(ranges: &Ranges, x: [f32; 8]) -> Guarded;

    /// Returns number `i` and the others of as many lanes, each `step` after the one before.
    ///
    /// # Safety
    /// There are all of them.
    unsafe fn gather_at(x: &[f32], i: usize, step: usize) -> Self {
        let [column] = columns(x, i, step);
        column
    }

    /// Returns number `i + j + k * step` as lane `k` of vector `j`: rows of two turned into columns.
    ///
    /// # Safety
    /// There are all of them.
    unsafe fn two_columns_at(x: &[f32], i: usize, step: usize) -> [Self; 2] {
        columns(x, i, step)
    }

    /// The same for rows of four.
    ///
    /// # Safety
    /// There are all of them.
    unsafe fn four_columns_at(x: &[f32], i: usize, step: usize) -> [Self; 4] {
        columns(x, i, step)
    }

    /// The same for rows of eight.
    ///
    /// # Safety
    /// There are all of them.
    unsafe fn transposed_at(x: &[f32], i: usize, step: usize) -> [Self; 8] {
        columns(x, i, step)
    }

    /// Turns one, two or four columns into rows, one after the other: lane `k` of vector `j` becomes number `k * COLUMNS + j` of
    /// all.
    fn interleave<const COLUMNS: usize>(vectors: &mut [Self; COLUMNS]) {
        let mut numbers = [[0.0; MOST]; COLUMNS];
        for (numbers, vector) in numbers.iter_mut().zip(&*vectors) {
            vector.store(numbers);
        }
        for (j, vector) in numbered(vectors.iter_mut()) {
            let mut row = [0.0; MOST];
            for (k, number) in numbered(row.iter_mut()).take(Self::LANES) {
                let place = along(k, j, Self::LANES);
                *number = numbers[place % COLUMNS][place / COLUMNS];
            }
            *vector = Self::load(&row);
        }
    }

    /// Does some work as a function of its own, compiled for these vectors: its loops have all registers to themselves.
    fn apart<W: Work>(work: W);
}

/// Rows turned into columns in plain arrays; what is not there is zero.
#[inline(always)]
fn columns<V: Vector, const COLUMNS: usize>(x: &[f32], i: usize, step: usize) -> [V; COLUMNS] {
    core::array::from_fn(|j| {
        let mut column = [0.0; MOST];
        for (lane, number) in numbered(column.iter_mut()).take(V::LANES) {
            *number = x
                .get(along(i.wrapping_add(j), lane, step))
                .copied()
                .unwrap_or_default();
        }
        V::load(&column)
    })
}

/// What can be done by any vectors.
pub(crate) trait Work {
    /// Does it; to be inlined always.
    fn run<V: Vector>(self);
}
