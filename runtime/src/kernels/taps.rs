//! The loop that both convolutions share: sums over taps, for a tile of positions by channels at a time.
//!
//! Neighbouring positions take the same weights, neighbouring channels the same inputs. So a tile of sums is kept in
//! registers while its taps pass by: each weight is loaded once a tile, and enough independent sums are in flight to
//! hide the latency of a multiply-add. Where a tile would pass the last position it is moved back, and writes again what
//! is there, with the same bits.

use crate::fma::{Arithmetic, Native};

/// A convolution's operands.
///
/// *Shapes*: `x: [length][inputs]`, `weights: [kernel][inputs][outputs]`, `bias: [outputs]`.
#[derive(Clone, Copy)]
pub(super) struct Convolution<'a> {
    pub(super) x: &'a [f32],
    pub(super) weights: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) inputs: usize,
    pub(super) outputs: usize,
}

/// Output positions of which each takes the same taps, one input position further than the one before.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// The first one.
    pub(super) position: usize,
    /// From one to the next.
    pub(super) step: usize,
    /// How many they are.
    pub(super) count: usize,
}

impl Convolution<'_> {
    /// Writes a run of positions of `y: [length][outputs]`: the bias, then `taps` in their order, each `(tap, input
    /// position of the run's first)`, and within a tap the input channels ascending.
    #[inline(always)]
    pub(super) fn write(
        self,
        y: &mut [f32],
        run: Run,
        taps: impl Iterator<Item = (usize, usize)> + Clone,
    ) {
        let channels = self.outputs.min(self.bias.len());
        let mut channel = 0;
        while channel < channels {
            let left = channels - channel;
            channel += if cfg!(target_arch = "arm") {
                // 16 sums in 32 single registers.
                match left {
                    4.. => self.channels::<4, 4>(y, run, channel, taps.clone()),
                    _ => self.channels::<4, 1>(y, run, channel, taps.clone()),
                }
            } else {
                // Eight sums of a vector each in 16 vector registers.
                match left {
                    16.. => self.channels::<4, 16>(y, run, channel, taps.clone()),
                    8.. => self.channels::<8, 8>(y, run, channel, taps.clone()),
                    4.. => self.channels::<8, 4>(y, run, channel, taps.clone()),
                    _ => self.channels::<8, 1>(y, run, channel, taps.clone()),
                }
            };
        }
    }

    /// Writes the `CHANNELS` channels from `channel` on, and returns `CHANNELS`.
    #[inline(always)]
    fn channels<const POSITIONS: usize, const CHANNELS: usize>(
        self,
        y: &mut [f32],
        run: Run,
        channel: usize,
        taps: impl Iterator<Item = (usize, usize)> + Clone,
    ) -> usize {
        let mut done = 0;
        while done < run.count {
            if let Some(last) = run.count.checked_sub(POSITIONS) {
                let index = done.min(last);
                self.tile::<POSITIONS, CHANNELS>(y, run, index, channel, taps.clone());
                done += POSITIONS;
            } else {
                self.tile::<1, CHANNELS>(y, run, done, channel, taps.clone());
                done += 1;
            }
        }
        CHANNELS
    }

    /// Writes `CHANNELS` channels of the `POSITIONS` positions from number `index` of the run on.
    #[inline(always)]
    fn tile<const POSITIONS: usize, const CHANNELS: usize>(
        self,
        y: &mut [f32],
        run: Run,
        index: usize,
        channel: usize,
        taps: impl Iterator<Item = (usize, usize)>,
    ) {
        let Some(bias) = chunk(self.bias, channel) else {
            return;
        };
        let mut sums: [[f32; CHANNELS]; POSITIONS] = [*bias; POSITIONS];
        for (tap, position) in taps {
            let rows: [&[f32]; POSITIONS] =
                core::array::from_fn(|k| row(self.x, position + index + k, self.inputs));
            if rows.iter().any(|row| row.len() != self.inputs) {
                continue;
            }
            let tap = row(self.weights, tap, self.inputs.saturating_mul(self.outputs));
            for (input, outputs) in (0..self.inputs).zip(tap.chunks_exact(self.outputs.max(1))) {
                let Some(weights) = chunk::<CHANNELS>(outputs, channel) else {
                    continue;
                };
                for (sums, row) in sums.iter_mut().zip(rows) {
                    let value = row.get(input).copied().unwrap_or_default();
                    for (sum, &weight) in sums.iter_mut().zip(weights) {
                        *sum = Native::fma(value, weight, *sum);
                    }
                }
            }
        }
        for (k, sums) in sums.iter().enumerate() {
            let position = run.position + (index + k) * run.step;
            let start = position
                .saturating_mul(self.outputs)
                .saturating_add(channel);
            let y = y.get_mut(start..).unwrap_or_default();
            if let Some(y) = y.first_chunk_mut() {
                *y = *sums;
            }
        }
    }
}

/// The `N` values from `start` on, where there are as many.
#[inline(always)]
fn chunk<const N: usize>(values: &[f32], start: usize) -> Option<&[f32; N]> {
    values.get(start..)?.first_chunk()
}

/// Row `index` of a matrix with rows of `width`; empty where there is none.
#[inline(always)]
fn row(matrix: &[f32], index: usize, width: usize) -> &[f32] {
    let start = index.saturating_mul(width);
    matrix
        .get(start..start.saturating_add(width))
        .unwrap_or_default()
}
