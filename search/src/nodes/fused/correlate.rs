//! Convolutions, transposed convolutions and the resized identity as custom operations with their
//! gradients.
//!
//! With `r` the rows of [`Plan`](crate::nodes::Plan), `W` the weights of a run and `f` the
//! activation:
//!
//! ```text
//! forward    z = sum over runs of windows(r) W,
//!            node = f(identity + z + b)   or   identity + f(z + b)
//! backward   g = node's gradient * f',    db = sum g,    dW = windows(r)^T g,
//!            dr = sum over runs of windows(g) W^T, taps reversed
//! ```
//!
//! A batch is split into chunks of samples, and one thread processes a whole chunk, so that data
//! read again are still in its cache. The chunks do not depend on the number of threads, and their
//! weight gradients are summed in order; therefore the bits do not depend on it either.

use super::band::{Band, MOST_ROWS};
use super::matmul::Write;
use super::real::{Buffer, Real};
use super::shared::{
    Slopes, activate, add, add_with_tiled, samples_per_chunk, slice, sum_tiled, tensor, tiled,
    with_values,
};
use crate::nodes::{Epilogue, Pass, Phase, Plan};
use crate::space::Identity;
use candle_core::{CpuStorage, CustomOp1, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;
use std::sync::Arc;

/// The operation between two grids; `pass` determines whether a backward pass may follow.
#[derive(Debug)]
pub(super) struct Correlate<T: Real> {
    plan: Arc<Plan>,
    epilogue: Epilogue,
    pass: Pass,
    slopes: Slopes<T>,
}

/// The weights of an operation.
#[derive(Clone, Copy)]
struct Weights<'a, T> {
    /// `[taps][inputs][outputs]`
    weight: &'a [T],
    /// `[outputs]`
    bias: &'a [T],
}

/// The sizes of one evaluation.
#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    inputs: usize,
    outputs: usize,
}

/// The results of the backward pass.
struct Gradients<T> {
    x: Option<Vec<T>>,
    weight: Vec<T>,
    bias: Vec<T>,
}

impl<T: Real> Correlate<T> {
    pub(super) fn new(plan: &Arc<Plan>, epilogue: Epilogue, pass: Pass) -> Self {
        Self {
            plan: Arc::clone(plan),
            epilogue,
            pass,
            slopes: Slopes::default(),
        }
    }

    fn samples(&self, sizes: Sizes) -> usize {
        let macs = self.plan.kernel.positions()
            * self.plan.domain.positions()
            * sizes.inputs
            * sizes.outputs;
        samples_per_chunk(sizes.batch, macs)
    }

    fn forward(&self, x: &[T], weights: Option<Weights<'_, T>>, sizes: Sizes) -> Vec<T> {
        let Sizes {
            batch,
            inputs,
            outputs,
        } = sizes;
        let (from, to) = (
            self.plan.input.positions() * inputs,
            self.plan.output.positions() * outputs,
        );
        let packed = weights.map(|weights| self.packed(weights, sizes));
        let mut y = vec![T::default(); batch * to];
        let samples = self.samples(sizes);
        let keep = self.pass == Pass::ForwardAndBackward && self.epilogue.activation.is_some();
        let mut slopes = keep.then(|| Buffer::stale(batch * to));
        let run = |x: &[T], y: &mut [T], slopes: Option<&mut [T]>| {
            if self.epilogue.identity_inside() {
                self.add_identity(x, y, outputs);
            }
            if let (Some(weights), Some(packed)) = (weights, &packed) {
                self.add_operation(x, y, weights.bias, packed, sizes);
            }
            activate(self.epilogue, y, slopes);
            if self.epilogue.identity_outside() {
                self.add_identity(x, y, outputs);
            }
        };
        let (x, y_chunks) = (x.par_chunks(samples * from), y.par_chunks_mut(samples * to));
        match &mut slopes {
            None => x.zip(y_chunks).for_each(|(x, y)| run(x, y, None)),
            Some(slopes) => x
                .zip(y_chunks)
                .zip(slopes.par_chunks_mut(samples * to))
                .for_each(|((x, y), slopes)| run(x, y, Some(slopes))),
        }
        self.slopes.keep(slopes);
        y
    }

    fn backward(
        &self,
        x: &[T],
        weights: Option<Weights<'_, T>>,
        gradient: &[T],
        slopes: Option<&[T]>,
        sizes: Sizes,
        wants_x: bool,
    ) -> Gradients<T> {
        let Sizes {
            batch,
            inputs,
            outputs,
        } = sizes;
        let (from, to) = (
            self.plan.input.positions() * inputs,
            self.plan.output.positions() * outputs,
        );
        let packed = weights
            .filter(|_| wants_x)
            .map(|weights| self.packed_reversed(weights, sizes));
        let samples = self.samples(sizes);
        let mut dx = vec![T::default(); if wants_x { batch * from } else { 0 }];
        let chunks = batch.div_ceil(samples);
        let mut x_chunks: Vec<Option<&mut [T]>> = (0..chunks).map(|_| None).collect();
        if wants_x {
            let slices = dx.chunks_mut(samples * from);
            x_chunks = slices.map(Some).collect();
        }
        let sums = x_chunks.into_par_iter().enumerate().map(|(chunk, dx)| {
            let first = chunk * samples;
            let count = samples.min(batch - first);
            let x = &x[first * from..][..count * from];
            let outside = &gradient[first * to..][..count * to];
            let mut inside = Buffer::<T>::stale(count * to);
            match slopes {
                None => inside.copy_from_slice(outside),
                Some(slopes) => {
                    let both = outside.iter().zip(&slopes[first * to..][..count * to]);
                    for (inside, (&outside, &slope)) in inside.iter_mut().zip(both) {
                        *inside = outside * slope;
                    }
                }
            }
            self.chunk_gradients(x, weights, packed.as_deref(), &inside, outside, dx, sizes)
        });
        let sums: Vec<_> = sums.collect();
        let mut sums = sums.into_iter();
        let (mut weight, mut bias) = sums.next().unwrap_or_default();
        for (more_weight, more_bias) in sums {
            add(&mut weight, &more_weight);
            add(&mut bias, &more_bias);
        }
        Gradients {
            x: wants_x.then_some(dx),
            weight,
            bias,
        }
    }

    /// Returns the weight gradients of one chunk and adds the gradient of `x` to `dx`.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a backward pass knows of a chunk"
    )]
    fn chunk_gradients(
        &self,
        x: &[T],
        weights: Option<Weights<'_, T>>,
        packed: Option<&[Buffer<T>]>,
        inside: &[T],
        outside: &[T],
        mut dx: Option<&mut [T]>,
        sizes: Sizes,
    ) -> (Vec<T>, Vec<T>) {
        if let Some(dx) = &mut dx {
            if self.epilogue.identity_inside() {
                self.return_identity(inside, dx, sizes.outputs);
            }
            if self.epilogue.identity_outside() {
                self.return_identity(outside, dx, sizes.outputs);
            }
        }
        let Some(weights) = weights else {
            return Default::default();
        };
        let Sizes {
            inputs, outputs, ..
        } = sizes;
        let plan = &*self.plan;
        let count = x.len() / (plan.input.positions() * inputs);
        let margin = plan.margin();
        let all_rows = count * plan.sample();
        let rows = self.laid_out(x, sizes);
        let mut weight = vec![T::default(); weights.weight.len()];
        let mut bias_tile = tiled(&vec![T::default(); outputs]);
        let mut dr = Buffer::zeros(match dx {
            Some(_) => (all_rows + MOST_ROWS) * inputs,
            None => 0,
        });
        let mut g = Buffer::zeros((all_rows + 2 * margin + MOST_ROWS) * outputs);
        let mut packed = packed.into_iter().flatten();
        for (number, phase) in plan.phases.iter().enumerate() {
            if number > 0 {
                g.fill(T::default());
            }
            self.gather(phase, inside, &mut g, &mut bias_tile, outputs);
            for run in &phase.runs {
                let taps = run.taps.len();
                let first = margin.wrapping_add_signed(plan.offset(run));
                let (windows, centre) = (&rows[first * inputs..], &g[margin * outputs..]);
                Band::new(taps, inputs, outputs).gradients(
                    windows,
                    centre,
                    all_rows,
                    |tap, found| {
                        let tap = run.taps[tap];
                        add(&mut weight[tap * found.len()..][..found.len()], found);
                    },
                );
                if let Some(packed) = packed.next() {
                    // Tap t of an output lies t positions after the first one, so that output lies
                    // t positions before tap t.
                    let last = plan.offset(run) + (taps as isize - 1);
                    let windows = &g[margin.wrapping_add_signed(-last) * outputs..];
                    let band = Band::new(taps, outputs, inputs);
                    band.multiply(&mut dr, Write::Add, windows, packed, all_rows);
                }
            }
        }
        if let Some(dx) = dx {
            let samples = dx.chunks_exact_mut(plan.input.positions() * inputs);
            for (dx, dr) in samples.zip(dr.chunks_exact(plan.sample() * inputs)) {
                for span in &plan.domain_spans {
                    let length = span.count * inputs;
                    add(
                        &mut dx[span.place * inputs..][..length],
                        &dr[span.row * inputs..][..length],
                    );
                }
            }
        }
        let mut bias = vec![T::default(); outputs];
        for sums in bias_tile.chunks_exact(outputs) {
            add(&mut bias, sums);
        }
        (weight, bias)
    }

    /// Adds the resized input to the node.
    fn add_identity(&self, x: &[T], y: &mut [T], channels: usize) {
        let samples = y.chunks_exact_mut(self.plan.output.positions() * channels);
        for (y, x) in samples.zip(x.chunks_exact(self.plan.input.positions() * channels)) {
            for span in &self.plan.identity_spans {
                let length = span.count * channels;
                add(
                    &mut y[span.row * channels..][..length],
                    &x[span.place * channels..][..length],
                );
            }
        }
    }

    /// Adds the gradient of the node to that of the input that was resized.
    fn return_identity(&self, gradient: &[T], dx: &mut [T], channels: usize) {
        let samples = dx.chunks_exact_mut(self.plan.input.positions() * channels);
        for (dx, g) in samples.zip(gradient.chunks_exact(self.plan.output.positions() * channels)) {
            for span in &self.plan.identity_spans {
                let length = span.count * channels;
                add(
                    &mut dx[span.place * channels..][..length],
                    &g[span.row * channels..][..length],
                );
            }
        }
    }

    /// Adds the result of the operation and the bias to the node.
    fn add_operation(&self, x: &[T], y: &mut [T], bias: &[T], packed: &[Buffer<T>], sizes: Sizes) {
        let Sizes {
            inputs, outputs, ..
        } = sizes;
        let plan = &*self.plan;
        let count = x.len() / (plan.input.positions() * inputs);
        let (margin, all_rows) = (plan.margin(), count * plan.sample());
        let rows = self.laid_out(x, sizes);
        let mut z = Buffer::stale((all_rows + MOST_ROWS) * outputs);
        let bias = tiled(bias);
        let mut packed = packed.iter();
        for phase in &plan.phases {
            if phase.runs.is_empty() {
                z.fill(T::default());
            }
            for (number, (run, packed)) in phase.runs.iter().zip(&mut packed).enumerate() {
                let first = margin.wrapping_add_signed(plan.offset(run));
                let write = match number {
                    0 => Write::Replace,
                    _ => Write::Add,
                };
                let band = Band::new(run.taps.len(), inputs, outputs);
                band.multiply(&mut z, write, &rows[first * inputs..], packed, all_rows);
            }
            let samples = y.chunks_exact_mut(plan.output.positions() * outputs);
            for (y, z) in samples.zip(z.chunks_exact(plan.sample() * outputs)) {
                for span in &phase.outputs {
                    let length = span.count * outputs;
                    let y = &mut y[span.place * outputs..][..length];
                    add_with_tiled(y, &z[span.row * outputs..][..length], &bias);
                }
            }
        }
    }

    /// Copies the inputs of a chunk into the row layout of the plan.
    fn laid_out(&self, x: &[T], sizes: Sizes) -> Buffer<T> {
        let (plan, channels) = (&*self.plan, sizes.inputs);
        let count = x.len() / (plan.input.positions() * channels);
        let mut rows =
            Buffer::zeros((2 * plan.margin() + count * plan.sample() + MOST_ROWS) * channels);
        let samples = rows[plan.margin() * channels..].chunks_exact_mut(plan.sample() * channels);
        for (rows, x) in samples.zip(x.chunks_exact(plan.input.positions() * channels)) {
            for span in &plan.domain_spans {
                let length = span.count * channels;
                rows[span.row * channels..][..length]
                    .copy_from_slice(&x[span.place * channels..][..length]);
            }
        }
        rows
    }

    /// Copies the gradients of a phase into the row layout of the plan and adds them to the bias
    /// gradient tile.
    fn gather(&self, phase: &Phase, inside: &[T], g: &mut [T], bias: &mut [T], channels: usize) {
        let plan = &*self.plan;
        let samples = g[plan.margin() * channels..].chunks_exact_mut(plan.sample() * channels);
        for (g, inside) in samples.zip(inside.chunks_exact(plan.output.positions() * channels)) {
            for span in &phase.outputs {
                let length = span.count * channels;
                let inside = &inside[span.place * channels..][..length];
                g[span.row * channels..][..length].copy_from_slice(inside);
                sum_tiled(bias, inside);
            }
        }
    }

    /// Returns the band matrices of the runs, from inputs to outputs.
    fn packed(&self, weights: Weights<'_, T>, sizes: Sizes) -> Vec<Buffer<T>> {
        let Sizes {
            inputs, outputs, ..
        } = sizes;
        let of_tap = |&tap: &usize| &weights.weight[tap * inputs * outputs..][..inputs * outputs];
        let runs = self.plan.phases.iter().flat_map(|phase| &phase.runs);
        runs.map(|run| {
            Band::new(run.taps.len(), inputs, outputs).packed(run.taps.iter().map(of_tap))
        })
        .collect()
    }

    /// Returns the band matrices of the runs from outputs to inputs: taps reversed, each
    /// transposed.
    fn packed_reversed(&self, weights: Weights<'_, T>, sizes: Sizes) -> Vec<Buffer<T>> {
        let Sizes {
            inputs, outputs, ..
        } = sizes;
        let mut transposed = Buffer::stale(weights.weight.len());
        for (tap, transposed) in transposed.chunks_exact_mut(inputs * outputs).enumerate() {
            let weight = &weights.weight[tap * inputs * outputs..][..inputs * outputs];
            for (output, transposed) in transposed.chunks_exact_mut(inputs).enumerate() {
                for (input, transposed) in transposed.iter_mut().enumerate() {
                    *transposed = weight[input * outputs + output];
                }
            }
        }
        let of_tap = |&tap: &usize| &transposed[tap * inputs * outputs..][..inputs * outputs];
        let runs = self.plan.phases.iter().flat_map(|phase| &phase.runs);
        runs.map(|run| {
            Band::new(run.taps.len(), outputs, inputs).packed(run.taps.iter().rev().map(of_tap))
        })
        .collect()
    }

    /// Returns the shape of the node: that of `x` with the positions and channels of the output.
    fn shape(&self, x: &Layout, outputs: usize) -> Result<(Shape, Sizes)> {
        let dims = x.dims();
        let (Some(&batch), Some(&inputs)) = (dims.first(), dims.last()) else {
            candle_core::bail!("a fused operation needs a batch of positions with channels");
        };
        let Plan { input, output, .. } = &*self.plan;
        if x.shape().elem_count() != batch * input.positions() * inputs || dims.len() < 2 {
            candle_core::bail!("expected {input:?} positions, got a tensor of {dims:?}");
        }
        if self.epilogue.identity == Identity::Beside && inputs != outputs {
            candle_core::bail!("an identity of {inputs} channels beside an operation of {outputs}");
        }
        let shape = match dims.len() {
            2 => Shape::from((batch, output.positions() * outputs)),
            3 => Shape::from((batch, output.positions(), outputs)),
            _ => Shape::from((batch, output.height, output.width, outputs)),
        };
        Ok((
            shape,
            Sizes {
                batch,
                inputs,
                outputs,
            },
        ))
    }
}

impl<T: Real> CustomOp3 for Correlate<T> {
    fn name(&self) -> &'static str {
        "fused convolution"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (shape, sizes) = self.shape(x_layout, bias_layout.shape().elem_count())?;
        let weights = Weights {
            weight: slice(weight, weight_layout)?,
            bias: slice(bias, bias_layout)?,
        };
        if weights.weight.len() != self.plan.kernel.positions() * sizes.inputs * sizes.outputs {
            candle_core::bail!(
                "expected weights of {} taps, {} and {} channels, got {:?}",
                self.plan.kernel.positions(),
                sizes.inputs,
                sizes.outputs,
                weight_layout.dims()
            );
        }
        let y = self.forward(slice(x, x_layout)?, Some(weights), sizes);
        Ok((T::to_cpu_storage_owned(y), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _node: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let (_, sizes) = self.shape(x.layout(), bias.elem_count())?;
        let found = with_values(x, |values| {
            with_values(weight, |weight| {
                with_values(bias, |bias| {
                    with_values(gradient, |gradient| {
                        let weights = Some(Weights { weight, bias });
                        Ok(self.slopes.read(|slopes| {
                            self.backward(values, weights, gradient, slopes, sizes, x.track_op())
                        }))
                    })
                })
            })
        })?;
        Ok((
            found
                .x
                .map(|values| tensor(values, x.shape()))
                .transpose()?,
            Some(tensor(found.weight, weight.shape())?),
            Some(tensor(found.bias, bias.shape())?),
        ))
    }
}

impl<T: Real> CustomOp1 for Correlate<T> {
    fn name(&self) -> &'static str {
        "fused resized identity"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (shape, sizes) = self.shape(layout, layout.dims().last().copied().unwrap_or(0))?;
        let y = self.forward(slice(x, layout)?, None, sizes);
        Ok((T::to_cpu_storage_owned(y), shape))
    }

    fn bwd(&self, x: &Tensor, _node: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        let (_, sizes) = self.shape(x.layout(), x.dims().last().copied().unwrap_or(0))?;
        let found = with_values(x, |values| {
            with_values(gradient, |gradient| {
                Ok(self.slopes.read(|slopes| {
                    self.backward(values, None, gradient, slopes, sizes, x.track_op())
                }))
            })
        })?;
        found.x.map(|values| tensor(values, x.shape())).transpose()
    }
}
