//! Blocks of at most four outputs: the lanes of a vector are neighbouring positions.
//!
//! A position's few outputs would leave most of a vector empty. So a vector holds eight positions,
//! and each weight is broadcast to all lanes. The inputs of neighbouring positions are not adjacent
//! in memory; they are first copied to *planes*, one for each input of a line, in which neighbours
//! are adjacent and zeros stand in for missing inputs. Every position then has all taps along a
//! row, and a tap is an offset in the planes:
//!
//! ```text
//! sums of positions p..p+8, output o:  bias[o] + sum over lines, taps t, then inputs i, ascending,
//!                                      of plane[line][i][p + t ..][..8] * weight[line][t][i][o]
//! ```

#![expect(
    unsafe_code,
    reason = "planes are not cleared first, and with a check at each access sums leave their registers"
)]

use super::axis::Axis;
use super::finish::Finish;
use super::layer::Layer;
use crate::index::{along, numbered};
use crate::simd::{Vector, Work};
use core::mem::MaybeUninit;
use core::ops::Range;
use core::slice;

/// Positions in a vector.
const SIDE: usize = 8;
/// The largest number of elements in all planes together.
const CAPACITY: usize = 4096;

/// A layer whose blocks of at most four outputs are computed here: it has enough positions, and
/// every element that is read exists.
#[derive(Clone, Copy)]
pub(super) struct Served<'a> {
    layer: &'a Layer<'a>,
    /// Positions of a row that are computed at once: a multiple of [`SIDE`], or all.
    positions: usize,
}

impl<'a> Served<'a> {
    /// Returns the layer if it suits these vectors.
    #[inline(always)]
    pub(super) fn new<V: Vector>(layer: &'a Layer<'a>) -> Option<Self> {
        let planes = layer.vertical.taps.saturating_mul(layer.inputs).max(1);
        let room = (CAPACITY / planes).saturating_sub(layer.horizontal.taps.saturating_sub(1));
        // The fewest parts that fit, of about equal size.
        let (most, count) = (room / SIDE * SIDE, layer.horizontal.count);
        let part = count.div_ceil(count.div_ceil(most.max(1)).max(1));
        let positions = part
            .div_ceil(SIDE)
            .saturating_mul(SIDE)
            .min(most)
            .min(count);
        let served = V::LANES == SIDE && positions >= SIDE && is_inside(layer).unwrap_or(false);
        served.then_some(Self { layer, positions })
    }

    /// Writes a block of `LANES` outputs from `channel` on, in a function of its own. Its weights
    /// have one row for each tap and input of the layer.
    #[inline(always)]
    pub(super) fn write<V: Vector, const LANES: usize>(
        self,
        weights: &[f32],
        channel: usize,
        y: &mut [f32],
    ) {
        if weights.len() / LANES >= self.layer.taps.saturating_mul(self.layer.inputs) {
            let of = self;
            V::apart(Narrow::<LANES> {
                of,
                weights,
                channel,
                y,
            });
        }
    }
}

/// Whether `x` has every input that an output may take, and the weights have every tap's row.
#[inline(always)]
fn is_inside(layer: &Layer<'_>) -> Option<bool> {
    let (vertical, horizontal) = (&layer.vertical, &layer.horizontal);
    let positions = vertical.length.checked_mul(horizontal.length)?;
    let end = positions.saturating_sub(1).checked_mul(layer.from)?;
    let last = |axis: &Axis| {
        let steps = axis.taps.saturating_sub(1).checked_mul(axis.tap_step)?;
        axis.tap.checked_add(steps)
    };
    let tap = last(vertical)?
        .checked_mul(layer.row_of_taps)?
        .checked_add(last(horizontal)?)?;
    let none = vertical.taps == 0 || horizontal.taps == 0;
    Some(end.checked_add(layer.inputs)? <= layer.x.len() && (none || tap < layer.taps))
}

/// One block.
struct Narrow<'a, const LANES: usize> {
    of: Served<'a>,
    weights: &'a [f32],
    channel: usize,
    y: &'a mut [f32],
}

impl<const LANES: usize> Work for Narrow<'_, LANES> {
    #[inline(always)]
    fn run<V: Vector>(mut self) {
        let Served { layer, positions } = self.of;
        let count = layer.horizontal.count;
        let mut room = [const { MaybeUninit::uninit() }; CAPACITY];
        for row in 0..layer.vertical.count {
            let mut first = 0;
            loop {
                let planes = Planes::filled::<V>(self.of, row, first, &mut room);
                // As many vectors at a time as there are registers for their sums.
                match (LANES, positions / SIDE) {
                    (1, 8..) => self.write_by::<V, 8>(&planes, row, first),
                    (1 | 2, 4..) => self.write_by::<V, 4>(&planes, row, first),
                    (4, 2..) => self.write_by::<V, 2>(&planes, row, first),
                    _ => self.write_by::<V, 1>(&planes, row, first),
                }
                if first.wrapping_add(positions) >= count {
                    break;
                }
                // A group that would pass the last position is moved back, and writes some outputs
                // again.
                first = first
                    .wrapping_add(positions)
                    .min(count.wrapping_sub(positions));
            }
        }
    }
}

impl<const LANES: usize> Narrow<'_, LANES> {
    /// Writes the planes' positions of a row, `VECTORS` vectors at a time; the first is position
    /// `first` of the row.
    #[inline(always)]
    fn write_by<V: Vector, const VECTORS: usize>(
        &mut self,
        planes: &Planes<'_>,
        row: usize,
        first: usize,
    ) {
        let Served { layer, positions } = self.of;
        let (vertical, horizontal) = (&layer.vertical, &layer.horizontal);
        let line_out = along(vertical.start, row, vertical.step);
        let output = along(
            along(horizontal.start, line_out, layer.columns),
            first,
            horizontal.step,
        );
        let outputs = layer.outputs.min(layer.bias.len());
        let lanes = outputs.wrapping_sub(self.channel).min(LANES);
        let places = |step: usize| Places {
            first: output.wrapping_mul(step).wrapping_add(self.channel),
            step: horizontal.step.wrapping_mul(step),
            lanes,
        };
        let (y, residual) = (places(layer.to), places(layer.residual_step));
        let adds = layer.finish.adds();
        let side_by_side =
            y.are_side_by_side::<LANES>() && (!adds || residual.are_side_by_side::<LANES>());
        let last = positions.wrapping_sub(VECTORS * SIDE);
        let mut position = 0;
        loop {
            let mut sums = self.sums::<V, VECTORS>(planes, position);
            if side_by_side {
                for [columns] in &mut sums {
                    V::interleave(columns);
                }
                layer
                    .finish
                    .apply(&mut sums, residual.of(position), SIDE * LANES, LANES);
                let start = y.of(position);
                let end = start.wrapping_add(VECTORS * SIDE * LANES);
                let places = self.y.get_mut(start..end).unwrap_or_default();
                let sums = sums.as_flattened().as_flattened();
                for (sum, places) in sums.iter().zip(places.chunks_exact_mut(SIDE)) {
                    sum.store(places);
                }
            } else {
                for (vector, [columns]) in numbered(sums) {
                    let position = along(position, vector, SIDE);
                    for (lane, column) in numbered(columns).take(lanes) {
                        let added = match adds {
                            true => residual.gathered(layer.finish.residual, position, lane),
                            false => [0.0; SIDE],
                        };
                        let mut column = [[[column]]];
                        let finish = Finish {
                            residual: &added,
                            ..layer.finish
                        };
                        finish.apply(&mut column, 0, 0, 0);
                        let [[[column]]] = column;
                        y.scatter(column, self.y, position, lane);
                    }
                }
            }
            if position == last {
                return;
            }
            position = position.wrapping_add(VECTORS * SIDE).min(last);
        }
    }

    /// The sums of `VECTORS` vectors of positions, from `position` of the planes on.
    #[inline(always)]
    fn sums<V: Vector, const VECTORS: usize>(
        &self,
        planes: &Planes<'_>,
        position: usize,
    ) -> [[[V; LANES]; 1]; VECTORS] {
        let layer = self.of.layer;
        let (vertical, horizontal) = (&layer.vertical, &layer.horizontal);
        let mut bias = [V::splat(0.0); LANES];
        let biases = layer.bias.get(self.channel..).unwrap_or_default();
        for (bias, &number) in bias.iter_mut().zip(biases) {
            *bias = V::splat(number);
        }
        let mut sums = [[bias]; VECTORS];
        let mut line = position;
        for s in planes.lines.clone() {
            for j in 0..horizontal.taps {
                let line_of_taps = along(vertical.tap, s, vertical.tap_step);
                let tap = along(horizontal.tap, line_of_taps, layer.row_of_taps);
                let tap = along(tap, j, horizontal.tap_step);
                let across = match horizontal.direction {
                    1 => j,
                    _ => horizontal.taps.wrapping_sub(1).wrapping_sub(j),
                };
                let mut row = tap.wrapping_mul(layer.inputs).wrapping_mul(LANES);
                let mut place = line.wrapping_add(across);
                for _ in 0..layer.inputs {
                    let mut weights = [V::splat(0.0); LANES];
                    for (lane, weight) in numbered(weights.iter_mut()) {
                        // SAFETY: `Served` verified that the tap belongs to the layer, and that all
                        // taps have weights.
                        *weight = unsafe { V::splat_at(self.weights, row.wrapping_add(lane)) };
                    }
                    for (vector, [sums]) in numbered(sums.iter_mut()) {
                        // SAFETY: planes are longer than their positions by the largest offset of a
                        // tap, and each input of each line has one.
                        let column =
                            unsafe { V::load_at(planes.numbers, along(place, vector, SIDE)) };
                        for (sum, weight) in sums.iter_mut().zip(weights) {
                            *sum = column.fma(weight, *sum);
                        }
                    }
                    row = row.wrapping_add(LANES);
                    place = place.wrapping_add(planes.width);
                }
            }
            line = along(line, layer.inputs, planes.width);
        }
        sums
    }
}

/// The place in an array of the outputs of a row's positions.
#[derive(Clone, Copy)]
struct Places {
    /// The first output of position 0, and elements to the next position's.
    first: usize,
    step: usize,
    /// Outputs of a position.
    lanes: usize,
}

impl Places {
    /// Whether the outputs of neighbouring positions are adjacent, without gaps.
    #[inline(always)]
    fn are_side_by_side<const LANES: usize>(&self) -> bool {
        self.step == LANES && self.lanes == LANES
    }

    #[inline(always)]
    fn of(&self, position: usize) -> usize {
        self.first.wrapping_add(position.wrapping_mul(self.step))
    }

    /// One output of eight positions; zeros where the array has none.
    #[inline(always)]
    fn gathered(&self, numbers: &[f32], position: usize, lane: usize) -> [f32; SIDE] {
        let mut gathered = [0.0; SIDE];
        let numbers = numbers.get(self.of(position).wrapping_add(lane)..);
        let numbers = numbers.unwrap_or_default().iter().step_by(self.step.max(1));
        for (gathered, &number) in gathered.iter_mut().zip(numbers) {
            *gathered = number;
        }
        gathered
    }

    /// Writes one output of eight positions.
    #[inline(always)]
    fn scatter<V: Vector>(&self, column: V, numbers: &mut [f32], position: usize, lane: usize) {
        let mut scattered = [0.0; SIDE];
        column.store(&mut scattered);
        let numbers = numbers.get_mut(self.of(position).wrapping_add(lane)..);
        let numbers = numbers
            .unwrap_or_default()
            .iter_mut()
            .step_by(self.step.max(1));
        for (number, scattered) in numbers.zip(scattered) {
            *number = scattered;
        }
    }
}

/// The inputs of some positions of a row, neighbours adjacent.
struct Planes<'a> {
    /// `[lines][inputs][width]`
    numbers: &'a [f32],
    lines: Range<usize>,
    width: usize,
}

impl<'a> Planes<'a> {
    /// Fills the planes for a row of outputs from position `first` on.
    #[inline(always)]
    fn filled<V: Vector>(
        Served { layer, positions }: Served<'_>,
        row: usize,
        first: usize,
        room: &'a mut [MaybeUninit<f32>; CAPACITY],
    ) -> Self {
        let (vertical, horizontal) = (&layer.vertical, &layer.horizontal);
        let lines = vertical.taps_inside(row);
        let steps = horizontal.taps.saturating_sub(1);
        let width = positions.wrapping_add(steps);
        // The leftmost input that the taps reach.
        let left = match horizontal.direction {
            1 => 0,
            _ => steps,
        };
        let start = first.wrapping_add(horizontal.offset).wrapping_sub(left);
        let mut filled = 0_usize;
        for s in lines.clone() {
            let line = row
                .wrapping_add(vertical.offset)
                .wrapping_add(s.wrapping_mul(vertical.direction));
            let size = layer.inputs.wrapping_mul(width);
            let Some(planes) = room.get_mut(filled..filled.wrapping_add(size)) else {
                break;
            };
            let line = line
                .wrapping_mul(horizontal.length)
                .wrapping_mul(layer.from);
            V::apart(Line {
                x: layer.x.get(line..).unwrap_or_default(),
                from: layer.from,
                length: horizontal.length,
                start: start as isize,
                inputs: layer.inputs,
                width,
                planes,
            });
            filled = filled.wrapping_add(size);
        }
        // SAFETY: each line filled its planes, which follow one another.
        let numbers = unsafe { slice::from_raw_parts(room.as_ptr().cast(), filled) };
        Self {
            numbers,
            lines,
            width,
        }
    }
}

/// A line of inputs to be copied to planes.
struct Line<'a> {
    /// `[length][from]`
    x: &'a [f32],
    from: usize,
    length: usize,
    /// The first position, which may be before the input; missing positions become zeros.
    start: isize,
    inputs: usize,
    width: usize,
    /// `[inputs][width]`
    planes: &'a mut [MaybeUninit<f32>],
}

impl Work for Line<'_> {
    #[inline(always)]
    fn run<V: Vector>(mut self) {
        // The range of a plane that the inputs fill.
        let within = |position: isize| position.max(0).min(self.width as isize);
        let before = within(self.start.saturating_neg());
        let end = within((self.length as isize).saturating_sub(self.start)).max(before) as usize;
        let first = (self.start.wrapping_add(before) as usize).wrapping_mul(self.from);
        let inside = before as usize..end;
        for plane in self.planes.chunks_exact_mut(self.width.max(1)) {
            for outside in [0..inside.start, inside.end..self.width] {
                for number in plane.get_mut(outside).unwrap_or_default() {
                    number.write(0.0);
                }
            }
        }
        let mut i = 0_usize;
        let at = |i: usize, place: usize| first.wrapping_add(i).wrapping_add(place);
        // SAFETY of the blocks below: `Served` verified that each position has its inputs.
        if inside.len() >= SIDE && self.from > 1 {
            while i.wrapping_add(8) <= self.inputs {
                self.put(i, &inside, |x, place, from| unsafe {
                    V::transposed_at(x, at(i, place), from)
                });
                i = i.wrapping_add(8);
            }
            if i.wrapping_add(4) <= self.inputs {
                self.put(i, &inside, |x, place, from| unsafe {
                    V::four_columns_at(x, at(i, place), from)
                });
                i = i.wrapping_add(4);
            }
            if i.wrapping_add(2) <= self.inputs {
                self.put(i, &inside, |x, place, from| unsafe {
                    V::two_columns_at(x, at(i, place), from)
                });
                i = i.wrapping_add(2);
            }
            if i < self.inputs {
                self.put(i, &inside, |x, place, from| unsafe {
                    [V::gather_at(x, at(i, place), from)]
                });
                i = i.wrapping_add(1);
            }
        }
        // A line of one input, or of a few positions.
        for i in i..self.inputs {
            let plane = self
                .planes
                .get_mut(i.wrapping_mul(self.width)..)
                .unwrap_or_default();
            let plane = plane.get_mut(inside.clone()).unwrap_or_default();
            let x = self.x.get(first.wrapping_add(i)..).unwrap_or_default();
            if self.from == 1 {
                for (number, &x) in plane.iter_mut().zip(x) {
                    number.write(x);
                }
            } else {
                for (k, number) in numbered(plane.iter_mut()) {
                    number.write(
                        x.get(k.wrapping_mul(self.from))
                            .copied()
                            .unwrap_or_default(),
                    );
                }
            }
        }
    }
}

impl Line<'_> {
    /// Fills neighbouring planes from `input` on, eight positions at a time, with the columns that
    /// `columns` reads at a position.
    #[inline(always)]
    fn put<V: Vector, const COLUMNS: usize>(
        &mut self,
        input: usize,
        inside: &Range<usize>,
        columns: impl Fn(&[f32], usize, usize) -> [V; COLUMNS],
    ) {
        let planes = self
            .planes
            .get_mut(input.wrapping_mul(self.width)..)
            .unwrap_or_default();
        let last = inside.len().wrapping_sub(SIDE);
        let mut k = 0;
        loop {
            let mut place = inside.start.wrapping_add(k);
            for column in columns(self.x, k.wrapping_mul(self.from), self.from) {
                let mut numbers = [0.0; SIDE];
                column.store(&mut numbers);
                let places = planes.get_mut(place..).unwrap_or_default();
                if let Some(places) = places.first_chunk_mut() {
                    *places = numbers.map(MaybeUninit::new);
                }
                place = place.wrapping_add(self.width);
            }
            if k == last {
                return;
            }
            k = k.wrapping_add(SIDE).min(last);
        }
    }
}
