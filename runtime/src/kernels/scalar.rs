//! The layers' loop for processors whose registers hold one number each: microcontrollers.
//!
//! Flash and stack are what they are short of, so there is one body for all layers and sizes, which knows none of them
//! when it is compiled. A tile has up to sixteen sums, of one position by sixteen outputs, two by eight, or four by four,
//! two or one; they pass a run of inputs in registers ([`accumulate`]) and are finished in memory, as bits: a comparison
//! of numbers is a call where there is no FPU. Every sum takes taps, then inputs, ascending from its bias, as in `tiles.rs`.

#![expect(
    unsafe_code,
    reason = "the inner loop is assembly: the compiler keeps neither sixteen sums in registers nor loads by several"
)]

use super::blocks::{FULL, block_lanes};
use super::finish::{Finish, Then};
use super::layer::Layer;

/// Whether layers are taken by this loop.
pub(super) const IN_USE: bool = cfg!(any(target_arch = "arm", target_arch = "riscv32"));

/// Positions of a tile at most.
const POSITIONS: usize = 4;

/// Writes all outputs of a layer.
#[inline(never)]
pub(super) fn write(layer: &Layer<'_>, y: &mut [f32]) {
    let Some(rows) = rows(layer) else { return };
    let outputs = layer.outputs.min(layer.bias.len());
    let (mut channel, mut weights) = (0, layer.weights);
    while channel < outputs {
        let lanes = block_lanes(layer.outputs, channel);
        let Some((block, left)) = weights.split_at_checked(rows.saturating_mul(lanes)) else {
            return;
        };
        // A single position has all sums of a tile to itself.
        let (positions, width) = match (layer.horizontal.count, lanes) {
            (1, _) => (1, lanes),
            (_, FULL | 8) => (2, 8),
            _ => (POSITIONS, lanes),
        };
        let end = outputs.min(channel + lanes);
        let mut first = 0;
        while channel + first < end {
            let last = end.min(channel + first + width);
            let bias = layer.bias.get(channel + first..last).unwrap_or_default();
            let mut start = [0.0; FULL];
            for sums in start.chunks_exact_mut(width.max(1)).take(positions) {
                for (sum, &bias) in sums.iter_mut().zip(bias) {
                    *sum = bias;
                }
            }
            let part = Part {
                weights: block.as_ptr().wrapping_add(first),
                lanes,
                width,
                positions,
                channel: channel + first,
                count: bias.len(),
                start,
            };
            write_part(layer, &part, y);
            first += width;
        }
        weights = left;
        channel += lanes;
    }
}

/// Neighbouring outputs that are computed together, at all positions.
struct Part {
    /// From the first output's first weight on.
    weights: *const f32,
    /// Weights from row to row.
    lanes: usize,
    /// Sums of a position, and positions of a tile.
    width: usize,
    positions: usize,
    /// The first output, and outputs that there are.
    channel: usize,
    count: usize,
    /// What a tile's sums begin with.
    start: [f32; FULL],
}

/// The rows of weights in a block, where all inputs and all taps are there.
fn rows(layer: &Layer<'_>) -> Option<usize> {
    let (vertical, horizontal) = (&layer.vertical, &layer.horizontal);
    let positions = vertical.length.checked_mul(horizontal.length)?;
    let numbers = positions.checked_mul(layer.from)?;
    let last = |taps: usize, first: usize, step: usize| {
        first.checked_add(taps.saturating_sub(1).checked_mul(step)?)
    };
    let line = last(vertical.taps, vertical.tap, vertical.tap_step)?;
    let tap = last(horizontal.taps, horizontal.tap, horizontal.tap_step)?;
    let taps = line.checked_mul(layer.row_of_taps)?.checked_add(tap)?;
    let there = numbers <= layer.x.len() && layer.inputs <= layer.from && taps < layer.taps;
    if there {
        layer.taps.checked_mul(layer.inputs)
    } else {
        None
    }
}

/// Writes some outputs at all positions.
#[inline(never)]
fn write_part(layer: &Layer<'_>, part: &Part, y: &mut [f32]) {
    let (vertical, horizontal) = (&layer.vertical, &layer.horizontal);
    let inside = horizontal.inside();
    // Neighbouring taps have neighbouring inputs and weights: one run.
    let joined =
        horizontal.direction == 1 && horizontal.tap_step == 1 && layer.from == layer.inputs;
    let weights_of_tap = layer.inputs.wrapping_mul(part.lanes);
    // From a tap, or a line of taps, to the next.
    let tap_x = horizontal.direction.wrapping_mul(layer.from);
    let tap_weights = horizontal.tap_step.wrapping_mul(weights_of_tap);
    let line_x = vertical
        .direction
        .wrapping_mul(horizontal.length)
        .wrapping_mul(layer.from);
    let line_weights = vertical
        .tap_step
        .wrapping_mul(layer.row_of_taps)
        .wrapping_mul(weights_of_tap);
    let x = layer.x.as_ptr();
    let mut sums = part.start;
    for row in 0..vertical.count {
        let lines = vertical.taps_inside(row);
        let source = row
            .wrapping_add(vertical.offset)
            .wrapping_add(lines.start.wrapping_mul(vertical.direction))
            .wrapping_mul(horizontal.length)
            .wrapping_add(horizontal.offset);
        let tap = (vertical.tap + lines.start * vertical.tap_step)
            .wrapping_mul(layer.row_of_taps)
            .wrapping_add(horizontal.tap);
        let row_of_outputs = (vertical.start + row * vertical.step)
            .wrapping_mul(layer.columns)
            .wrapping_add(horizontal.start);
        let mut position = 0;
        while position < horizontal.count {
            // Those at the edges one by one, with the taps that they have.
            let (mut left, taps) = if inside.contains(&position) {
                (inside.end - position, 0..horizontal.taps)
            } else {
                (1, horizontal.taps_inside(position))
            };
            let (runs, run) = match joined {
                true => (1, taps.len().wrapping_mul(layer.inputs)),
                false => (taps.len(), layer.inputs),
            };
            let source = source
                .wrapping_add(position)
                .wrapping_add(taps.start.wrapping_mul(horizontal.direction));
            let tap = tap.wrapping_add(taps.start * horizontal.tap_step);
            let mut at = row_of_outputs.wrapping_add(position * horizontal.step);
            position += left;
            let mut tile = Tile {
                positions: 1,
                left,
                width: part.width,
                x: x.wrapping_add(source.wrapping_mul(layer.from)),
                from: layer.from,
                weights: part.weights.wrapping_add(tap.wrapping_mul(weights_of_tap)),
                lanes: part.lanes,
                run,
            };
            let (runs, lines) = if run == 0 { (0, 0) } else { (runs, lines.len()) };
            while left > 0 {
                tile.left = left;
                tile.positions = if left == 1 { 1 } else { part.positions };
                let first = (tile.x, tile.weights);
                let mut start = part.start.as_ptr();
                if runs == 0 || lines == 0 {
                    sums = part.start;
                }
                for _ in 0..lines {
                    let line = (tile.x, tile.weights);
                    for _ in 0..runs {
                        // SAFETY: `rows` has seen that all inputs and rows are there, and the axes leave out the taps that
                        // have no input.
                        unsafe { accumulate(&tile, start, &mut sums) };
                        start = sums.as_ptr();
                        tile.x = tile.x.wrapping_add(tap_x);
                        tile.weights = tile.weights.wrapping_add(tap_weights);
                    }
                    tile.x = line.0.wrapping_add(line_x);
                    tile.weights = line.1.wrapping_add(line_weights);
                }
                let done = tile.positions.min(left);
                let mut sums = &sums[..];
                for _ in 0..done {
                    let start = |step: usize| at.wrapping_mul(step).wrapping_add(part.channel);
                    let from = start(layer.to);
                    if let Some(y) = y.get_mut(from..from.wrapping_add(part.count)) {
                        finish(&layer.finish, start(layer.residual_step), sums, y);
                    }
                    sums = sums.get(part.width..).unwrap_or_default();
                    at = at.wrapping_add(horizontal.step);
                }
                left -= done;
                tile.x = first.0.wrapping_add(done.wrapping_mul(layer.from));
                tile.weights = first.1;
            }
        }
    }
}

/// What [`Finish::apply`] does, on bits; the residual of the first sum is number `start`.
#[inline(never)]
fn finish(finish: &Finish<'_>, start: usize, sums: &[f32], y: &mut [f32]) {
    let pairs = y.iter_mut().zip(sums);
    match finish.then {
        Then::Nothing => {
            // What `+ 0.0` changes.
            let zero = if finish.positive_zero { NEGATIVE_ZERO } else { 0 };
            pairs.for_each(|(y, &sum)| *y = but(sum, zero));
        }
        Then::Relu => pairs.for_each(|(y, &sum)| *y = relu(sum)),
        Then::Add | Then::ReluAdd | Then::AddRelu => {
            let residual = finish.residual.get(start..).unwrap_or_default();
            let zero = if finish.positive_zero { NEGATIVE_ZERO } else { 0 };
            for ((y, &sum), &residual) in pairs.zip(residual) {
                let sum = match finish.then {
                    Then::ReluAdd => relu(sum),
                    _ => but(sum, zero),
                };
                *y = sum + residual;
                if finish.then == Then::AddRelu {
                    *y = relu(*y);
                }
            }
        }
    }
}

const NEGATIVE_ZERO: u32 = 1 << 31;

/// `x`, and zero where it has these bits.
#[inline(always)]
fn but(x: f32, bits: u32) -> f32 {
    f32::from_bits(if x.to_bits() == bits { 0 } else { x.to_bits() })
}

/// `x > 0.0 ? x : 0.0`: the bits from those of the smallest number to those of infinity.
#[inline(always)]
fn relu(x: f32) -> f32 {
    let bits = x.to_bits();
    let above = bits.wrapping_sub(1) < f32::INFINITY.to_bits();
    f32::from_bits(if above { bits } else { 0 })
}

/// A tile and the run that it takes.
struct Tile {
    positions: usize,
    width: usize,
    /// Positions that there are; past the last one, it is computed again.
    left: usize,
    /// The first number of the first position, and numbers from one position to the next.
    x: *const f32,
    from: usize,
    /// The first row's first weight, and weights from row to row.
    weights: *const f32,
    lanes: usize,
    /// Numbers of each position, and rows; at least one.
    run: usize,
}

/// Adds the run's products to what the sums `[positions][width]` start with, row after row.
///
/// # Safety
/// All numbers and rows are there, and sixteen numbers to start with, which may be the sums.
#[cfg(any(
    feature = "no-fma",
    not(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))
))]
#[inline(never)]
unsafe fn accumulate(tile: &Tile, start: *const f32, sums: &mut [f32; FULL]) {
    use crate::fma::{Arithmetic, Native};
    // SAFETY: as the caller says.
    *sums = unsafe { *start.cast() };
    for i in 0..tile.run {
        let row = tile.weights.wrapping_add(i.wrapping_mul(tile.lanes));
        let positions = sums.chunks_exact_mut(tile.width.max(1)).enumerate();
        for (k, sums) in positions.take(tile.positions.min(tile.left)) {
            // SAFETY: as the caller says.
            let number = unsafe { *tile.x.wrapping_add(k * tile.from + i) };
            for (lane, sum) in sums.iter_mut().enumerate() {
                // SAFETY: as the caller says.
                let weight = unsafe { *row.wrapping_add(lane) };
                *sum = Native::fma(number, weight, *sum);
            }
        }
    }
}

#[cfg(all(
    target_arch = "arm",
    target_abi = "eabihf",
    target_os = "none",
    not(feature = "no-fma")
))]
use cortex_m::accumulate;

#[cfg(all(
    target_arch = "arm",
    target_abi = "eabihf",
    target_os = "none",
    not(feature = "no-fma")
))]
mod cortex_m;
