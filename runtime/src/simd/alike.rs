//! Slices of one length, and the innermost loops over them, which therefore need no check.

use super::Vector;

/// `N` slices, each of `length` elements.
#[derive(Clone, Copy)]
pub(crate) struct Alike<'a, T, const N: usize> {
    slices: [&'a [T]; N],
    length: usize,
}

impl<'a, T, const N: usize> Alike<'a, T, N> {
    /// The first `length` elements of each slice that `slice` gives; `None` where one has fewer.
    #[inline(always)]
    pub(crate) fn new(length: usize, slice: impl Fn(usize) -> Option<&'a [T]>) -> Option<Self> {
        let mut slices: [&[T]; N] = [&[]; N];
        for (n, alike) in slices.iter_mut().enumerate() {
            *alike = slice(n)?.get(..length)?;
        }
        Some(Self { slices, length })
    }

    /// The `length` elements from each `step`-th one on; `None` where there are fewer.
    #[inline(always)]
    pub(crate) fn strided(all: &'a [T], step: usize, length: usize) -> Option<Self> {
        let last = (N - 1).checked_mul(step)?;
        if last.checked_add(length)? > all.len() {
            return None;
        }
        let mut slices: [&[T]; N] = [&[]; N];
        for (n, alike) in slices.iter_mut().enumerate() {
            // SAFETY: the last of them, which begins at `last`, ends inside.
            *alike = unsafe { all.get_unchecked(n * step..n * step + length) };
        }
        Some(Self { slices, length })
    }
}

/// See [`Vector::weigh`].
#[inline(always)]
pub(super) fn weigh<
    V: Vector,
    const POSITIONS: usize,
    const BLOCKS: usize,
    const LANES: usize,
    const VECTORS: usize,
>(
    sums: &mut [[[V; VECTORS]; BLOCKS]; POSITIONS],
    numbers: &Alike<f32, POSITIONS>,
    weights: &Alike<[f32; LANES], BLOCKS>,
    first: usize,
) {
    if first + VECTORS * V::LANES > LANES {
        return;
    }
    // In registers: through the reference, the compiler would keep them in memory.
    let (mut held, slices) = (*sums, numbers.slices);
    for i in 0..numbers.length.min(weights.length) {
        let mut loaded = [[V::splat(0.0); VECTORS]; BLOCKS];
        for (rows, loaded) in weights.slices.iter().zip(&mut loaded) {
            for (vector, loaded) in loaded.iter_mut().enumerate() {
                // SAFETY: `i` is below the length of all slices, and the last vector ends within the lanes.
                *loaded = unsafe { V::load_row(rows, i, first + vector * V::LANES) };
            }
        }
        for (sums, numbers) in held.iter_mut().zip(slices) {
            // SAFETY: `i` is below the length of all slices.
            let number = unsafe { V::splat_of(numbers, i) };
            for (sums, loaded) in sums.iter_mut().zip(loaded) {
                for (sum, weight) in sums.iter_mut().zip(loaded) {
                    *sum = number.fma(weight, *sum);
                }
            }
        }
    }
    *sums = held;
}

/// See [`Vector::weigh_across`].
#[inline(always)]
pub(super) fn weigh_across<V: Vector, const LANES: usize>(
    sums: &mut [V; LANES],
    numbers: &Alike<f32, 8>,
    weights: &Alike<[f32; LANES], 1>,
) {
    let mut held = *sums;
    let length = numbers.length.min(weights.length);
    let [weights] = weights.slices;
    let mut i = 0;
    while i + 8 <= length {
        // SAFETY: the eight numbers from `i` on are below the length of all slices.
        let columns = unsafe { V::transposed(numbers.slices, i) };
        for column in columns {
            for (lane, sum) in held.iter_mut().enumerate() {
                // SAFETY: `i` is below the length.
                let weight = unsafe { V::splat_of(weights.as_flattened(), i * LANES + lane) };
                *sum = column.fma(weight, *sum);
            }
            i += 1;
        }
    }
    while i < length {
        let mut column = [0.0; 8];
        for (number, numbers) in column.iter_mut().zip(numbers.slices) {
            *number = numbers.get(i).copied().unwrap_or_default();
        }
        for (lane, sum) in held.iter_mut().enumerate() {
            // SAFETY: `i` is below the length.
            let weight = unsafe { V::splat_of(weights.as_flattened(), i * LANES + lane) };
            *sum = V::load(&column).fma(weight, *sum);
        }
        i += 1;
    }
    *sums = held;
}
