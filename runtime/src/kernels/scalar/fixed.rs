//! The run of a tile whose positions and width are constants, so that the compiler keeps its sums in vectors: for processors that
//! have them, in builds of few kernels.

use super::tile::Tile;
use crate::fma::{Arithmetic, Native};
use crate::index::numbered;
use crate::kernels::blocks::FULL;

/// Adds the run's products to what the sums `[positions][width]` start with, row after row.
///
/// # Safety
/// All numbers and rows are there, and what to start with, which may be the sums.
#[inline(never)]
pub(super) unsafe fn accumulate(tile: &Tile, sums: &mut [f32; FULL]) {
    let positions = tile.positions.min(tile.left);
    // SAFETY of all calls: as the caller says.
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

/// The same for so many positions from `first` on.
///
/// # Safety
/// As above.
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
    // Else the sums are what to start with: they are there, and are not read by another way while they are lent.
    if tile.start_step == 0 {
        // SAFETY: as the caller says.
        *places = [unsafe { *tile.start.cast::<[f32; WIDTH]>() }; POSITIONS];
    }
    let mut sums = *places;
    let mut row = tile.weights;
    let mut x = tile.x.wrapping_add(first.wrapping_mul(tile.from));
    for _ in 0..tile.run {
        // SAFETY: as the caller says.
        let weights = unsafe { *row.cast::<[f32; WIDTH]>() };
        for (k, sums) in numbered(sums.iter_mut()) {
            // SAFETY: as the caller says.
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
