//! The loop that dense layers and all convolutions share: sums over taps, for a tile of positions by outputs at a time.
//!
//! Neighbouring positions take the same weights, neighbouring outputs the same inputs. So a tile of sums is kept in
//! registers while its taps pass by: each weight is loaded once a tile, and enough independent sums are in flight to
//! hide the latency of a multiply-add. Every sum starts from its bias and takes taps, then inputs, ascending, whichever
//! tile it is in.
//!
//! Weights are stored in *blocks* of [`block_lanes`] outputs, `[block][tap][inputs][lanes]`, so that a tile reads them
//! in one stream. Blocks of eight and more lanes have their outputs side by side in a vector; in narrower ones, vectors
//! hold neighbouring positions. A vector of outputs times one number of a position, or a vector of positions times one
//! weight: the sums are the same.
//!
//! Positions that have all their taps are swept by tiles; those at the edges come one by one, with the taps that they
//! have. A sweep is a function of its own, so that its loops have all registers to themselves, and its bounds are checked
//! once, before it begins.

#![expect(
    unsafe_code,
    reason = "with a check at each access the sums of a tile leave their registers, and a tile is several times slower"
)]

use super::finish::{Finish, loaded};
use crate::dispatch::vectorised;
use crate::simd::portable::Portable;
use crate::simd::{Vector, Work};
use core::ops::Range;

/// The lanes of a full block.
pub const FULL: usize = 16;

/// Returns how many lanes the block has that begins at output `first` of `outputs`.
///
/// A power of two of at most [`FULL`]; above the outputs that remain only where padding is at most an eighth of all
/// outputs. Padded lanes hold zeros.
#[must_use]
pub const fn block_lanes(outputs: usize, first: usize) -> usize {
    let remaining = outputs.saturating_sub(first);
    if remaining >= FULL {
        return FULL;
    }
    let above = remaining.next_power_of_two();
    if (above - remaining) * 8 <= outputs {
        above
    } else {
        above / 2
    }
}

/// Returns the lanes of all blocks together: as many numbers as one row of packed weights has.
#[must_use]
pub const fn all_lanes(outputs: usize) -> usize {
    let (mut first, mut lanes) = (0, 0);
    while first < outputs {
        lanes += block_lanes(outputs, first);
        first += block_lanes(outputs, first);
    }
    lanes
}

/// One axis: which positions are written, and which inputs they take.
///
/// Output `s` of `count` is written to position `start + s * step`, and takes tap `tap + j * tap_step` from input
/// position `s + offset + j * direction`, for every `j` below `taps`; offset and direction are modulo 2^64.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub(super) length: usize,
    pub(super) start: usize,
    pub(super) step: usize,
    pub(super) count: usize,
    pub(super) tap: usize,
    pub(super) tap_step: usize,
    pub(super) taps: usize,
    pub(super) offset: usize,
    pub(super) direction: usize,
}

impl Axis {
    /// One position, one tap.
    pub(super) const ONE: Self = Self::each(1);

    /// `count` positions that each take the one input position of their own number.
    pub(super) const fn each(count: usize) -> Self {
        Self {
            length: count,
            start: 0,
            step: 1,
            count,
            tap: 0,
            tap_step: 1,
            taps: 1,
            offset: 0,
            direction: 1,
        }
    }

    /// The taps of output `s` that fall inside: neighbours.
    #[inline(always)]
    fn taps_inside(&self, s: usize) -> Range<usize> {
        let first = s.wrapping_add(self.offset);
        if self.direction == 1 {
            // From input position `first` upward.
            let low = if first < self.length {
                0
            } else {
                first.wrapping_neg().min(self.taps)
            };
            low..self.length.wrapping_sub(first).min(self.taps).max(low)
        } else {
            // From input position `first` downward.
            let low = (first + 1).saturating_sub(self.length).min(self.taps);
            low..self.taps.min(first + 1).max(low)
        }
    }

    /// The outputs that have all their taps: neighbours.
    #[inline(always)]
    fn inside(&self) -> Range<usize> {
        let whole = |s: usize| self.taps_inside(s).len() == self.taps;
        let mut range = 0..self.count;
        while range.start < range.end && !whole(range.start) {
            range.start += 1;
        }
        while range.start < range.end && !whole(range.end - 1) {
            range.end -= 1;
        }
        range
    }
}

/// What a layer does, for all outputs of one phase.
///
/// *Shapes*: `x: [vertical.length][horizontal.length][from]`, of which a position's first `inputs` are read; `weights`:
/// blocks; `bias: [outputs]`; `y: [rows][columns][to]`, of which a position's first `outputs` are written.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) x: &'a [f32],
    pub(super) weights: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) columns: usize,
    /// Taps along the horizontal axis and in all.
    pub(super) row_of_taps: usize,
    pub(super) taps: usize,
    pub(super) vertical: Axis,
    pub(super) horizontal: Axis,
    pub(super) finish: Finish<'a>,
}

vectorised! {
    fn write<V>(layer: &Layer<'_>, y: &mut [f32]) {
        layer.write_by::<V>(y);
    }
}

impl Layer<'_> {
    /// Writes all outputs.
    #[inline]
    pub(super) fn write(&self, y: &mut [f32]) {
        write(self, y);
    }

    /// Writes all outputs by these vectors.
    #[inline(always)]
    pub(super) fn write_by<V: Vector>(&self, y: &mut [f32]) {
        // What the slices have room for: sizes beyond them would be work on nothing.
        let outputs = self.outputs.min(self.bias.len());
        let rows = self.taps.saturating_mul(self.inputs);
        let inside = self.horizontal.inside();
        let (mut channel, mut weights) = (0, self.weights);
        while channel < outputs {
            let lanes = block_lanes(self.outputs, channel);
            // A single position has but its outputs to work on side by side.
            let together = match self.horizontal.count {
                1 => self.full_blocks(channel),
                _ => 1,
            };
            let size = rows.saturating_mul(lanes).saturating_mul(together);
            let Some((blocks, left)) = weights.split_at_checked(size) else {
                return;
            };
            for row in 0..self.vertical.count {
                let mut edge = |position: usize| {
                    let sweep = self.sweep(blocks, row, position..position + 1, channel);
                    narrow_or_wide::<V>(&sweep, lanes, together, y);
                };
                (0..inside.start).for_each(&mut edge);
                (inside.end..self.horizontal.count).for_each(&mut edge);
                if !inside.is_empty() {
                    let sweep = self.sweep(blocks, row, inside.clone(), channel);
                    narrow_or_wide::<V>(&sweep, lanes, together, y);
                }
            }
            weights = left;
            channel += lanes * together;
        }
    }

    /// How many full blocks are taken together from `channel` on: four, two or one.
    #[inline(always)]
    fn full_blocks(&self, channel: usize) -> usize {
        let full = |block: usize| block_lanes(self.outputs, channel + block * FULL) == FULL;
        match (full(1), full(2) & full(3)) {
            (true, true) => 4,
            (true, false) => 2,
            _ => 1,
        }
    }

    /// The sweep over `positions` of a row, which all have the taps of the first.
    #[inline(always)]
    fn sweep<'a>(
        &'a self,
        weights: &'a [f32],
        row: usize,
        positions: Range<usize>,
        channel: usize,
    ) -> Sweep<'a> {
        let (vertical, horizontal) = (&self.vertical, &self.horizontal);
        let line = horizontal.length.wrapping_mul(self.from);
        let lines = vertical.taps_inside(row);
        let taps = horizontal.taps_inside(positions.start);
        let source = |axis: &Axis, s: usize, j: usize| {
            s.wrapping_add(axis.offset)
                .wrapping_add(j.wrapping_mul(axis.direction))
        };
        let tap = |axis: &Axis, j: usize| axis.tap + j * axis.tap_step;
        let first_tap =
            tap(vertical, lines.start).wrapping_mul(self.row_of_taps) + tap(horizontal, taps.start);
        let side_by_side = horizontal.direction == 1
            && horizontal.tap_step == 1
            && (taps.len() == 1 || self.from == self.inputs);
        let inner = if side_by_side {
            Steps {
                count: 1,
                x: 0,
                rows: 0,
            }
        } else {
            Steps {
                count: taps.len(),
                x: horizontal.direction.wrapping_mul(self.from),
                rows: horizontal.tap_step.wrapping_mul(self.inputs),
            }
        };
        let output = (vertical.start + row * vertical.step).wrapping_mul(self.columns)
            + horizontal.start
            + positions.start * horizontal.step;
        Sweep {
            layer: self,
            weights,
            channel,
            x: source(vertical, row, lines.start)
                .wrapping_mul(line)
                .wrapping_add(
                    source(horizontal, positions.start, taps.start).wrapping_mul(self.from),
                ),
            row: first_tap.wrapping_mul(self.inputs),
            outer: Steps {
                count: lines.len(),
                x: vertical.direction.wrapping_mul(line),
                rows: vertical
                    .tap_step
                    .wrapping_mul(self.row_of_taps)
                    .wrapping_mul(self.inputs),
            },
            inner,
            run: if side_by_side {
                taps.len().wrapping_mul(self.inputs)
            } else {
                self.inputs
            },
            positions: positions.len(),
            output,
        }
    }
}

/// Steps from one part of a sum to the next: how many, and how far in `x` and in the rows of the weights; modulo 2^64.
#[derive(Clone, Copy)]
struct Steps {
    count: usize,
    x: usize,
    rows: usize,
}

/// Positions of one row of outputs that have the same taps, with the weights of one or more blocks.
#[derive(Clone, Copy)]
struct Sweep<'a> {
    layer: &'a Layer<'a>,
    weights: &'a [f32],
    /// The first output of the first block.
    channel: usize,
    /// The first number of the first position, in the layer's `x`.
    x: usize,
    /// The first row of the weights.
    row: usize,
    outer: Steps,
    inner: Steps,
    /// Numbers of `x`, and rows of the weights, that follow one another.
    run: usize,
    positions: usize,
    /// The first output position.
    output: usize,
}

impl Sweep<'_> {
    /// The same for the positions of this range alone.
    #[inline(always)]
    fn part(&self, range: Range<usize>) -> Self {
        Self {
            x: self
                .x
                .wrapping_add(range.start.wrapping_mul(self.layer.from)),
            positions: range.len(),
            output: self.output + range.start * self.layer.horizontal.step,
            ..*self
        }
    }

    /// Whether all numbers and weights that are read are there, with `blocks` blocks of `lanes` lanes.
    #[inline(always)]
    fn is_inside(&self, blocks: usize, lanes: usize) -> bool {
        self.checked(blocks, lanes).unwrap_or(false)
    }

    /// Whether the last position's outputs up to `end` are in `y`.
    #[inline(always)]
    fn ends_inside(&self, end: usize, y: &[f32]) -> bool {
        let along = (self.positions - 1).checked_mul(self.layer.horizontal.step);
        let last = along.and_then(|along| self.output.checked_add(along));
        let place = last.and_then(|last| last.checked_mul(self.layer.to)?.checked_add(end));
        place.is_some_and(|place| place <= y.len())
    }

    fn checked(&self, blocks: usize, lanes: usize) -> Option<bool> {
        let (outer, inner) = (self.outer, self.inner);
        if self.positions == 0 {
            return Some(false);
        }
        if outer.count == 0 || inner.count == 0 || self.run == 0 {
            return Some(true);
        }
        // Steps of x may go backward.
        let span =
            |steps: Steps| (steps.x as isize).checked_mul(isize::try_from(steps.count - 1).ok()?);
        let (outer_x, inner_x) = (span(outer)?, span(inner)?);
        let along = (self.positions - 1).checked_mul(self.layer.from)?;
        let last = isize::try_from(along.checked_add(self.run)?).ok()?;
        let x = isize::try_from(self.x).ok()?;
        let low = x.checked_add(outer_x.min(0))?.checked_add(inner_x.min(0))?;
        let high = x
            .checked_add(outer_x.max(0))?
            .checked_add(inner_x.max(0))?
            .checked_add(last)?;
        let rows = self
            .row
            .checked_add((outer.count - 1).checked_mul(outer.rows)?)?
            .checked_add((inner.count - 1).checked_mul(inner.rows)?)?
            .checked_add(self.run)?
            .checked_add((blocks - 1).checked_mul(self.rows_of_block())?)?;
        Some(
            low >= 0
                && high.unsigned_abs() <= self.layer.x.len()
                && rows.checked_mul(lanes)? <= self.weights.len(),
        )
    }

    #[inline(always)]
    fn rows_of_block(&self) -> usize {
        self.layer.taps.wrapping_mul(self.layer.inputs)
    }
}

/// Takes a sweep by the tiles that suit its block and the vectors.
#[inline(always)]
fn narrow_or_wide<V: Vector>(sweep: &Sweep, lanes: usize, together: usize, y: &mut [f32]) {
    match (lanes, together) {
        (16, 4) => tiles::<V, 1, 4, 16>(sweep, y),
        (16, 2) => tiles::<V, 1, 2, 16>(sweep, y),
        (16, _) if sweep.positions < 4 => tiles::<V, 1, 1, 16>(sweep, y),
        (16, _) if V::LANES < 8 => whole_and_rest::<V, 4, 16>(sweep, y),
        (16, _) => {
            // Sixes, and fours for what they leave.
            let left = match sweep.positions % 6 {
                left @ (1 | 2) if sweep.positions > 6 => left + 6,
                left => left,
            };
            let sixes = sweep.positions - left;
            if sixes > 0 {
                tiles::<V, 6, 1, 16>(&sweep.part(0..sixes), y);
            }
            if left > 0 {
                let first = sixes.min(sweep.positions - 4);
                tiles::<V, 4, 1, 16>(&sweep.part(first..sweep.positions), y);
            }
        }
        (8, _) if sweep.positions >= 8 && V::LANES == 8 => tiles::<V, 8, 1, 8>(sweep, y),
        (8, _) if sweep.positions < 4 => tiles::<V, 1, 1, 8>(sweep, y),
        (8, _) => whole_and_rest::<V, 4, 8>(sweep, y),
        (4, _) => narrow::<V, 4>(sweep, y),
        (2, _) => narrow::<V, 2>(sweep, y),
        _ => narrow::<V, 1>(sweep, y),
    }
}

/// Tiles of `POSITIONS` positions for what they fit, single positions for the rest.
#[inline(always)]
fn whole_and_rest<V: Vector, const POSITIONS: usize, const LANES: usize>(
    sweep: &Sweep,
    y: &mut [f32],
) {
    let whole = sweep.positions - sweep.positions % POSITIONS;
    tiles::<V, POSITIONS, 1, LANES>(&sweep.part(0..whole), y);
    tiles::<V, 1, 1, LANES>(&sweep.part(whole..sweep.positions), y);
}

/// A block of four or fewer lanes: eight positions a vector, where there are as many.
#[inline(always)]
fn narrow<V: Vector, const LANES: usize>(sweep: &Sweep, y: &mut [f32]) {
    match sweep.positions {
        32.. if V::LANES == 8 && LANES == 1 => V::apart(Across::<4, LANES> { sweep, y }),
        8.. if V::LANES == 8 => V::apart(Across::<1, LANES> { sweep, y }),
        _ => Portable::<LANES>::apart(Tiles::<1, 1, LANES, 1> { sweep, y, first: 0 }),
    }
}

/// All positions, `POSITIONS` by the lanes of `BLOCKS` blocks at a time, as many lanes as registers hold.
#[inline(always)]
fn tiles<V: Vector, const POSITIONS: usize, const BLOCKS: usize, const LANES: usize>(
    sweep: &Sweep,
    y: &mut [f32],
) {
    if LANES == 2 * V::LANES {
        V::apart(Tiles::<POSITIONS, BLOCKS, LANES, 2> { sweep, y, first: 0 });
    } else {
        for first in (0..LANES).step_by(V::LANES) {
            V::apart(Tiles::<POSITIONS, BLOCKS, LANES, 1> { sweep, y, first });
        }
    }
}

/// A sweep by tiles of `POSITIONS` positions by `VECTORS` vectors, from lane `first` on, of each of `BLOCKS` blocks.
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
}

impl<const POSITIONS: usize, const BLOCKS: usize, const LANES: usize, const VECTORS: usize> Work
    for Tiles<'_, POSITIONS, BLOCKS, LANES, VECTORS>
{
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { sweep, y, first } = self;
        let layer = sweep.layer;
        let lanes = first + VECTORS * V::LANES;
        if sweep.positions < POSITIONS || lanes > LANES || !sweep.is_inside(BLOCKS, LANES) {
            return;
        }
        let channel = sweep.channel + first;
        let mut bias = [[V::splat(0.0); VECTORS]; BLOCKS];
        for (block, bias) in bias.iter_mut().enumerate() {
            for (vector, bias) in bias.iter_mut().enumerate() {
                *bias = loaded(layer.bias, channel + block * LANES + vector * V::LANES);
            }
        }
        let whole = sweep.channel + (BLOCKS - 1) * LANES + lanes <= layer.outputs;
        let fits =
            whole && sweep.ends_inside(channel + (BLOCKS - 1) * LANES + VECTORS * V::LANES, y);
        let rows_of_block = sweep.rows_of_block();
        let step = layer.horizontal.step;
        let mut done = 0;
        while done < sweep.positions {
            // A tile that would pass the last position is moved back, and writes again what is there.
            let position = done.min(sweep.positions - POSITIONS);
            done = position + POSITIONS;
            let mut sums = [bias; POSITIONS];
            let start = sweep.x.wrapping_add(position * layer.from);
            for outer in 0..sweep.outer.count {
                for inner in 0..sweep.inner.count {
                    let x = start
                        .wrapping_add(outer.wrapping_mul(sweep.outer.x))
                        .wrapping_add(inner.wrapping_mul(sweep.inner.x));
                    let row = sweep.row + outer * sweep.outer.rows + inner * sweep.inner.rows;
                    let mut numbers: [&[f32]; POSITIONS] = [&[]; POSITIONS];
                    for (k, numbers) in numbers.iter_mut().enumerate() {
                        // SAFETY: `is_inside` has seen that the run's numbers are there.
                        *numbers = unsafe { from(layer.x, x + k * layer.from) };
                    }
                    for i in 0..sweep.run {
                        let mut loaded = [[V::splat(0.0); VECTORS]; BLOCKS];
                        for (block, loaded) in loaded.iter_mut().enumerate() {
                            let lane = (block * rows_of_block + row + i) * LANES + first;
                            for (vector, loaded) in loaded.iter_mut().enumerate() {
                                // SAFETY: `is_inside` has seen that all rows are there, with all their lanes.
                                *loaded =
                                    unsafe { V::load_at(sweep.weights, lane + vector * V::LANES) };
                            }
                        }
                        for (sums, numbers) in sums.iter_mut().zip(numbers) {
                            // SAFETY: `is_inside` has seen that all numbers are there.
                            let number = unsafe { V::splat_at(numbers, i) };
                            for (sums, loaded) in sums.iter_mut().zip(loaded) {
                                for (sum, weight) in sums.iter_mut().zip(loaded) {
                                    *sum = number.fma(weight, *sum);
                                }
                            }
                        }
                    }
                }
            }
            let output = sweep.output + position * step;
            layer.finish.apply(&mut sums, output, step, channel, LANES);
            if !fits {
                // A copy: what is given away by reference would live in memory all the time.
                let sums = sums;
                store_some(sweep, &sums, y, output, channel, LANES);
                continue;
            }
            for (k, sums) in sums.iter().enumerate() {
                let start = (output + k * step) * layer.to + channel;
                for (block, sums) in sums.iter().enumerate() {
                    for (vector, sum) in sums.iter().enumerate() {
                        // SAFETY: `ends_inside` has seen that the last position's last output is there.
                        unsafe { sum.store_at(y, start + block * LANES + vector * V::LANES) };
                    }
                }
            }
        }
    }
}

/// A sweep of a block of four or fewer lanes by `VECTORS` vectors of eight positions.
struct Across<'a, const VECTORS: usize, const LANES: usize> {
    sweep: &'a Sweep<'a>,
    y: &'a mut [f32],
}

impl<const VECTORS: usize, const LANES: usize> Work for Across<'_, VECTORS, LANES> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { sweep, y } = self;
        let layer = sweep.layer;
        if sweep.positions < 8 * VECTORS || V::LANES != 8 || !sweep.is_inside(1, LANES) {
            return;
        }
        let mut bias = [V::splat(0.0); LANES];
        for (lane, bias) in bias.iter_mut().enumerate() {
            let number = layer.bias.get(sweep.channel + lane);
            *bias = V::splat(number.copied().unwrap_or_default());
        }
        let step = layer.horizontal.step;
        let mut done = 0;
        while done < sweep.positions {
            let position = done.min(sweep.positions - 8 * VECTORS);
            done = position + 8 * VECTORS;
            let mut sums = [bias; VECTORS];
            let start = sweep.x.wrapping_add(position * layer.from);
            for outer in 0..sweep.outer.count {
                for inner in 0..sweep.inner.count {
                    let x = start
                        .wrapping_add(outer.wrapping_mul(sweep.outer.x))
                        .wrapping_add(inner.wrapping_mul(sweep.inner.x));
                    let row = sweep.row + outer * sweep.outer.rows + inner * sweep.inner.rows;
                    let mut i = 0;
                    while i < sweep.run {
                        // Eight numbers of eight positions turn into eight columns at once.
                        let several = i + 8 <= sweep.run && layer.from > 1;
                        let count = if several { 8 } else { 1 };
                        for (vector, sums) in sums.iter_mut().enumerate() {
                            let x = x + vector * 8 * layer.from + i;
                            // SAFETY: `is_inside` has seen that all numbers are there.
                            let columns = unsafe {
                                match (several, layer.from) {
                                    (true, from) => V::transposed_at(layer.x, x, from),
                                    (false, 1) => [V::load_at(layer.x, x); 8],
                                    (false, from) => [V::gather_at(layer.x, x, from); 8],
                                }
                            };
                            for (j, column) in columns.into_iter().enumerate().take(count) {
                                for (lane, sum) in sums.iter_mut().enumerate() {
                                    // SAFETY: `is_inside` has seen that all rows are there.
                                    let weight = unsafe {
                                        V::splat_at(sweep.weights, (row + i + j) * LANES + lane)
                                    };
                                    *sum = column.fma(weight, *sum);
                                }
                            }
                        }
                        i += count;
                    }
                }
            }
            let left = layer.outputs.saturating_sub(sweep.channel);
            for (vector, sums) in sums.into_iter().enumerate() {
                let output = sweep.output + (position + vector * 8) * step;
                for (lane, sum) in sums.into_iter().enumerate().take(left) {
                    let channel = sweep.channel + lane;
                    if layer.to * step == 1 {
                        // Neighbouring positions' only outputs stand side by side.
                        let mut sums = [[[sum]]];
                        layer.finish.apply(&mut sums, output, step, channel, LANES);
                        let [[[sum]]] = sums;
                        sum.store(y.get_mut(output..).unwrap_or_default());
                        continue;
                    }
                    let mut column = [0.0; 8];
                    sum.store(&mut column);
                    let mut column = column.map(|number| [[Portable([number])]]);
                    layer
                        .finish
                        .apply(&mut column, output, step, channel, LANES);
                    for (k, [[number]]) in column.into_iter().enumerate() {
                        let start = (output + k * step).wrapping_mul(layer.to);
                        let y = y.get_mut(start.wrapping_add(channel)..);
                        number.store(y.unwrap_or_default());
                    }
                }
            }
        }
    }
}

/// The numbers from `start` on.
///
/// # Safety
/// There are as many as will be read.
#[inline(always)]
unsafe fn from(x: &[f32], start: usize) -> &[f32] {
    // SAFETY: the caller knows that `start` is inside.
    unsafe { x.get_unchecked(start..) }
}

/// Writes a tile of which some lanes are padding: its positions are `output` and each step after it.
#[cold]
#[inline(never)]
fn store_some<V: Vector, const POSITIONS: usize, const BLOCKS: usize, const VECTORS: usize>(
    sweep: &Sweep,
    sums: &[[[V; VECTORS]; BLOCKS]; POSITIONS],
    y: &mut [f32],
    output: usize,
    channel: usize,
    block_lanes: usize,
) {
    let layer = sweep.layer;
    for (k, sums) in sums.iter().enumerate() {
        let start = (output + k * layer.horizontal.step).wrapping_mul(layer.to);
        for (block, sums) in sums.iter().enumerate() {
            for (vector, sum) in sums.iter().enumerate() {
                let channel = channel + block * block_lanes + vector * V::LANES;
                let count = layer.outputs.saturating_sub(channel).min(V::LANES);
                let mut lanes = [0.0; 8];
                sum.store(&mut lanes);
                let y = y.get_mut(start.wrapping_add(channel)..).unwrap_or_default();
                for (y, lane) in y.iter_mut().zip(lanes).take(count) {
                    *y = lane;
                }
            }
        }
    }
}
