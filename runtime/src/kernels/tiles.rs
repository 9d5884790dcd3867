//! The loop that dense layers and all convolutions share: sums over taps, for a tile of positions by outputs at a time.
//!
//! Neighbouring positions take the same weights, neighbouring outputs the same inputs. So a tile of sums is kept in
//! registers while its taps pass by: each weight is loaded once a tile, and enough independent sums are in flight to
//! hide the latency of a multiply-add. Every sum starts from its bias and takes taps, then inputs, ascending, whichever
//! tile it is in.
//!
//! A block's outputs stand side by side in vectors. In blocks of four and fewer, neighbouring positions do where there are
//! eight of them (`narrow.rs`); the sums are the same.
//!
//! The work on a sweep is a function of its own, so that its loops have all registers to themselves. Its bounds are
//! checked once, before it begins: work that exists stays inside.

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

/// Takes a sweep by the tiles that suit its blocks of `lanes`, `together` at a time, and the vectors.
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
            // Sixes, and fours for what they leave.
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

/// Whether so many positions are taken by vectors of sixteen outputs, two blocks at a time where there are two: each number of
/// a position is then loaded once for both. (With four blocks the compiler keeps some of the sums in memory.)
#[inline(always)]
pub(super) fn suits_wide(positions: usize) -> bool {
    positions >= 6 && has_sixteen()
}

/// Tiles of `POSITIONS` positions for what they fit, single positions for the rest.
#[inline(always)]
fn whole_and_rest<V: Vector, const POSITIONS: usize, const LANES: usize>(
    sweep: &Sweep,
    y: &mut [f32],
) {
    let whole = sweep.positions.wrapping_sub(sweep.positions % POSITIONS);
    tiles::<V, POSITIONS, 1, LANES>(&sweep.part(0..whole), y);
    tiles::<V, 1, 1, LANES>(&sweep.part(whole..sweep.positions), y);
}

/// All positions, `POSITIONS` by the lanes of `BLOCKS` blocks at a time, as many lanes as registers hold.
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

/// A sweep by tiles of `POSITIONS` positions by `VECTORS` vectors, from lane `first` on, of each of `BLOCKS` blocks.
///
/// One of these reads inside its arrays; where `whole`, it writes inside them as well.
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
    /// All lanes are outputs, for which there is room.
    whole: bool,
}

impl<'a, const POSITIONS: usize, const BLOCKS: usize, const LANES: usize, const VECTORS: usize>
    Tiles<'a, POSITIONS, BLOCKS, LANES, VECTORS>
{
    /// The work by vectors `V`, if everything that it reads is there.
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
        // From the first position to each. Where the compiler knew how they follow from one another, it would reckon
        // them anew at each step of the innermost loop.
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
                    // SAFETY: `new` has seen that the run's numbers are there, of which there is at least one.
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
                            // SAFETY: `new` has seen that all rows are there, with all their lanes.
                            *weight =
                                unsafe { V::load_at(sweep.weights, along(lane, vector, V::LANES)) };
                        }
                    }
                    for (sums, numbers) in sums.iter_mut().zip(numbers) {
                        // SAFETY: `new` has seen that all numbers are there.
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
                    // SAFETY: `new` has seen that the last position's last output is there.
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
            // A tile that would pass the last position is moved back, and writes again what is there.
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
