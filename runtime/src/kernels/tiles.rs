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
//! A tap outside the input is left out, or a row of zeros is weighed there; a zero more changes no sum but the sign of a
//! zero, and convolutions end in `sum + 0.0`, which is never a negative zero.

use super::finish::{Finish, loaded};
use crate::dispatch::vectorised;
use crate::simd::Vector;
use crate::simd::alike::Alike;
use crate::simd::portable::Portable;
use core::ops::Range;

/// The lanes of a full block.
pub const FULL: usize = 16;

/// What positions outside the input hold.
static ZEROS: [f32; 1024] = [0.0; 1024];

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

    /// The input position of output `s` at its tap number `j`; outside where it is not below `length`.
    #[inline(always)]
    fn source(&self, s: usize, j: usize) -> usize {
        s.wrapping_add(self.offset)
            .wrapping_add(j.wrapping_mul(self.direction))
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

/// A tile's place: the row of outputs, its first output position there, and its first output channel.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    position: usize,
    channel: usize,
}

vectorised! {
    /// One function for all layers: it is large.
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
    fn write_by<V: Vector>(&self, y: &mut [f32]) {
        // What the slices have room for: sizes beyond them would be work on nothing.
        let outputs = self.outputs.min(self.bias.len());
        let rows = self.taps.saturating_mul(self.inputs);
        let (mut channel, mut weights) = (0, self.weights);
        while channel < outputs {
            let lanes = block_lanes(self.outputs, channel);
            // A single position has but its outputs to work on side by side.
            // A single position has but its outputs to work on side by side.
            let together = match self.horizontal.count {
                1 => self.full_blocks(channel),
                _ => 1,
            };
            let size = rows.saturating_mul(lanes).saturating_mul(together);
            let Some((blocks, left)) = weights.split_at_checked(size) else {
                return;
            };
            match (lanes, together) {
                (16, 4) => self.single::<V, 4>(blocks, y, channel),
                (16, 2) => self.single::<V, 2>(blocks, y, channel),
                (16, _) => self.block::<V, 16>(blocks, y, channel),
                (8, _) => self.block::<V, 8>(blocks, y, channel),
                (4, _) => self.narrow::<V, 4>(blocks, y, channel),
                (2, _) => self.narrow::<V, 2>(blocks, y, channel),
                _ => self.narrow::<V, 1>(blocks, y, channel),
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

    /// One position of each row, `BLOCKS` full blocks at a time.
    #[inline(always)]
    fn single<V: Vector, const BLOCKS: usize>(
        &self,
        weights: &[f32],
        y: &mut [f32],
        channel: usize,
    ) {
        for row in 0..self.vertical.count {
            let place = Place {
                row,
                position: 0,
                channel,
            };
            self.tile::<V, 1, BLOCKS, 16>(weights, y, place);
        }
    }

    /// All positions of one block of eight or more lanes.
    #[inline(always)]
    fn block<V: Vector, const LANES: usize>(&self, weights: &[f32], y: &mut [f32], channel: usize) {
        let count = self.horizontal.count;
        for row in 0..self.vertical.count {
            let mut done = 0;
            while done < count {
                let size = tile_size(LANES, V::LANES, count, count - done);
                // A tile that would pass the last position is moved back, and writes again what is there.
                let position = done.min(count - size);
                let place = Place {
                    row,
                    position,
                    channel,
                };
                match size {
                    8 if LANES == 8 => self.tile::<V, 8, 1, 8>(weights, y, place),
                    6 if LANES == 16 => self.tile::<V, 6, 1, 16>(weights, y, place),
                    4 => self.tile::<V, 4, 1, LANES>(weights, y, place),
                    _ => self.tile::<V, 1, 1, LANES>(weights, y, place),
                }
                done = position + size;
            }
        }
    }

    /// All positions of one block of four or fewer lanes: eight positions a vector, where there are as many.
    #[inline(always)]
    fn narrow<V: Vector, const LANES: usize>(
        &self,
        weights: &[f32],
        y: &mut [f32],
        channel: usize,
    ) {
        let count = self.horizontal.count;
        for row in 0..self.vertical.count {
            let mut done = 0;
            while done < count {
                let place = |position| Place {
                    row,
                    position,
                    channel,
                };
                done += match count {
                    16.. if V::LANES == 8 && LANES < 4 => {
                        self.across::<V, 2, LANES>(weights, y, place(done.min(count - 16)));
                        16
                    }
                    8.. if V::LANES == 8 => {
                        self.across::<V, 1, LANES>(weights, y, place(done.min(count - 8)));
                        8
                    }
                    4.. if V::LANES == 4 => {
                        let place = place(done.min(count - 4));
                        self.strip::<Portable<LANES>, 4, 1, LANES, 1>(weights, y, place, 0);
                        4
                    }
                    _ => {
                        self.strip::<Portable<LANES>, 1, 1, LANES, 1>(weights, y, place(done), 0);
                        1
                    }
                };
            }
        }
    }

    /// Writes `POSITIONS` positions of the outputs of `BLOCKS` blocks, all the lanes at once where registers hold them.
    #[inline(always)]
    fn tile<V: Vector, const POSITIONS: usize, const BLOCKS: usize, const LANES: usize>(
        &self,
        weights: &[f32],
        y: &mut [f32],
        place: Place,
    ) {
        match LANES / V::LANES {
            1 => self.strip::<V, POSITIONS, BLOCKS, LANES, 1>(weights, y, place, 0),
            2 if V::LANES == 8 => {
                self.strip::<V, POSITIONS, BLOCKS, LANES, 2>(weights, y, place, 0)
            }
            4 if POSITIONS * BLOCKS == 1 => {
                self.strip::<V, POSITIONS, BLOCKS, LANES, 4>(weights, y, place, 0)
            }
            _ => {
                for lane in (0..LANES).step_by(V::LANES) {
                    self.strip::<V, POSITIONS, BLOCKS, LANES, 1>(weights, y, place, lane);
                }
            }
        }
    }

    /// Writes `POSITIONS` positions of the outputs in `VECTORS` vectors from lane `first` of each of `BLOCKS` blocks.
    #[inline(always)]
    fn strip<
        V: Vector,
        const POSITIONS: usize,
        const BLOCKS: usize,
        const LANES: usize,
        const VECTORS: usize,
    >(
        &self,
        weights: &[f32],
        y: &mut [f32],
        place: Place,
        first: usize,
    ) {
        let (weights, _) = weights.as_chunks::<LANES>();
        let mut sums = [[[V::splat(0.0); VECTORS]; BLOCKS]; POSITIONS];
        for block in 0..BLOCKS {
            for vector in 0..VECTORS {
                let lane = place.channel + block * LANES + first + vector * V::LANES;
                let bias = loaded::<V>(self.bias, lane);
                for sums in &mut sums {
                    sums[block][vector] = bias;
                }
            }
        }
        for (line, tap) in self.lines(place.row) {
            let source = self.horizontal.source(place.position, 0);
            if self.has_all_taps(place.position, POSITIONS) {
                let numbers = line
                    .get(source.wrapping_mul(self.from)..)
                    .unwrap_or_default();
                let length = self.horizontal.taps.wrapping_mul(self.inputs);
                let numbers = Alike::strided(numbers, self.from, length);
                let weights = self.weights_of(weights, tap, 0..length);
                if let (Some(numbers), Some(weights)) = (numbers, weights) {
                    V::weigh(&mut sums, &numbers, &weights, first);
                }
                continue;
            }
            for j in 0..self.horizontal.taps {
                let source = self.horizontal.source(place.position, j);
                let tap = tap + self.horizontal.tap + j * self.horizontal.tap_step;
                if POSITIONS == 1 && source >= self.horizontal.length {
                    continue;
                }
                let mut start = 0;
                while start < self.inputs {
                    let part = start..self.inputs.min(start + ZEROS.len());
                    start = part.end;
                    let numbers = self.rows(line, source, part.clone());
                    let weights = self.weights_of(weights, tap, part);
                    if let (Some(numbers), Some(weights)) = (numbers, weights) {
                        V::weigh(&mut sums, &numbers, &weights, first);
                    }
                }
            }
        }
        let channel = place.channel + first;
        let position = self.written(place, 0);
        let step = self.horizontal.step;
        self.finish.apply(&mut sums, position, step, channel, LANES);
        let whole = channel + (BLOCKS - 1) * LANES + VECTORS * V::LANES <= self.outputs;
        for (k, sums) in sums.into_iter().enumerate() {
            let start = (position + k * step).wrapping_mul(self.to);
            for (block, sums) in sums.into_iter().enumerate() {
                let channel = channel + block * LANES;
                let y = y.get_mut(start.wrapping_add(channel)..).unwrap_or_default();
                let count = if whole {
                    VECTORS * V::LANES
                } else {
                    self.outputs.saturating_sub(channel)
                };
                store(sums, y, count);
            }
        }
    }

    /// Writes `VECTORS` vectors of positions of `LANES` outputs.
    #[inline(always)]
    fn across<V: Vector, const VECTORS: usize, const LANES: usize>(
        &self,
        weights: &[f32],
        y: &mut [f32],
        place: Place,
    ) {
        let (weights, _) = weights.as_chunks::<LANES>();
        let mut sums = [[V::splat(0.0); LANES]; VECTORS];
        for lane in 0..LANES {
            let bias = self
                .bias
                .get(place.channel + lane)
                .copied()
                .unwrap_or_default();
            for sums in &mut sums {
                sums[lane] = V::splat(bias);
            }
        }
        for (line, tap) in self.lines(place.row) {
            for (vector, sums) in sums.iter_mut().enumerate() {
                let position = place.position + vector * 8;
                let source = self.horizontal.source(position, 0);
                if self.has_all_taps(position, 8) {
                    let numbers = line
                        .get(source.wrapping_mul(self.from)..)
                        .unwrap_or_default();
                    let length = self.horizontal.taps.wrapping_mul(self.inputs);
                    let numbers = Alike::<_, 8>::strided(numbers, self.from, length);
                    let weights = self.weights_of::<LANES, 1>(weights, tap, 0..length);
                    if let (Some(numbers), Some(weights)) = (numbers, weights) {
                        V::weigh_across(sums, &numbers, &weights);
                    }
                    continue;
                }
                for j in 0..self.horizontal.taps {
                    let source = self.horizontal.source(position, j);
                    let tap = tap + self.horizontal.tap + j * self.horizontal.tap_step;
                    let mut start = 0;
                    while start < self.inputs {
                        let part = start..self.inputs.min(start + ZEROS.len());
                        start = part.end;
                        let numbers = self.rows::<8>(line, source, part.clone());
                        let weights = self.weights_of::<LANES, 1>(weights, tap, part);
                        if let (Some(numbers), Some(weights)) = (numbers, weights) {
                            V::weigh_across(sums, &numbers, &weights);
                        }
                    }
                }
            }
        }
        let left = self.outputs.saturating_sub(place.channel);
        let position = self.written(place, 0);
        let step = self.horizontal.step;
        for (vector, sums) in sums.into_iter().enumerate() {
            let position = position + vector * 8 * step;
            if LANES == 1 && self.to * step == 1 {
                // Neighbouring positions' only outputs stand side by side.
                let mut sums = [[sums]];
                self.finish
                    .apply(&mut sums, position, step, place.channel, LANES);
                let [[[sum]]] = sums.map(|sums| sums.map(|sums| [sums[0]]));
                sum.store(y.get_mut(position..).unwrap_or_default());
                continue;
            }
            for (lane, sum) in sums.into_iter().enumerate().take(left) {
                let channel = place.channel + lane;
                let mut column = [0.0; 8];
                sum.store(&mut column);
                let mut column = column.map(|number| [[Portable([number])]]);
                self.finish
                    .apply(&mut column, position, step, channel, LANES);
                for (k, [[number]]) in column.into_iter().enumerate() {
                    let start = (position + k * step).wrapping_mul(self.to);
                    let y = y.get_mut(start.wrapping_add(channel)..);
                    number.store(y.unwrap_or_default());
                }
            }
        }
    }

    /// The rows of the input that a row of outputs takes, each with the number of its first tap.
    #[inline(always)]
    fn lines(&self, row: usize) -> impl Iterator<Item = (&[f32], usize)> {
        let width = self.horizontal.length.wrapping_mul(self.from);
        (0..self.vertical.taps).filter_map(move |j| {
            let source = self.vertical.source(row, j);
            if source >= self.vertical.length {
                return None;
            }
            let start = source.wrapping_mul(width);
            let line = self
                .x
                .get(start..start.wrapping_add(width).min(self.x.len()))?;
            let tap = self.vertical.tap + j * self.vertical.tap_step;
            Some((line, tap * self.row_of_taps))
        })
    }

    /// Whether the inputs of all taps are inside and stand side by side, as their weights do, so that they can be taken as
    /// one tap with more inputs.
    #[inline(always)]
    fn has_all_taps(&self, position: usize, positions: usize) -> bool {
        let Axis {
            length,
            taps,
            tap,
            tap_step,
            direction,
            ..
        } = self.horizontal;
        let side_by_side =
            direction == 1 && (tap, tap_step) == (0, 1) && (taps == 1 || self.from == self.inputs);
        let first = self.horizontal.source(position, 0);
        let last = first
            .wrapping_add(positions - 1)
            .wrapping_add(taps.wrapping_sub(1));
        side_by_side && taps > 0 && first < length && last < length && first <= last
    }

    /// A part of the inputs of `POSITIONS` positions of a line; zeros outside.
    #[inline(always)]
    fn rows<'a, const POSITIONS: usize>(
        &self,
        line: &'a [f32],
        first: usize,
        part: Range<usize>,
    ) -> Option<Alike<'a, f32, POSITIONS>> {
        let length = part.end.saturating_sub(part.start);
        Alike::new(length, |k| {
            let position = first.wrapping_add(k);
            if position >= self.horizontal.length {
                return Some(&ZEROS[..]);
            }
            let start = position.wrapping_mul(self.from);
            line.get(start.wrapping_add(part.start)..)
        })
    }

    /// The weights of a part of the inputs from a tap on, in each of `BLOCKS` blocks.
    #[inline(always)]
    fn weights_of<'a, const LANES: usize, const BLOCKS: usize>(
        &self,
        weights: &'a [[f32; LANES]],
        tap: usize,
        part: Range<usize>,
    ) -> Option<Alike<'a, [f32; LANES], BLOCKS>> {
        let length = part.end.saturating_sub(part.start);
        Alike::new(length, |block| {
            let row = block.wrapping_mul(self.taps).wrapping_add(tap);
            let start = row.wrapping_mul(self.inputs);
            weights.get(start.wrapping_add(part.start)..)
        })
    }

    /// The number of the output position that is position `k` of a tile.
    #[inline(always)]
    fn written(&self, place: Place, k: usize) -> usize {
        let row = self.vertical.start + place.row * self.vertical.step;
        let column = self.horizontal.start + (place.position + k) * self.horizontal.step;
        row.wrapping_mul(self.columns).wrapping_add(column)
    }
}

/// Writes the first `count` numbers of some vectors.
#[inline(always)]
fn store<V: Vector, const VECTORS: usize>(sums: [V; VECTORS], y: &mut [f32], count: usize) {
    let all = VECTORS * V::LANES;
    if let (true, Some(y)) = (count >= all, y.get_mut(..all)) {
        for (sum, y) in sums.into_iter().zip(y.chunks_exact_mut(V::LANES)) {
            sum.store(y);
        }
        return;
    }
    let mut lanes = [0.0; FULL];
    for (sum, lanes) in sums.into_iter().zip(lanes.chunks_exact_mut(V::LANES)) {
        sum.store(lanes);
    }
    copy(lanes.get(..count).unwrap_or_default(), y);
}

#[cold]
#[inline(never)]
fn copy(x: &[f32], y: &mut [f32]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x;
    }
}

/// How many positions the next tile has, where `left` of `count` remain.
///
/// Sixteen outputs of six positions, or eight of twelve, are twelve sums of a vector each, which is what 16 registers
/// hold beside weights and inputs; sixteen of four have the latency of a multiply-add just hidden. Registers of one
/// number hold four by four.
#[inline(always)]
const fn tile_size(lanes: usize, vector: usize, count: usize, left: usize) -> usize {
    match (lanes, left) {
        _ if count < 4 || vector < 8 && left < 4 => 1,
        _ if vector < 8 => 4,
        (16, 5 | 6 | 9..) if count >= 6 && left != 8 => 6,
        (8, 5..) if count >= 8 => 8,
        _ => 4,
    }
}
