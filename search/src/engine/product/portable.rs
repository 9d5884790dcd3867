//! Products and transposes in plain arrays, for processors without better vectors.

use super::tile::{LANES, Start, Target, Tiles};
use dense_runtime::fma::Arithmetic;

/// The multiply-add of the target: fused where each processor has it.
#[cfg(any(target_arch = "aarch64", target_feature = "fma"))]
type Plain = dense_runtime::fma::Fused;
/// The multiply-add of the target: fused where each processor has it.
#[cfg(not(any(target_arch = "aarch64", target_feature = "fma")))]
type Plain = dense_runtime::fma::Separate;

/// Rows of a tile.
const ROWS: usize = 2;

pub(super) fn multiply(tiles: &Tiles<'_>, target: Target<'_>) {
    tiles.each(ROWS, 1, |tile| {
        let (left, inner) = (tiles.left, tiles.sizes.inner);
        let (from, to) = (tiles.right_at(tile), Tiles::target_at(tile, &target));
        for m in 0..tile.rows {
            let place = to + m * target.row;
            let row = &mut target.data[place..place + tile.last];
            let mut sums = [0.0_f32; LANES];
            match tiles.start {
                Start::Zero => {}
                Start::Rows(starts) => sums = [starts[tile.row + m]; LANES],
                Start::Target => sums[..tile.last].copy_from_slice(row),
            }
            let first = tiles.left_at(tile) + m * left.row;
            let rows = tiles.right.data[from..].as_chunks::<LANES>().0;
            for (k, right) in rows[..inner].iter().enumerate() {
                let factor = left.data[first + k / LANES * left.block + k % LANES * left.step];
                for (sum, &right) in sums.iter_mut().zip(right) {
                    *sum = Plain::fma(factor, right, *sum);
                }
            }
            row.copy_from_slice(&sums[..tile.last]);
        }
    });
}

pub(super) fn turn(source: &[f32], source_row: usize, target: &mut [f32], target_row: usize) {
    for i in 0..LANES {
        let row = &source[i * source_row..][..LANES];
        for (j, &value) in row.iter().enumerate() {
            target[j * target_row + i] = value;
        }
    }
}
