//! Dense layer: `y[o] = bias[o] + sum over i, ascending, of x[i] * weight[i][o]`.
//!
//! The sum runs across outputs: a block of them is accumulated side by side, input after input, which vectorises in
//! strict order. The weights of a block are therefore stored together: block after block, `[inputs][lanes]` each. A
//! block has [`block_lanes`] lanes of the outputs that remain; the lanes past the last output hold zeros.

use crate::dispatch::vectorised;
use crate::fma::{Arithmetic, Native};

/// The lanes of a full block: eight vectors of eight, enough sums in flight to hide the latency of a multiply-add.
const FULL: usize = 64;

/// Returns how many lanes the next block has where `remaining` outputs are left: a power of two of at most 64, above
/// `remaining` only where at most a quarter of it is padding.
#[must_use]
pub const fn block_lanes(remaining: usize) -> usize {
    if remaining >= FULL {
        return FULL;
    }
    let above = remaining.next_power_of_two();
    if remaining * 4 >= above * 3 {
        above
    } else {
        above / 2
    }
}

/// Returns the length of the packed weights of a layer.
#[must_use]
pub const fn packed_length(inputs: usize, outputs: usize) -> usize {
    let (mut remaining, mut lanes_in_all) = (outputs, 0);
    while remaining > 0 {
        let lanes = block_lanes(remaining);
        lanes_in_all += lanes;
        remaining = remaining.saturating_sub(lanes);
    }
    inputs * lanes_in_all
}

vectorised! {
    /// Computes a dense layer.
    ///
    /// *Shapes*: `x: [IN]`, `weights`: packed, [`packed_length`]`(IN, OUT)`, `bias` and `y: [OUT]`.
    pub fn dense(x: &[f32], weights: &[f32], bias: &[f32], y: &mut [f32]) {
        let (mut weights, mut bias, mut y) = (weights, bias, y);
        while !y.is_empty() {
            let lanes = block_lanes(y.len());
            let outputs = lanes.min(y.len());
            let (Some((block, weights_left)), Some((block_bias, bias_left)), Some((block_y, y_left))) = (
                weights.split_at_checked(lanes.saturating_mul(x.len())),
                bias.split_at_checked(outputs),
                y.split_at_mut_checked(outputs),
            ) else {
                return;
            };
            match lanes {
                64 => dense_block::<64>(x, block, block_bias, block_y),
                32 => dense_block::<32>(x, block, block_bias, block_y),
                16 => dense_block::<16>(x, block, block_bias, block_y),
                8 => dense_block::<8>(x, block, block_bias, block_y),
                4 => dense_block::<4>(x, block, block_bias, block_y),
                2 => dense_block::<2>(x, block, block_bias, block_y),
                _ => dense_block::<1>(x, block, block_bias, block_y),
            }
            (weights, bias, y) = (weights_left, bias_left, y_left);
        }
    }
}

/// Computes the outputs of one block of weights: all its lanes at once where registers hold that many sums, sixteen at a
/// time where there are but 32 single ones.
#[inline(always)]
fn dense_block<const LANES: usize>(x: &[f32], weights: &[f32], bias: &[f32], y: &mut [f32]) {
    let (rows, _) = weights.as_chunks::<LANES>();
    if cfg!(target_arch = "arm") && LANES > 16 {
        for (tile, (bias, y)) in bias.chunks(16).zip(y.chunks_mut(16)).enumerate() {
            let tiles = rows.iter().map(|row| row.as_chunks().0.get(tile));
            dense_tile::<16>(x, tiles.flatten(), bias, y);
        }
    } else {
        dense_tile(x, rows.iter(), bias, y);
    }
}

/// Adds row after row, each times its input, to the bias.
#[inline(always)]
fn dense_tile<'a, const LANES: usize>(
    x: &[f32],
    rows: impl Iterator<Item = &'a [f32; LANES]>,
    bias: &[f32],
    y: &mut [f32],
) {
    // Constant indices throughout, or the sums would live in memory.
    let mut sums: [f32; LANES] =
        core::array::from_fn(|lane| bias.get(lane).copied().unwrap_or_default());
    for (&x, row) in x.iter().zip(rows) {
        for (sum, &weight) in sums.iter_mut().zip(row) {
            *sum = Native::fma(x, weight, *sum);
        }
    }
    for (lane, sum) in sums.into_iter().enumerate() {
        if let Some(y) = y.get_mut(lane) {
            *y = sum;
        }
    }
}
