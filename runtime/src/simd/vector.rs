//! The vector operations of the tiles, and functions that any vectors can execute.

use crate::domain::{Guarded, Ranges};
use crate::index::{along, numbered};

/// The number of lanes of the widest vectors.
const MOST: usize = 16;

/// A vector of floats, with elementwise operations. Operations that only some vectors have
/// instructions for are given in plain arrays.
pub(crate) trait Vector: Copy {
    /// The number of lanes.
    const LANES: usize;

    /// Returns `x` in every lane.
    fn splat(x: f32) -> Self;

    /// Returns the first [`Vector::LANES`] elements; zeros where there are fewer.
    fn load(x: &[f32]) -> Self;

    /// Returns element `i` in every lane.
    ///
    /// # Safety
    /// Element `i` exists.
    unsafe fn splat_at(x: &[f32], i: usize) -> Self;

    /// Returns the elements from `i` on.
    ///
    /// # Safety
    /// There are at least [`Vector::LANES`] elements from `i` on.
    unsafe fn load_at(x: &[f32], i: usize) -> Self;

    /// Writes to the first [`Vector::LANES`] elements; does nothing if there are fewer.
    fn store(self, y: &mut [f32]);

    /// Writes to the elements from `i` on.
    ///
    /// # Safety
    /// There are at least [`Vector::LANES`] elements from `i` on.
    unsafe fn store_at(self, y: &mut [f32], i: usize);

    /// Writes the first `count` lanes that fit.
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

    /// Returns the values as results: every NaN, and every value where `invalid` has all bits but
    /// the sign's, becomes the NaN 0x7FC00000. Keeps the largest magnitudes, as bits, in `largest`.
    /// No branch.
    fn given_out(self, invalid: u32, largest: &mut Self) -> Self;

    /// Returns the check of eight inputs against their ranges: [`Ranges::guarded`]. Branches depend
    /// on the ranges alone.
    fn guarded(ranges: &Ranges, x: [f32; 8]) -> Guarded;

    /// Returns element `i` and those at multiples of `step` after it, one for each lane.
    ///
    /// # Safety
    /// All of these elements exist.
    unsafe fn gather_at(x: &[f32], i: usize, step: usize) -> Self {
        let [column] = columns(x, i, step);
        column
    }

    /// Returns element `i + j + k * step` as lane `k` of vector `j`: rows of two turned into
    /// columns.
    ///
    /// # Safety
    /// All of these elements exist.
    unsafe fn two_columns_at(x: &[f32], i: usize, step: usize) -> [Self; 2] {
        columns(x, i, step)
    }

    /// As [`Vector::two_columns_at`], for rows of four.
    ///
    /// # Safety
    /// All of these elements exist.
    unsafe fn four_columns_at(x: &[f32], i: usize, step: usize) -> [Self; 4] {
        columns(x, i, step)
    }

    /// As [`Vector::two_columns_at`], for rows of eight.
    ///
    /// # Safety
    /// All of these elements exist.
    unsafe fn transposed_at(x: &[f32], i: usize, step: usize) -> [Self; 8] {
        columns(x, i, step)
    }

    /// Turns one, two or four columns into rows, one after the other: lane `k` of vector `j`
    /// becomes element `k * COLUMNS + j`.
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

    /// Executes some work as a separate function, compiled for these vectors, so that its loops can
    /// use all registers.
    fn apart<W: Work>(work: W);
}

/// Turns rows into columns with plain arrays; missing elements are zero.
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

/// Work that any vectors can execute.
pub(crate) trait Work {
    /// Executes it; must be inlined.
    fn run<V: Vector>(self);
}
