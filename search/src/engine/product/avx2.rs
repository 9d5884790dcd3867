//! Products and transposes in vectors of eight floats, for x86-64 with AVX2 and FMA.
#![expect(
    unsafe_code,
    reason = "vectors are loaded and stored through pointers, with instructions that not every \
              processor has"
)]

use super::tile::{LANES, Start, Target, Tile, Tiles};
use core::arch::x86_64::*;

/// Rows of a tile: with two vectors each, twelve of the sixteen registers hold sums.
const ROWS: usize = 6;

pub(super) fn multiply(tiles: &Tiles<'_>, mut target: Target<'_>) {
    assert!(is_there(), "the processor has no AVX2");
    let unit = tiles.left.step == 1;
    tiles.each(ROWS, 1, |tile| {
        // SAFETY: the processor has the instructions; `super::multiply` has checked that all
        // numbers of a tile exist in all three matrices.
        unsafe {
            match (unit, tile.last == LANES) {
                (true, true) => rows::<true, 2>(tiles, tile, &mut target),
                (true, false) => rows::<true, 1>(tiles, tile, &mut target),
                (false, true) => rows::<false, 2>(tiles, tile, &mut target),
                (false, false) => rows::<false, 1>(tiles, tile, &mut target),
            }
        }
    });
}

fn is_there() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// Takes a tile, compiled for its number of rows.
///
/// # Safety
/// As [`sums`].
#[inline(always)]
unsafe fn rows<const UNIT: bool, const VECTORS: usize>(
    tiles: &Tiles<'_>,
    tile: Tile,
    target: &mut Target<'_>,
) {
    // SAFETY: by the contract.
    unsafe {
        match tile.rows {
            1 => sums::<1, UNIT, VECTORS>(tiles, tile, target),
            2 => sums::<2, UNIT, VECTORS>(tiles, tile, target),
            3 => sums::<3, UNIT, VECTORS>(tiles, tile, target),
            4 => sums::<4, UNIT, VECTORS>(tiles, tile, target),
            5 => sums::<5, UNIT, VECTORS>(tiles, tile, target),
            _ => sums::<ROWS, UNIT, VECTORS>(tiles, tile, target),
        }
    }
}

/// Writes a tile of `M` rows by `VECTORS` vectors; `UNIT`: the left matrix's step is 1, else its
/// row is.
///
/// # Safety
/// The processor has AVX2 and FMA; all numbers of the tile lie in their matrices.
#[target_feature(enable = "avx2,fma")]
#[inline(never)]
unsafe fn sums<const M: usize, const UNIT: bool, const VECTORS: usize>(
    tiles: &Tiles<'_>,
    tile: Tile,
    target: &mut Target<'_>,
) {
    let left = tiles.left;
    let (row, step) = if UNIT { (left.row, 1) } else { (1, left.step) };
    let mut sums = [[_mm256_setzero_ps(); VECTORS]; M];
    // SAFETY: by the contract, every place below exists; loads and stores need no alignment.
    unsafe {
        let place = Tiles::target_at(tile, target);
        let out = target.data.as_mut_ptr().add(place);
        match tiles.start {
            Start::Zero => {}
            Start::Rows(starts) => {
                for (m, sums) in sums.iter_mut().enumerate() {
                    *sums = [_mm256_set1_ps(*starts.get_unchecked(tile.row + m)); VECTORS];
                }
            }
            Start::Target => {
                for (m, sums) in sums.iter_mut().enumerate() {
                    for (v, sum) in sums.iter_mut().enumerate() {
                        *sum = _mm256_loadu_ps(out.add(m * target.row + 8 * v));
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
                let mut vectors = [_mm256_setzero_ps(); VECTORS];
                for (v, vector) in vectors.iter_mut().enumerate() {
                    *vector = _mm256_loadu_ps(right.wrapping_add(8 * v));
                }
                for (m, sums) in sums.iter_mut().enumerate() {
                    let factor = _mm256_broadcast_ss(&*factors.wrapping_add(m.wrapping_mul(row)));
                    // Builds of tests do not inline the iterators of two arrays.
                    for v in 0..VECTORS {
                        sums[v] = _mm256_fmadd_ps(factor, vectors[v], sums[v]);
                    }
                }
                factors = factors.wrapping_add(step);
                right = right.wrapping_add(LANES);
            }
            block = block.wrapping_add(left.block);
            remaining -= count;
        }
        for (m, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                _mm256_storeu_ps(out.add(m * target.row + 8 * v), *sum);
            }
        }
    }
}

pub(super) fn turn(source: &[f32], source_row: usize, target: &mut [f32], target_row: usize) {
    assert!(is_there(), "the processor has no AVX2");
    for i in [0, 8] {
        for j in [0, 8] {
            let source = &source[i * source_row + j..][..7 * source_row + 8];
            let target = &mut target[j * target_row + i..][..7 * target_row + 8];
            // SAFETY: the processor has AVX2, and both slices have eight rows of eight numbers.
            unsafe { turn_eight(source, source_row, target, target_row) }
        }
    }
}

/// Transposes eight rows of eight numbers.
///
/// # Safety
/// The processor has AVX2; both slices have eight rows of eight numbers.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn turn_eight(source: &[f32], source_row: usize, target: &mut [f32], target_row: usize) {
    let mut rows = [_mm256_setzero_ps(); 8];
    for (i, row) in rows.iter_mut().enumerate() {
        // SAFETY: by the contract.
        *row = unsafe { _mm256_loadu_ps(source.as_ptr().add(i * source_row)) };
    }
    let pairs = |a: __m256, b: __m256| (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
    let ((a, b), (c, d)) = (pairs(rows[0], rows[1]), pairs(rows[2], rows[3]));
    let ((e, f), (g, h)) = (pairs(rows[4], rows[5]), pairs(rows[6], rows[7]));
    const LOW: i32 = 0b01_00_01_00;
    const HIGH: i32 = 0b11_10_11_10;
    let low = [
        _mm256_shuffle_ps::<LOW>(a, c),
        _mm256_shuffle_ps::<HIGH>(a, c),
        _mm256_shuffle_ps::<LOW>(b, d),
        _mm256_shuffle_ps::<HIGH>(b, d),
    ];
    let high = [
        _mm256_shuffle_ps::<LOW>(e, g),
        _mm256_shuffle_ps::<HIGH>(e, g),
        _mm256_shuffle_ps::<LOW>(f, h),
        _mm256_shuffle_ps::<HIGH>(f, h),
    ];
    for j in 0..4 {
        // SAFETY: by the contract.
        unsafe {
            let out = target.as_mut_ptr();
            let first = _mm256_permute2f128_ps::<0x20>(low[j], high[j]);
            _mm256_storeu_ps(out.add(j * target_row), first);
            let second = _mm256_permute2f128_ps::<0x31>(low[j], high[j]);
            _mm256_storeu_ps(out.add((j + 4) * target_row), second);
        }
    }
}
