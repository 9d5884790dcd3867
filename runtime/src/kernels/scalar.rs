//! The layers' loop for processors whose registers hold one float each: microcontrollers.
//!
//! They are short of flash and stack. So one body serves all layers and sizes, none of them known
//! at compile time. A tile has up to sixteen sums: one position by sixteen outputs, two by eight,
//! or four by four, two or one. The sums pass a run of inputs in registers ([`accumulate`]) and are
//! finished in memory, as bits: without an FPU, a comparison of floats is a call. Every sum takes
//! taps, then inputs, ascending from its bias, as in `tiles.rs`.

#![expect(
    unsafe_code,
    reason = "the inner loop is assembly: the compiler keeps neither sixteen sums in registers nor loads by several"
)]

use super::axis::Axis;
use super::blocks::{FULL, block_lanes};
use super::finish::{Finish, Then};
use super::layer::Layer;
use crate::index::along;
use core::hint::black_box;
use tile::Tile;

mod tile;

/// Whether layers use this loop: on targets without vectors, and in builds for small code that
/// target one processor, so that its fused multiply-add is an instruction here.
pub(super) const IN_USE: bool = cfg!(any(
    target_arch = "arm",
    target_arch = "riscv32",
    all(
        feature = "compact",
        any(
            not(target_arch = "x86_64"),
            target_feature = "fma",
            feature = "no-fma"
        )
    )
));

/// The largest number of positions in a tile.
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
        // A single position has all sums of a tile.
        let (positions, width) = match (layer.horizontal.count, lanes) {
            (1, _) => (1, lanes),
            (_, FULL | 8) => (2, 8),
            _ => (POSITIONS, lanes),
        };
        let end = outputs.min(channel.wrapping_add(lanes));
        let mut first = channel;
        while first < end {
            let part = Part {
                weights: block.as_ptr().wrapping_add(first.wrapping_sub(channel)),
                lanes,
                width,
                positions,
                channel: first,
                bias: layer
                    .bias
                    .get(first..end.min(first.wrapping_add(width)))
                    .unwrap_or_default(),
            };
            write_part(layer, &part, y);
            first = first.wrapping_add(width);
        }
        weights = left;
        channel = channel.wrapping_add(lanes);
    }
}

/// Neighbouring outputs that are computed together, at all positions.
struct Part<'a> {
    /// The weights, starting at the first output's first.
    weights: *const f32,
    /// Distance of the rows of weights.
    lanes: usize,
    /// Sums of a position, and positions of a tile.
    width: usize,
    positions: usize,
    /// The first output.
    channel: usize,
    /// The number of outputs.
    bias: &'a [f32],
}

/// The rows of weights in a block, if all inputs and taps exist.
fn rows(layer: &Layer<'_>) -> Option<usize> {
    let (vertical, horizontal) = (&layer.vertical, &layer.horizontal);
    let positions = vertical.length.checked_mul(horizontal.length)?;
    let numbers = positions.checked_mul(layer.from)?;
    // The index of the last tap; a phase of a transposed convolution may have no tap.
    let last = |axis: &Axis| match axis.taps.checked_sub(1) {
        Some(steps) => axis.tap.checked_add(steps.checked_mul(axis.tap_step)?),
        None => Some(0),
    };
    let line = last(vertical)?.checked_mul(layer.row_of_taps)?;
    let tap = line.checked_add(last(horizontal)?)?;
    let there = numbers <= layer.x.len() && layer.inputs <= layer.from && tap < layer.taps;
    if there {
        layer.taps.checked_mul(layer.inputs)
    } else {
        None
    }
}

/// Writes some outputs at all positions.
#[inline(always)]
fn write_part(layer: &Layer<'_>, part: &Part<'_>, y: &mut [f32]) {
    let inside = layer.horizontal.inside();
    // Neighbouring taps have neighbouring inputs and weights: one run.
    let joined = layer.horizontal.direction == 1
        && layer.horizontal.tap_step == 1
        && layer.from == layer.inputs;
    let x = layer.x.as_ptr();
    let mut sums = [0.0; FULL];
    for row in 0..layer.vertical.count {
        let (layer, part) = (hidden(layer), hidden(part));
        let (vertical, horizontal) = (&layer.vertical, &layer.horizontal);
        let lines = vertical.taps_inside(row);
        let source = row
            .wrapping_add(vertical.offset)
            .wrapping_add(lines.start.wrapping_mul(vertical.direction))
            .wrapping_mul(horizontal.length)
            .wrapping_add(horizontal.offset);
        let tap = along(vertical.tap, lines.start, vertical.tap_step)
            .wrapping_mul(layer.row_of_taps)
            .wrapping_add(horizontal.tap);
        let row_of_outputs = along(vertical.start, row, vertical.step)
            .wrapping_mul(layer.columns)
            .wrapping_add(horizontal.start);
        let mut position = 0;
        while position < horizontal.count {
            let (layer, part) = (hidden(layer), hidden(part));
            let horizontal = &layer.horizontal;
            let weights_of_tap = layer.inputs.wrapping_mul(part.lanes);
            // Positions at the edges one by one, with the taps that they have.
            let (mut left, taps) = if inside.contains(&position) {
                (inside.end.wrapping_sub(position), 0..horizontal.taps)
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
            let tap = along(tap, taps.start, horizontal.tap_step);
            let mut at = along(row_of_outputs, position, horizontal.step);
            position = position.wrapping_add(left);
            let mut tile = Tile {
                positions: 1,
                left,
                width: part.width,
                x: x.wrapping_add(source.wrapping_mul(layer.from)),
                from: layer.from,
                weights: part.weights.wrapping_add(tap.wrapping_mul(weights_of_tap)),
                lanes: part.lanes,
                run,
                start: part.bias.as_ptr(),
                start_step: 0,
            };
            let (runs, lines) = if run == 0 {
                (0, 0)
            } else {
                (runs, lines.len())
            };
            while left > 0 {
                let (layer, part) = (hidden(layer), hidden(part));
                let (vertical, horizontal) = (&layer.vertical, &layer.horizontal);
                tile.left = left;
                tile.positions = if left == 1 { 1 } else { part.positions };
                let first = (tile.x, tile.weights);
                (tile.start, tile.start_step) = (part.bias.as_ptr(), 0);
                if runs == 0 || lines == 0 || part.bias.len() < part.width {
                    fill(part, &mut sums);
                    (tile.start, tile.start_step) = (sums.as_ptr(), part.width);
                }
                for _ in 0..lines {
                    let line = (tile.x, tile.weights);
                    for _ in 0..runs {
                        // SAFETY: `rows` verified that all inputs and rows exist, and the axes
                        // leave out taps without input.
                        unsafe { accumulate(&tile, &mut sums) };
                        (tile.start, tile.start_step) = (sums.as_ptr(), part.width);
                        let tap = horizontal.direction.wrapping_mul(layer.from);
                        tile.x = tile.x.wrapping_add(tap);
                        let tap = horizontal.tap_step.wrapping_mul(weights_of_tap);
                        tile.weights = tile.weights.wrapping_add(tap);
                    }
                    let positions = vertical.direction.wrapping_mul(horizontal.length);
                    let taps = vertical.tap_step.wrapping_mul(layer.row_of_taps);
                    tile.x = line.0.wrapping_add(positions.wrapping_mul(layer.from));
                    tile.weights = line.1.wrapping_add(taps.wrapping_mul(weights_of_tap));
                }
                let done = tile.positions.min(left);
                let mut sums = &sums[..];
                for _ in 0..done {
                    let start = |step: usize| at.wrapping_mul(step).wrapping_add(part.channel);
                    let from = start(layer.to);
                    if let Some(y) = y.get_mut(from..from.wrapping_add(part.bias.len())) {
                        finish(&layer.finish, start(layer.residual_step), sums, y);
                    }
                    sums = sums.get(part.width..).unwrap_or_default();
                    at = at.wrapping_add(horizontal.step);
                }
                left = left.wrapping_sub(done);
                tile.x = first.0.wrapping_add(done.wrapping_mul(layer.from));
                tile.weights = first.1;
            }
        }
    }
}

/// Hides `value` from LLVM, so that derived values are not hoisted out of loops and spilled to the
/// stack.
#[inline(always)]
fn hidden<T>(value: &T) -> &T {
    black_box(value)
}

/// Writes the bias for every position.
#[inline(never)]
fn fill(part: &Part<'_>, sums: &mut [f32; FULL]) {
    for sums in sums.chunks_exact_mut(part.width.max(1)) {
        for (sum, &bias) in sums.iter_mut().zip(part.bias) {
            *sum = bias;
        }
    }
}

/// [`Finish::apply`] on bits; `start` is the index of the first sum's residual.
#[inline(never)]
fn finish(finish: &Finish<'_>, start: usize, sums: &[f32], y: &mut [f32]) {
    let pairs = y.iter_mut().zip(sums);
    match finish.then {
        Then::Nothing => {
            // The effect of `+ 0.0` on bits.
            let zero = if finish.positive_zero {
                NEGATIVE_ZERO
            } else {
                0
            };
            pairs.for_each(|(y, &sum)| *y = but(sum, zero));
        }
        Then::Relu => pairs.for_each(|(y, &sum)| *y = relu(sum)),
        Then::Add | Then::ReluAdd | Then::AddRelu => {
            let residual = finish.residual.get(start..).unwrap_or_default();
            let zero = if finish.positive_zero {
                NEGATIVE_ZERO
            } else {
                0
            };
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

/// Returns `x`, or zero where `x` has these bits.
#[inline(always)]
fn but(x: f32, bits: u32) -> f32 {
    f32::from_bits(if x.to_bits() == bits { 0 } else { x.to_bits() })
}

/// Returns `x > 0.0 ? x : 0.0`: keeps the bits from those of the smallest positive float to those
/// of infinity.
#[inline(always)]
fn relu(x: f32) -> f32 {
    let bits = x.to_bits();
    let above = bits.wrapping_sub(1) < f32::INFINITY.to_bits();
    f32::from_bits(if above { bits } else { 0 })
}

/// Adds the run's products to the initial values of the sums `[positions][width]`, row after row.
///
/// # Safety
/// All inputs, rows and initial values exist. The initial values may be the sums themselves.
#[cfg(any(
    test,
    all(
        any(
            feature = "no-fma",
            not(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))
        ),
        any(not(feature = "compact"), target_arch = "arm", target_arch = "riscv32")
    )
))]
#[inline(never)]
unsafe fn accumulate_plainly(tile: &Tile, sums: &mut [f32; FULL]) {
    use crate::fma::{Arithmetic, Native};
    use crate::index::numbered;
    let positions = tile.positions.min(tile.left);
    // Otherwise the initial values are the sums: they exist, and are not read through another
    // reference while borrowed.
    if tile.start_step == 0 {
        for sums in sums.chunks_exact_mut(tile.width.max(1)).take(positions) {
            for (lane, sum) in numbered(sums.iter_mut()) {
                // SAFETY: by this function's contract.
                *sum = unsafe { *tile.start.wrapping_add(lane) };
            }
        }
    }
    for i in 0..tile.run {
        let row = tile.weights.wrapping_add(i.wrapping_mul(tile.lanes));
        let sums = sums.chunks_exact_mut(tile.width.max(1));
        for (k, sums) in numbered(sums).take(positions) {
            // SAFETY: by this function's contract.
            let number = unsafe { *tile.x.wrapping_add(along(i, k, tile.from)) };
            for (lane, sum) in numbered(sums.iter_mut()) {
                // SAFETY: by this function's contract.
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
    feature = "compact",
    not(any(target_arch = "arm", target_arch = "riscv32"))
))]
use fixed::accumulate;

#[cfg(all(
    any(
        feature = "no-fma",
        not(all(target_arch = "arm", target_abi = "eabihf", target_os = "none"))
    ),
    any(not(feature = "compact"), target_arch = "arm", target_arch = "riscv32")
))]
use accumulate_plainly as accumulate;

#[cfg(any(
    test,
    all(
        feature = "compact",
        not(any(target_arch = "arm", target_arch = "riscv32"))
    )
))]
mod fixed;

#[cfg(all(
    target_arch = "arm",
    target_abi = "eabihf",
    target_os = "none",
    not(feature = "no-fma")
))]
mod cortex_m;

#[cfg(test)]
mod tests;
