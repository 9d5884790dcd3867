//! Dense layer: `y[o] = bias[o] + sum over i, ascending, of x[i] * weight[i][o]`.
//!
//! A sum must be accumulated in its order. So the sums of many outputs are accumulated side by
//! side, input after input, which vectorises in this order. With several samples, each weight is
//! loaded once for a tile of them.

#![expect(
    unsafe_code,
    reason = "with a check at each access a layer takes twice the instructions"
)]

use super::axis::Axis;
use super::blocks::{FULL, all_lanes, block_lanes};
use super::finish::{Finish, Then, loaded};
use super::layer::Layer;
use super::scalar;
use crate::dispatch::vectorised;
use crate::index::{along, numbered};
#[cfg(target_arch = "x86_64")]
use crate::simd::avx512::{self, Avx512};
use crate::simd::portable::Portable;
use crate::simd::{Vector, Work};

/// The largest number of multiply-accumulates in a small layer.
const SMALL: usize = 1024;

/// The sizes of a dense layer applied to some samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dense {
    /// Rows of `x` and of `y`.
    pub samples: usize,
    /// Inputs of a sample, and elements of `x` from one sample to the next.
    pub inputs: usize,
    /// See `inputs`.
    pub from: usize,
    /// Outputs of a sample, and elements of `y` from one sample to the next.
    pub outputs: usize,
    /// See `outputs`.
    pub to: usize,
    /// Elements from one sample's residual to the next, if there is a residual.
    pub residual: usize,
}

/// Returns the length of the packed weights of a layer; for a convolution, `inputs` counts those of
/// all its taps.
#[must_use]
pub const fn packed_length(inputs: usize, outputs: usize) -> usize {
    inputs.saturating_mul(all_lanes(outputs))
}

/// Computes a dense layer.
///
/// *Shapes*: `x: [samples][from]`, `weights`: packed, [`packed_length`]`(inputs, outputs)`,
/// `bias: [outputs]`, `y: [samples][to]`; `residual`, where `then` has one:
/// `[samples][sizes.residual]`.
#[cfg_attr(all(target_feature = "avx2", target_feature = "fma"), inline(always))]
#[cfg_attr(
    not(any(
        all(target_feature = "avx2", target_feature = "fma"),
        target_arch = "arm"
    )),
    inline
)]
#[cfg_attr(target_arch = "arm", inline(always))]
pub fn dense(
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    y: &mut [f32],
    sizes: Dense,
    then: Then,
    residual: &[f32],
) {
    let finish = Finish {
        then,
        residual,
        positive_zero: false,
    };
    if sizes.samples == 1 && !scalar::IN_USE {
        let x = x.get(..sizes.inputs).unwrap_or_default();
        let bias = bias.get(..sizes.outputs).unwrap_or_default();
        let write = if sizes.inputs.saturating_mul(sizes.outputs) <= SMALL {
            small
        } else {
            one
        };
        write(x, weights, bias, y, &finish);
        return;
    }
    let samples = sizes.samples.min(y.len());
    let layer = Layer {
        x,
        weights,
        bias,
        inputs: sizes.inputs.min(weights.len()),
        outputs: sizes.outputs,
        from: sizes.from,
        to: sizes.to,
        columns: samples,
        row_of_taps: 1,
        taps: 1,
        vertical: Axis::ONE,
        horizontal: Axis::each(samples),
        residual_step: sizes.residual,
        finish,
    };
    layer.write(y);
}

vectorised! {
    /// A single sample.
    fn one<V>(x: &[f32], weights: &[f32], bias: &[f32], y: &mut [f32], finish: &Finish<'_>) {
        blocks::<V, true>(x, weights, bias, y, finish);
    }
}

vectorised! {
    /// `one` for a layer so small that calls and branches would take longer than its sums.
    #[cfg_attr(all(target_feature = "avx2", target_feature = "fma"), inline(always))]
    fn small<V>(x: &[f32], weights: &[f32], bias: &[f32], y: &mut [f32], finish: &Finish<'_>) {
        blocks::<V, false>(x, weights, bias, y, finish);
    }
}

/// Computes all outputs of a sample, up to four blocks side by side, so that enough sums are in
/// flight.
#[inline(always)]
fn blocks<V: Vector, const APART: bool>(
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    y: &mut [f32],
    finish: &Finish<'_>,
) {
    let (mut channel, mut weights) = (0, weights);
    while channel < bias.len().min(y.len()) {
        let lanes = block_lanes(bias.len(), channel);
        let full = |block: usize| block_lanes(bias.len(), along(channel, block, FULL)) == FULL;
        let blocks = match lanes {
            FULL if full(1) && full(2) && full(3) => 4,
            FULL if full(1) => 2,
            _ => 1,
        };
        let size = x.len().saturating_mul(lanes.wrapping_mul(blocks));
        let Some((these, left)) = weights.split_at_checked(size) else {
            return;
        };
        let row = Row {
            x,
            weights: these,
            bias,
            y,
            channel,
            finish,
        };
        match (lanes, blocks) {
            // They wait for the second-level cache, which delivers more at once to wider vectors.
            #[cfg(target_arch = "x86_64")]
            (16, 4) if APART && avx512::is_there() => row.write::<Avx512, APART, 4, 16>(),
            #[cfg(target_arch = "x86_64")]
            (16, 2) if APART && avx512::is_there() => row.write::<Avx512, APART, 2, 16>(),
            (16, 4) => row.write::<V, APART, 4, 16>(),
            (16, 2) => row.write::<V, APART, 2, 16>(),
            (16, _) => row.write::<V, APART, 1, 16>(),
            (8, _) => row.write::<V, APART, 1, 8>(),
            (4, _) => row.write::<Portable<4>, APART, 1, 4>(),
            (2, _) => row.write::<Portable<2>, APART, 1, 2>(),
            _ => row.write::<Portable<1>, APART, 1, 1>(),
        }
        weights = left;
        channel = along(channel, blocks, lanes);
    }
}

/// The outputs of a sample from `channel` on, of all blocks whose weights are given.
struct Row<'a> {
    x: &'a [f32],
    weights: &'a [f32],
    bias: &'a [f32],
    y: &'a mut [f32],
    channel: usize,
    finish: &'a Finish<'a>,
}

impl Row<'_> {
    /// Writes the outputs, in a function of its own or inlined.
    #[inline(always)]
    fn write<V: Vector, const APART: bool, const BLOCKS: usize, const LANES: usize>(self) {
        match LANES / V::LANES {
            1 => self.by::<V, APART, BLOCKS, LANES, 1>(),
            2 => self.by::<V, APART, BLOCKS, LANES, 2>(),
            _ => self.by::<V, APART, BLOCKS, LANES, 4>(),
        }
    }

    /// Writes the outputs with a constant number of vectors in a block.
    #[inline(always)]
    fn by<
        V: Vector,
        const APART: bool,
        const BLOCKS: usize,
        const LANES: usize,
        const VECTORS: usize,
    >(
        self,
    ) {
        if LANES != VECTORS * V::LANES
            || self.weights.len() != self.x.len().wrapping_mul(BLOCKS * LANES)
        {
            return;
        }
        let work = Blocks::<BLOCKS, LANES, VECTORS>(self);
        if APART {
            V::apart(work);
        } else {
            work.run::<V>();
        }
    }
}

/// A row with the weights of `BLOCKS` blocks of `LANES` lanes, each of `VECTORS` vectors.
struct Blocks<'a, const BLOCKS: usize, const LANES: usize, const VECTORS: usize>(Row<'a>);

impl<const BLOCKS: usize, const LANES: usize, const VECTORS: usize> Work
    for Blocks<'_, BLOCKS, LANES, VECTORS>
{
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Row {
            x,
            weights,
            bias,
            y,
            channel,
            finish,
        } = self.0;
        let mut sums = [[[V::splat(0.0); VECTORS]; BLOCKS]; 1];
        for (block, sums) in numbered(sums[0].iter_mut()) {
            for (vector, sum) in numbered(sums.iter_mut()) {
                *sum = loaded(bias, along(along(channel, block, LANES), vector, V::LANES));
            }
        }
        for i in 0..x.len() {
            // SAFETY: the index is below the length.
            let number = unsafe { V::splat_at(x, i) };
            for (block, sums) in numbered(sums[0].iter_mut()) {
                for (vector, sum) in numbered(sums.iter_mut()) {
                    let lane = along(i, block, x.len()).wrapping_mul(LANES);
                    let lane = along(lane, vector, V::LANES);
                    // SAFETY: `by` verified that every input and block has weights.
                    *sum = number.fma(unsafe { V::load_at(weights, lane) }, *sum);
                }
            }
        }
        finish.apply(&mut sums, channel, 0, LANES);
        let [sums] = sums;
        let end = bias.len().min(y.len());
        let Some(y) = y.get_mut(channel..end) else {
            return;
        };
        if let Some(y) = y.get_mut(..BLOCKS * LANES) {
            let places = y.chunks_exact_mut(V::LANES);
            for (&sum, place) in sums.iter().flatten().zip(places) {
                sum.store(place);
            }
            return;
        }
        // The last block's padding is not written.
        for (&sum, place) in sums.iter().flatten().zip(y.chunks_mut(V::LANES)) {
            sum.store_some(place, V::LANES);
        }
    }
}
