//! Products in vectors of sixteen floats, for x86-64 with AVX-512.
#![expect(
    unsafe_code,
    reason = "vectors are loaded and stored through pointers, with instructions that not every \
              processor has"
)]

use super::tile::{LANES, Start, Target, Tile, Tiles};
use core::arch::x86_64::*;

/// Rows of a tile: with two vectors each, 24 of the 32 registers hold sums.
const ROWS: usize = 12;

pub(super) fn multiply(tiles: &Tiles<'_>, mut target: Target<'_>) {
    assert!(
        is_x86_feature_detected!("avx512f"),
        "the processor has no AVX-512"
    );
    let unit = tiles.left.step == 1;
    tiles.each(ROWS, 2, |tile| {
        // SAFETY: the processor has the instructions; `super::multiply` has checked that all
        // numbers of a tile exist in all three matrices.
        unsafe {
            match (unit, tile.panels) {
                (true, 2) => rows::<true, 2>(tiles, tile, &mut target),
                (true, _) => rows::<true, 1>(tiles, tile, &mut target),
                (false, 2) => rows::<false, 2>(tiles, tile, &mut target),
                (false, _) => rows::<false, 1>(tiles, tile, &mut target),
            }
        }
    });
}

/// Takes a tile, compiled for its number of rows.
///
/// # Safety
/// As [`sums`].
#[inline(always)]
unsafe fn rows<const UNIT: bool, const PANELS: usize>(
    tiles: &Tiles<'_>,
    tile: Tile,
    target: &mut Target<'_>,
) {
    macro_rules! compiled {
        ($($rows:literal)*) => {
            // SAFETY: by the contract.
            unsafe {
                match tile.rows {
                    $($rows => sums::<$rows, UNIT, PANELS>(tiles, tile, target),)*
                    _ => sums::<ROWS, UNIT, PANELS>(tiles, tile, target),
                }
            }
        };
    }
    compiled!(1 2 3 4 5 6 7 8 9 10 11);
}

/// Writes a tile of `M` rows by `PANELS` vectors; `UNIT`: the left matrix's step is 1, else its row
/// is.
///
/// # Safety
/// The processor has AVX-512; all numbers of the tile lie in their matrices.
#[target_feature(enable = "avx512f")]
#[inline(never)]
unsafe fn sums<const M: usize, const UNIT: bool, const PANELS: usize>(
    tiles: &Tiles<'_>,
    tile: Tile,
    target: &mut Target<'_>,
) {
    let left = tiles.left;
    let (row, step) = if UNIT { (left.row, 1) } else { (1, left.step) };
    // The last panel may have eight columns; the right matrix has sixteen numbers a row even so.
    let mut masks = [u16::MAX; PANELS];
    if let Some(mask) = masks.last_mut() {
        *mask = ((1_u32 << tile.last) - 1) as u16;
    }
    let mut sums = [[_mm512_setzero_ps(); PANELS]; M];
    // SAFETY: by the contract, every place below exists; lanes outside a mask are neither read nor
    // written, and loads and stores need no alignment.
    unsafe {
        let place = Tiles::target_at(tile, target);
        let out = target.data.as_mut_ptr().wrapping_add(place);
        match tiles.start {
            Start::Zero => {}
            Start::Rows(starts) => {
                for (m, sums) in sums.iter_mut().enumerate() {
                    *sums = [_mm512_set1_ps(*starts.get_unchecked(tile.row + m)); PANELS];
                }
            }
            Start::Target => {
                for (m, sums) in sums.iter_mut().enumerate() {
                    for (p, sum) in sums.iter_mut().enumerate() {
                        let place = out.wrapping_add(m * target.row + p * target.panel);
                        *sum = _mm512_maskz_loadu_ps(masks[p], place);
                    }
                }
            }
        }
        let mut block = left.data.as_ptr().add(tiles.left_at(tile));
        let mut right = tiles.right.data.as_ptr().add(tiles.right_at(tile));
        let mut remaining = tiles.sizes.inner;
        while remaining > 0 {
            let count = remaining.min(LANES);
            let mut factors = block;
            for _ in 0..count {
                let mut vectors = [_mm512_setzero_ps(); PANELS];
                for (p, vector) in vectors.iter_mut().enumerate() {
                    *vector =
                        _mm512_loadu_ps(right.wrapping_add(p.wrapping_mul(tiles.right.panel)));
                }
                for (m, sums) in sums.iter_mut().enumerate() {
                    let factor = _mm512_set1_ps(*factors.wrapping_add(m.wrapping_mul(row)));
                    // Builds of tests do not inline the iterators of two arrays.
                    for p in 0..PANELS {
                        sums[p] = _mm512_fmadd_ps(factor, vectors[p], sums[p]);
                    }
                }
                factors = factors.wrapping_add(step);
                right = right.wrapping_add(LANES);
            }
            block = block.wrapping_add(left.block);
            remaining -= count;
        }
        for (m, sums) in sums.iter().enumerate() {
            for (p, sum) in sums.iter().enumerate() {
                let place = out.wrapping_add(m * target.row + p * target.panel);
                _mm512_mask_storeu_ps(place, masks[p], *sum);
            }
        }
    }
}
