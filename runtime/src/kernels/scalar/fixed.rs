//! The run of a tile whose positions and width are constants, so that the compiler keeps its sums
//! in vectors: for processors with vectors, in builds of few kernels.

use super::tile::Tile;
use crate::fma::{Arithmetic, Native};
use crate::index::numbered;
use crate::kernels::blocks::FULL;

/// Adds the run's products to the initial values of the sums `[positions][width]`, row after row.
///
/// # Safety
/// All inputs, rows and initial values exist. The initial values may be the sums themselves.
#[inline(never)]
pub(super) unsafe fn accumulate(tile: &Tile, sums: &mut [f32; FULL]) {
    let positions = tile.positions.min(tile.left);
    // SAFETY of all calls: by this function's contract.
    unsafe {
        match (positions, tile.width) {
            (2, 8) => block::<2, 8>(tile, 0, sums),
            (4, 4) => block::<4, 4>(tile, 0, sums),
            (4, 2) => block::<4, 2>(tile, 0, sums),
            (4, 1) => block::<4, 1>(tile, 0, sums),
            _ => {
                for first in 0..positions {
                    match tile.width {
                        16 => block::<1, 16>(tile, first, sums),
                        8 => block::<1, 8>(tile, first, sums),
                        4 => block::<1, 4>(tile, first, sums),
                        2 => block::<1, 2>(tile, first, sums),
                        _ => block::<1, 1>(tile, first, sums),
                    }
                }
            }
        }
    }
}

/// [`accumulate`] for a constant number of positions, from `first` on.
///
/// # Safety
/// Those of [`accumulate`].
#[inline(always)]
unsafe fn block<const POSITIONS: usize, const WIDTH: usize>(
    tile: &Tile,
    first: usize,
    all: &mut [f32; FULL],
) {
    let places = all.as_chunks_mut::<WIDTH>().0;
    let Some(places) = places.get_mut(first..) else {
        return;
    };
    let Some(places) = places.first_chunk_mut::<POSITIONS>() else {
        return;
    };
    // Otherwise the initial values are the sums: they exist, and are not read through another
    // reference while borrowed.
    if tile.start_step == 0 {
        // SAFETY: by this function's contract.
        *places = [unsafe { *tile.start.cast::<[f32; WIDTH]>() }; POSITIONS];
    }
    let mut sums = *places;
    let mut row = tile.weights;
    let mut x = tile.x.wrapping_add(first.wrapping_mul(tile.from));
    for _ in 0..tile.run {
        // SAFETY: by this function's contract.
        let weights = unsafe { *row.cast::<[f32; WIDTH]>() };
        for (k, sums) in numbered(sums.iter_mut()) {
            // SAFETY: by this function's contract.
            let number = unsafe { *x.wrapping_add(k.wrapping_mul(tile.from)) };
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = Native::fma(number, weight, *sum);
            }
        }
        row = row.wrapping_add(tile.lanes);
        x = x.wrapping_add(1);
    }
    *places = sums;
}
