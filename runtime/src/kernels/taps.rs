//! The inner loop that both convolutions share: the sum over some taps of one output position.

use crate::fma::{Arithmetic, Native};

/// A convolution's channel counts.
#[derive(Clone, Copy)]
pub(super) struct Channels {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

/// Writes one position's outputs: the bias, then `taps` in their order, each `(tap, input position)`, and within a tap
/// the input channels ascending. A tap that lies outside the weights or the input is left out.
///
/// *Shapes*: `x: [length][inputs]`, `weights: [kernel][inputs][outputs]`, `bias` and `y: [outputs]`.
#[inline(always)]
pub(super) fn position(
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    y: &mut [f32],
    channels: Channels,
    taps: impl Iterator<Item = (usize, usize)> + Clone,
) {
    let mut first = 0;
    while first < y.len() {
        let Some((y, bias)) = y.get_mut(first..).zip(bias.get(first..)) else {
            return;
        };
        first += match y.len() {
            16.. => block::<16>(x, weights, bias, y, first, channels, taps.clone()),
            8.. => block::<8>(x, weights, bias, y, first, channels, taps.clone()),
            4.. => block::<4>(x, weights, bias, y, first, channels, taps.clone()),
            _ => block::<1>(x, weights, bias, y, first, channels, taps.clone()),
        };
    }
}

/// Writes the outputs `first..first + LANES`, and returns `LANES`.
#[inline(always)]
fn block<const LANES: usize>(
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    y: &mut [f32],
    first: usize,
    channels: Channels,
    taps: impl Iterator<Item = (usize, usize)>,
) -> usize {
    let mut sums = [0.0; LANES];
    for (sum, &bias) in sums.iter_mut().zip(bias) {
        *sum = bias;
    }
    for (tap, position) in taps {
        let values = row(x, position, channels.inputs);
        let tap = row(
            weights,
            tap,
            channels.inputs.saturating_mul(channels.outputs),
        );
        for (&value, outputs) in values.iter().zip(tap.chunks_exact(channels.outputs.max(1))) {
            let Some(lanes) = outputs
                .get(first..)
                .and_then(|rest| rest.first_chunk::<LANES>())
            else {
                continue;
            };
            for (sum, &weight) in sums.iter_mut().zip(lanes) {
                *sum = Native::fma(value, weight, *sum);
            }
        }
    }
    for (y, sum) in y.iter_mut().zip(sums) {
        *y = sum;
    }
    LANES
}

/// Row `index` of a matrix with rows of `width`; empty where there is none.
#[inline(always)]
fn row(matrix: &[f32], index: usize, width: usize) -> &[f32] {
    let start = index.saturating_mul(width);
    matrix
        .get(start..start.saturating_add(width))
        .unwrap_or_default()
}
