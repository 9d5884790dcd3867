//! The loop of dense layers and all convolutions: sums over taps, one tile of positions by outputs
//! at a time.
//!
//! Neighbouring positions share weights, neighbouring outputs share inputs. So a tile of sums stays
//! in registers during the loop over taps: each weight is loaded once for a tile, and enough
//! independent sums are in flight to hide the latency of a multiply-add. Every sum starts from its
//! bias and takes taps, then inputs, ascending, in whichever tile it is.
//!
//! The lanes of a vector are the outputs of a block. In blocks of at most four outputs they are
//! neighbouring positions, if there are eight (`narrow.rs`); the sums are the same.
//!
//! The work on a sweep is a separate function, so that its loops can use all registers. Its bounds
//! are checked once, when it is constructed.

#![expect(
    unsafe_code,
    reason = "with a check at each access the sums of a tile leave their registers, and a tile is several times slower"
)]

use super::finish::loaded;
use super::sweep::Sweep;
use crate::index::{along, numbered};
#[cfg(target_arch = "x86_64")]
use crate::simd::avx512::Avx512;
use crate::simd::portable::Portable;
use crate::simd::{Vector, Work, has_sixteen};
use core::hint::black_box;

/// Computes a sweep, `together` blocks of `lanes` at a time, with the tiles and vectors that suit
/// it.
#[inline(always)]
pub(super) fn write<V: Vector>(sweep: &Sweep, lanes: usize, together: usize, y: &mut [f32]) {
    match (lanes, together) {
        #[cfg(target_arch = "x86_64")]
        (16, 2) if suits_wide(sweep.positions) => tiles::<Avx512, 6, 2, 16>(sweep, y),
        #[cfg(target_arch = "x86_64")]
        (16, 1) if suits_wide(sweep.positions) => tiles::<Avx512, 6, 1, 16>(sweep, y),
        (16, 4) => tiles::<V, 1, 4, 16>(sweep, y),
        (16, 2) => tiles::<V, 1, 2, 16>(sweep, y),
        (16, _) if sweep.positions < 4 => tiles::<V, 1, 1, 16>(sweep, y),
        (16, _) if V::LANES < 8 => whole_and_rest::<V, 4, 16>(sweep, y),
        (16, _) => {
            // Tiles of six positions, and of four for the rest.
            let left = match sweep.positions % 6 {
                left @ (1 | 2) if sweep.positions > 6 => left.wrapping_add(6),
                left => left,
            };
            let sixes = sweep.positions.wrapping_sub(left);
            if sixes > 0 {
                tiles::<V, 6, 1, 16>(&sweep.part(0..sixes), y);
            }
            if left > 0 {
                let first = sixes.min(sweep.positions.wrapping_sub(4));
                tiles::<V, 4, 1, 16>(&sweep.part(first..sweep.positions), y);
            }
        }
        (8, _) if sweep.positions >= 8 && V::LANES == 8 => tiles::<V, 8, 1, 8>(sweep, y),
        (8, _) if sweep.positions < 4 => tiles::<V, 1, 1, 8>(sweep, y),
        (8, _) => whole_and_rest::<V, 4, 8>(sweep, y),
        (4, _) => tiles::<Portable<4>, 1, 1, 4>(sweep, y),
        (2, _) => tiles::<Portable<2>, 1, 1, 2>(sweep, y),
        _ => tiles::<Portable<1>, 1, 1, 1>(sweep, y),
    }
}

/// Whether this many positions use vectors of sixteen outputs, two blocks at a time if there are
/// two: each input is then loaded once for both blocks. (With four blocks the compiler keeps some
/// sums in memory.)
#[inline(always)]
pub(super) fn suits_wide(positions: usize) -> bool {
    positions >= 6 && has_sixteen()
}

/// Tiles of `POSITIONS` positions, and single positions for the rest.
#[inline(always)]
fn whole_and_rest<V: Vector, const POSITIONS: usize, const LANES: usize>(
    sweep: &Sweep,
    y: &mut [f32],
) {
    let whole = sweep.positions.wrapping_sub(sweep.positions % POSITIONS);
    tiles::<V, POSITIONS, 1, LANES>(&sweep.part(0..whole), y);
    tiles::<V, 1, 1, LANES>(&sweep.part(whole..sweep.positions), y);
}

/// All positions, in tiles of `POSITIONS` positions by `BLOCKS` blocks, as many lanes at a time as
/// fit in registers.
#[inline(always)]
fn tiles<V: Vector, const POSITIONS: usize, const BLOCKS: usize, const LANES: usize>(
    sweep: &Sweep,
    y: &mut [f32],
) {
    if LANES == 2 * V::LANES {
        if let Some(work) = Tiles::<POSITIONS, BLOCKS, LANES, 2>::new::<V>(sweep, 0, y) {
            V::apart(work);
        }
        return;
    }
    for first in (0..LANES).step_by(V::LANES) {
        if let Some(work) = Tiles::<POSITIONS, BLOCKS, LANES, 1>::new::<V>(sweep, first, y) {
            V::apart(work);
        }
    }
}

/// A sweep in tiles of `POSITIONS` positions by `VECTORS` vectors, from lane `first` on, of each of
/// `BLOCKS` blocks.
///
/// A value of this type reads inside its arrays only; if `whole`, it writes inside them only.
struct Tiles<
    'a,
    const POSITIONS: usize,
    const BLOCKS: usize,
    const LANES: usize,
    const VECTORS: usize,
> {
    sweep: &'a Sweep<'a>,
    y: &'a mut [f32],
    first: usize,
    /// All lanes are outputs, and fit in `y`.
    whole: bool,
}

impl<'a, const POSITIONS: usize, const BLOCKS: usize, const LANES: usize, const VECTORS: usize>
    Tiles<'a, POSITIONS, BLOCKS, LANES, VECTORS>
{
    /// Returns the work with vectors `V`, if every element that it reads exists.
    #[inline(always)]
    fn new<V: Vector>(sweep: &'a Sweep<'a>, first: usize, y: &'a mut [f32]) -> Option<Self> {
        let end = along(first, VECTORS, V::LANES);
        let inside = sweep.positions >= POSITIONS && end <= LANES && sweep.is_inside(BLOCKS, LANES);
        let last = along(end, BLOCKS - 1, LANES);
        let whole = last <= sweep.bias.len() && sweep.ends_inside(last, y);
        inside.then_some(Self {
            sweep,
            y,
            first,
            whole,
        })
    }
}

impl<const POSITIONS: usize, const BLOCKS: usize, const LANES: usize, const VECTORS: usize> Work
    for Tiles<'_, POSITIONS, BLOCKS, LANES, VECTORS>
{
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self {
            sweep,
            y,
            first,
            whole,
        } = self;
        let mut bias = [[V::splat(0.0); VECTORS]; BLOCKS];
        for (block, bias) in numbered(bias.iter_mut()) {
            for (vector, bias) in numbered(bias.iter_mut()) {
                *bias = loaded(
                    sweep.bias,
                    along(along(first, block, LANES), vector, V::LANES),
                );
            }
        }
        // Offsets of each position from the first. If the compiler knew how they are derived, it
        // would compute them anew in the innermost loop.
        let mut offsets = [0; POSITIONS];
        for (k, offset) in numbered(offsets.iter_mut()) {
            *offset = k.wrapping_mul(sweep.from);
        }
        let offsets = black_box(offsets);
        let last = sweep.positions.wrapping_sub(POSITIONS);
        let mut position = 0;
        loop {
            let mut sums = [bias; POSITIONS];
            sweep.each_run(position, |x, row| {
                let mut numbers: [&[f32]; POSITIONS] = [&[]; POSITIONS];
                for (numbers, offset) in numbers.iter_mut().zip(offsets) {
                    // SAFETY: `new` verified that the run's elements exist; there is at least one.
                    *numbers = unsafe { sweep.x.get_unchecked(x.wrapping_add(offset)..) };
                }
                let mut done = 0;
                loop {
                    let i = done;
                    let mut weights = [[V::splat(0.0); VECTORS]; BLOCKS];
                    for (block, weights) in numbered(weights.iter_mut()) {
                        let row = along(row.wrapping_add(i), block, sweep.rows_of_block);
                        let lane = along(first, row, LANES);
                        for (vector, weight) in numbered(weights.iter_mut()) {
                            // SAFETY: `new` verified that all rows exist, with all their lanes.
                            *weight =
                                unsafe { V::load_at(sweep.weights, along(lane, vector, V::LANES)) };
                        }
                    }
                    for (sums, numbers) in sums.iter_mut().zip(numbers) {
                        // SAFETY: `new` verified that all elements exist.
                        let number = unsafe { V::splat_at(numbers, i) };
                        for (sums, weights) in sums.iter_mut().zip(weights) {
                            for (sum, weight) in sums.iter_mut().zip(weights) {
                                *sum = number.fma(weight, *sum);
                            }
                        }
                    }
                    done = done.wrapping_add(1);
                    if done == sweep.run {
                        break;
                    }
                }
            });
            let moved = |start: usize, step: usize| {
                start
                    .wrapping_add(position.wrapping_mul(step))
                    .wrapping_add(first)
            };
            let residual = moved(sweep.residual, sweep.residual_step);
            sweep
                .finish
                .apply(&mut sums, residual, sweep.residual_step, LANES);
            let start = moved(sweep.y, sweep.to);
            if whole {
                each_place::<V, POSITIONS, BLOCKS, VECTORS>(sums, LANES, |sum, k, lane| {
                    let place = start
                        .wrapping_add(k.wrapping_mul(sweep.to))
                        .wrapping_add(lane);
                    // SAFETY: `new` verified that the last position's last output exists.
                    unsafe { sum.store_at(y, place) };
                });
            } else {
                each_place::<V, POSITIONS, BLOCKS, VECTORS>(sums, LANES, |sum, k, lane| {
                    let place = start
                        .wrapping_add(k.wrapping_mul(sweep.to))
                        .wrapping_add(lane);
                    let outputs = sweep.bias.len().saturating_sub(first.wrapping_add(lane));
                    sum.store_some(y.get_mut(place..).unwrap_or_default(), outputs);
                });
            }
            if position == last {
                return;
            }
            // A tile that would pass the last position is moved back, and writes some outputs
            // again.
            position = position.wrapping_add(POSITIONS).min(last);
        }
    }
}

/// Calls `store` for each vector of a tile, with its position and its first lane.
#[inline(always)]
fn each_place<V: Vector, const POSITIONS: usize, const BLOCKS: usize, const VECTORS: usize>(
    sums: [[[V; VECTORS]; BLOCKS]; POSITIONS],
    lanes: usize,
    mut store: impl FnMut(V, usize, usize),
) {
    for (k, sums) in numbered(sums) {
        for (block, sums) in numbered(sums) {
            for (vector, sum) in numbered(sums) {
                store(sum, k, along(block.wrapping_mul(lanes), vector, V::LANES));
            }
        }
    }
}
