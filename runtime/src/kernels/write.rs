//! Writing the outputs of a layer: sums over taps, as sweeps along the rows of the outputs.
//!
//! Positions that have all their taps form one sweep a row; those at the edges are computed one by
//! one, with the taps that they have. Where the sizes are constants of the program, so are all
//! values derived from them here.

use super::axis::Axis;
use super::blocks::{FULL, block_lanes};
use super::layer::Layer;
use super::narrow::Served;
use super::scalar;
use super::sweep::{Steps, Sweep};
use super::tiles;
use crate::dispatch::vectorised;
use crate::index::along;
use crate::simd::{Vector, Work};
use core::ops::Range;

static ZEROS: [f32; FULL] = [0.0; FULL];

vectorised! {
    #[cfg_attr(all(target_feature = "avx2", target_feature = "fma"), inline(always))]
    fn write<V>(layer: &Layer<'_>, y: &mut [f32]) {
        layer.write_by::<V>(y);
    }
}

/// The positions near the ends of the rows, one by one, for outputs up to `end`.
///
/// Where several blocks are computed together, this code is shared by all sizes: a copy for each
/// layer would be a large part of a frozen crate.
struct Edges<'a, 'b> {
    layer: &'a Layer<'a>,
    y: &'b mut [f32],
    end: usize,
}

impl Edges<'_, '_> {
    /// Writes the outputs, at most this many full blocks at a time.
    #[inline(always)]
    fn write<V: Vector>(self, most: usize) {
        let axis = &self.layer.horizontal;
        let inside = axis.inside();
        for edge in [0..inside.start, inside.end..axis.count] {
            for position in edge {
                let positions = position..position.wrapping_add(1);
                self.layer
                    .write_positions::<V>(positions, most, self.y, self.end);
            }
        }
    }
}

impl Work for Edges<'_, '_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        self.write::<V>(4);
    }
}

impl Layer<'_> {
    /// Writes all outputs.
    #[inline(always)]
    pub(super) fn write(&self, y: &mut [f32]) {
        if scalar::IN_USE {
            return scalar::write(self, y);
        }
        write(self, y);
    }

    /// Writes all outputs with these vectors.
    #[inline(always)]
    pub(super) fn write_by<V: Vector>(&self, y: &mut [f32]) {
        // The sizes that fit in the slices: beyond them there is nothing to compute.
        let mut end = self.outputs.min(self.bias.len());
        if let Some(served) = Served::new::<V>(self) {
            end = self.write_narrow::<V>(served, y, end);
            if end == 0 {
                return;
            }
        }
        let inside = self.horizontal.inside();
        let edges = Edges {
            layer: self,
            y,
            end,
        };
        if self.outputs < 2 * FULL {
            edges.write::<V>(1);
        } else if inside.len() < self.horizontal.count {
            V::apart(edges);
        }
        if !inside.is_empty() {
            // With few positions, only outputs can be computed side by side: all blocks together.
            let most = match inside.len() {
                ..4 => 4,
                positions if tiles::suits_wide(positions) => 2,
                _ => 1,
            };
            self.write_positions::<V>(inside, most, y, end);
        }
    }

    /// Writes the blocks of at most four outputs below `end` at all positions, and returns the
    /// index of their first output.
    #[inline(always)]
    fn write_narrow<V: Vector>(&self, served: Served<'_>, y: &mut [f32], end: usize) -> usize {
        let rows = self.taps.saturating_mul(self.inputs);
        let (mut channel, mut weights, mut first) = (0, self.weights, end);
        while channel < end {
            let lanes = block_lanes(self.outputs, channel);
            let Some((block, left)) = weights.split_at_checked(rows.saturating_mul(lanes)) else {
                break;
            };
            match lanes {
                4 => served.write::<V, 4>(block, channel, y),
                2 => served.write::<V, 2>(block, channel, y),
                1 => served.write::<V, 1>(block, channel, y),
                _ => {}
            }
            if lanes <= 4 {
                first = first.min(channel);
            }
            weights = left;
            channel = channel.wrapping_add(lanes);
        }
        first
    }

    /// Writes outputs up to `end` at these positions of every row, at most this many full blocks at
    /// a time. All positions have the taps of the first.
    #[inline(always)]
    fn write_positions<V: Vector>(
        &self,
        positions: Range<usize>,
        most: usize,
        y: &mut [f32],
        end: usize,
    ) {
        let rows = self.taps.saturating_mul(self.inputs);
        let (mut channel, mut weights) = (0, self.weights);
        while channel < end {
            let lanes = block_lanes(self.outputs, channel);
            let together = self.full_blocks(channel).min(most);
            let size = rows.saturating_mul(lanes).saturating_mul(together);
            let Some((blocks, left)) = weights.split_at_checked(size) else {
                return;
            };
            for row in 0..self.vertical.count {
                let sweep = self.sweep(blocks, row, positions.clone(), channel);
                tiles::write::<V>(&sweep, lanes, together, y);
            }
            weights = left;
            channel = along(channel, lanes, together);
        }
    }

    /// The number of full blocks computed together from `channel` on: four, two or one.
    #[inline(always)]
    fn full_blocks(&self, channel: usize) -> usize {
        let full = |block: usize| block_lanes(self.outputs, along(channel, block, FULL)) == FULL;
        match (full(1), full(2) & full(3)) {
            (true, true) => 4,
            (true, false) => 2,
            _ => 1,
        }
    }

    /// The sweep over `positions` of a row, all of which have the taps of the first.
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
        let tap = |axis: &Axis, j: usize| along(axis.tap, j, axis.tap_step);
        let first_tap = along(
            tap(horizontal, taps.start),
            tap(vertical, lines.start),
            self.row_of_taps,
        );
        let line_out = along(vertical.start, row, vertical.step);
        let output = along(
            along(horizontal.start, line_out, self.columns),
            positions.start,
            horizontal.step,
        );
        // Without taps, a sum is the bias plus 0.0 times 0.0.
        let none = Sweep {
            x: &ZEROS,
            start: 0,
            from: 0,
            weights: &ZEROS,
            row: 0,
            rows_of_block: 0,
            outer: Steps::NONE,
            inner: Steps::NONE,
            run: 1,
            positions: positions.len(),
            bias: self
                .bias
                .get(channel..self.outputs.min(self.bias.len()))
                .unwrap_or_default(),
            y: output.wrapping_mul(self.to).wrapping_add(channel),
            to: horizontal.step.wrapping_mul(self.to),
            residual: output
                .wrapping_mul(self.residual_step)
                .wrapping_add(channel),
            residual_step: horizontal.step.wrapping_mul(self.residual_step),
            finish: self.finish,
        };
        if lines.is_empty() || taps.is_empty() || self.inputs == 0 {
            return none;
        }
        let side_by_side = horizontal.direction == 1
            && horizontal.tap_step == 1
            && (taps.len() == 1 || self.from == self.inputs);
        let (inner, run) = if side_by_side {
            (Steps::NONE, taps.len().wrapping_mul(self.inputs))
        } else {
            let steps = Steps {
                count: taps.len(),
                x: horizontal.direction.wrapping_mul(self.from),
                rows: horizontal.tap_step.wrapping_mul(self.inputs),
            };
            (steps, self.inputs)
        };
        Sweep {
            x: self.x,
            from: self.from,
            weights,
            rows_of_block: self.taps.wrapping_mul(self.inputs),
            start: source(vertical, row, lines.start)
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
            run,
            ..none
        }
    }
}
