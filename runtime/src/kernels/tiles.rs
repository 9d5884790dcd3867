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
use crate::simd::Vector;
use crate::simd::portable::Portable;

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

impl Layer<'_> {
    /// Writes all outputs.
    #[inline(always)]
    pub(super) fn write<V: Vector>(self, y: &mut [f32]) {
        // What the slices have room for: sizes beyond them would be work on nothing.
        let outputs = self.outputs.min(self.bias.len());
        let rows = self.taps.saturating_mul(self.inputs);
        let (mut channel, mut weights) = (0, self.weights);
        while channel < outputs {
            let lanes = block_lanes(self.outputs, channel);
            // A single position has but its outputs to work on side by side.
            let together = if self.horizontal.count == 1 && lanes == FULL {
                let whole = (outputs - channel).div_ceil(FULL);
                let padded = block_lanes(self.outputs, channel + (whole - 1) * FULL) == FULL;
                match whole - usize::from(!padded) {
                    blocks @ 1..=6 => blocks,
                    _ => 4,
                }
            } else {
                1
            };
            let size = rows.saturating_mul(lanes).saturating_mul(together);
            let Some((blocks, left)) = weights.split_at_checked(size) else {
                return;
            };
            match (lanes, together) {
                (16, 2) => self.single::<V, 2>(blocks, y, channel),
                (16, 3) => self.single::<V, 3>(blocks, y, channel),
                (16, 4) => self.single::<V, 4>(blocks, y, channel),
                (16, 5) => self.single::<V, 5>(blocks, y, channel),
                (16, 6) => self.single::<V, 6>(blocks, y, channel),
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

    /// One position of each row, `BLOCKS` full blocks at a time.
    #[inline(always)]
    fn single<V: Vector, const BLOCKS: usize>(
        self,
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
    fn block<V: Vector, const LANES: usize>(self, weights: &[f32], y: &mut [f32], channel: usize) {
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
                    12 => self.tile::<V, 12, 1, LANES>(weights, y, place),
                    8 => self.tile::<V, 8, 1, LANES>(weights, y, place),
                    6 => self.tile::<V, 6, 1, LANES>(weights, y, place),
                    5 => self.tile::<V, 5, 1, LANES>(weights, y, place),
                    4 => self.tile::<V, 4, 1, LANES>(weights, y, place),
                    2 => self.tile::<V, 2, 1, LANES>(weights, y, place),
                    _ => self.tile::<V, 1, 1, LANES>(weights, y, place),
                }
                done = position + size;
            }
        }
    }

    /// All positions of one block of four or fewer lanes: eight positions a vector, where there are as many.
    #[inline(always)]
    fn narrow<V: Vector, const LANES: usize>(self, weights: &[f32], y: &mut [f32], channel: usize) {
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
        self,
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
        self,
        weights: &[f32],
        y: &mut [f32],
        place: Place,
        first: usize,
    ) {
        let (weights, _) = weights.as_chunks::<LANES>();
        let rows = self.taps.saturating_mul(self.inputs);
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
            for j in 0..self.horizontal.taps {
                let source = self.horizontal.source(place.position, j);
                if POSITIONS == 1 && source >= self.horizontal.length {
                    continue;
                }
                let start = (tap + self.horizontal.tap + j * self.horizontal.tap_step)
                    .saturating_mul(self.inputs);
                let mut numbers: [&[f32]; POSITIONS] = [&[]; POSITIONS];
                for (k, numbers) in numbers.iter_mut().enumerate() {
                    *numbers = self.numbers(line, source.wrapping_add(k));
                }
                let mut blocks: [&[[f32; LANES]]; BLOCKS] = [&[]; BLOCKS];
                for (block, weights_of_tap) in blocks.iter_mut().enumerate() {
                    let start = start + block * rows;
                    *weights_of_tap = weights.get(start..start + self.inputs).unwrap_or_default();
                }
                for i in 0..self.inputs {
                    let mut loaded = [[V::splat(0.0); VECTORS]; BLOCKS];
                    for (block, loaded) in blocks.iter().zip(&mut loaded) {
                        let lanes = block.get(i).map_or(&[][..], |lanes| &lanes[..]);
                        for (vector, loaded) in loaded.iter_mut().enumerate() {
                            *loaded =
                                V::load(lanes.get(first + vector * V::LANES..).unwrap_or_default());
                        }
                    }
                    for (sums, numbers) in sums.iter_mut().zip(numbers) {
                        let number = V::splat(numbers.get(i).copied().unwrap_or_default());
                        for (sums, loaded) in sums.iter_mut().zip(loaded) {
                            for (sum, weight) in sums.iter_mut().zip(loaded) {
                                *sum = number.fma(weight, *sum);
                            }
                        }
                    }
                }
            }
        }
        for (k, sums) in sums.iter().enumerate() {
            let position = self.written(place, k);
            let y = y
                .get_mut(position.saturating_mul(self.to)..)
                .unwrap_or_default();
            for (block, sums) in sums.iter().enumerate() {
                for (vector, &sum) in sums.iter().enumerate() {
                    let channel = place.channel + block * LANES + first + vector * V::LANES;
                    let count = self.outputs.saturating_sub(channel);
                    let y = y.get_mut(channel..).unwrap_or_default();
                    self.finish.store(sum, y, position, channel, count);
                }
            }
        }
    }

    /// Writes `VECTORS` vectors of positions of `LANES` outputs.
    #[inline(always)]
    fn across<V: Vector, const VECTORS: usize, const LANES: usize>(
        self,
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
            for j in 0..self.horizontal.taps {
                let source = self.horizontal.source(place.position, j);
                let start = (tap + self.horizontal.tap + j * self.horizontal.tap_step)
                    .saturating_mul(self.inputs);
                let weights = weights.get(start..start + self.inputs).unwrap_or_default();
                let mut numbers: [[&[f32]; 8]; VECTORS] = [[&[]; 8]; VECTORS];
                for (vector, numbers) in numbers.iter_mut().enumerate() {
                    for (lane, numbers) in numbers.iter_mut().enumerate() {
                        *numbers = self.numbers(line, source.wrapping_add(vector * 8 + lane));
                    }
                }
                let (groups, rest) = weights.as_chunks::<8>();
                for (group, weights) in groups.iter().enumerate() {
                    for (sums, numbers) in sums.iter_mut().zip(&numbers) {
                        let mut rows: [&[f32]; 8] = [&[]; 8];
                        for (row, numbers) in rows.iter_mut().zip(numbers) {
                            *row = numbers.get(group * 8..).unwrap_or_default();
                        }
                        let columns = V::transposed(rows);
                        for (column, weights) in columns.into_iter().zip(weights) {
                            for (sum, &weight) in sums.iter_mut().zip(weights) {
                                *sum = column.fma(V::splat(weight), *sum);
                            }
                        }
                    }
                }
                for (i, weights) in rest.iter().enumerate() {
                    let i = groups.len() * 8 + i;
                    for (sums, numbers) in sums.iter_mut().zip(&numbers) {
                        let mut column = [0.0; 8];
                        for (number, numbers) in column.iter_mut().zip(numbers) {
                            *number = numbers.get(i).copied().unwrap_or_default();
                        }
                        let column = V::load(&column);
                        for (sum, &weight) in sums.iter_mut().zip(weights) {
                            *sum = column.fma(V::splat(weight), *sum);
                        }
                    }
                }
            }
        }
        for (vector, sums) in sums.iter().enumerate() {
            let left = self.outputs.saturating_sub(place.channel);
            for (lane, &sum) in sums.iter().enumerate().take(left) {
                let mut column = [0.0; 8];
                sum.store(&mut column);
                for (k, number) in column.into_iter().enumerate() {
                    let position = self.written(place, vector * 8 + k);
                    let channel = place.channel + lane;
                    let start = position.saturating_mul(self.to).saturating_add(channel);
                    let y = y.get_mut(start..).unwrap_or_default();
                    self.finish
                        .store(Portable([number]), y, position, channel, 1);
                }
            }
        }
    }

    /// The rows of the input that a row of outputs takes, each with the number of its first tap.
    #[inline(always)]
    fn lines(&self, row: usize) -> impl Iterator<Item = (&[f32], usize)> {
        let width = self.horizontal.length.saturating_mul(self.from);
        (0..self.vertical.taps).filter_map(move |j| {
            let source = self.vertical.source(row, j);
            if source >= self.vertical.length {
                return None;
            }
            let start = source.saturating_mul(width);
            let line = self
                .x
                .get(start..start.saturating_add(width).min(self.x.len()))?;
            let tap = self.vertical.tap + j * self.vertical.tap_step;
            Some((line, tap * self.row_of_taps))
        })
    }

    /// What is at an input position of a line; zeros outside.
    #[inline(always)]
    fn numbers<'a>(&self, line: &'a [f32], position: usize) -> &'a [f32] {
        let numbers = if position < self.horizontal.length {
            let start = position.saturating_mul(self.from);
            line.get(start..start.saturating_add(self.inputs))
        } else {
            ZEROS.get(..self.inputs)
        };
        numbers.unwrap_or_default()
    }

    /// The number of the output position that is position `k` of a tile.
    #[inline(always)]
    fn written(&self, place: Place, k: usize) -> usize {
        let row = self.vertical.start + place.row * self.vertical.step;
        let column = self.horizontal.start + (place.position + k) * self.horizontal.step;
        row.saturating_mul(self.columns).saturating_add(column)
    }
}

/// How many positions the next tile has, where `left` of `count` remain.
///
/// Sixteen outputs of six positions, or eight of twelve, are twelve sums of a vector each, which is what 16 registers
/// hold beside weights and inputs. Registers of four numbers hold four positions.
#[inline(always)]
const fn tile_size(lanes: usize, vector: usize, count: usize, left: usize) -> usize {
    if count < 4 || vector < 8 && left < 4 {
        return if left >= 2 && vector >= 8 { 2 } else { 1 };
    }
    match (lanes, left) {
        _ if vector < 8 => 4,
        (16, 5 | 9 | 10) => 5,
        (16, 13) => 5,
        (16, 1..=4 | 7 | 8) => 4,
        (16, _) => 6,
        (_, 12 | 17..) => 12,
        (_, 9..) if count >= 12 => 12,
        (_, 5..) if count >= 8 => 8,
        _ => 4,
    }
}
