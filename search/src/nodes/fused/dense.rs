//! Dense layers as custom operations with their gradients: `node = f(x + x W + b)` or
//! `x + f(x W + b)`.

use super::matmul::{View, Write, multiply};
use super::real::{Buffer, Real};
use super::shared::{Slopes, activate, add, samples_per_chunk, slice, tensor, with_values};
use crate::nodes::{Epilogue, Pass};
use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// A dense layer; `pass` determines whether a backward pass may follow.
#[derive(Debug)]
pub(super) struct Dense<T: Real> {
    epilogue: Epilogue,
    pass: Pass,
    slopes: Slopes<T>,
}

/// The sizes of one evaluation.
#[derive(Clone, Copy)]
struct Sizes {
    batch: usize,
    inputs: usize,
    outputs: usize,
}

/// The results of the backward pass; without a bias there is no bias gradient.
struct Gradients<T> {
    x: Option<Vec<T>>,
    weight: Vec<T>,
    bias: Vec<T>,
}

impl<T: Real> Dense<T> {
    pub(super) fn new(epilogue: Epilogue, pass: Pass) -> Self {
        Self {
            epilogue,
            pass,
            slopes: Slopes::default(),
        }
    }

    fn forward(&self, x: &[T], weight: &[T], bias: Option<&[T]>, sizes: Sizes) -> Vec<T> {
        let Sizes {
            batch,
            inputs,
            outputs,
        } = sizes;
        let mut y = vec![T::default(); batch * outputs];
        let keep = self.pass == Pass::ForwardAndBackward && self.epilogue.activation.is_some();
        let mut slopes = keep.then(|| Buffer::stale(batch * outputs));
        let weight = View::new(weight, inputs, outputs, outputs);
        let run = |x: &[T], y: &mut [T], slopes: Option<&mut [T]>| {
            multiply(
                y,
                Write::Replace,
                View::new(x, x.len() / inputs, inputs, inputs),
                weight,
            );
            if let Some(bias) = bias {
                y.chunks_exact_mut(outputs).for_each(|y| add(y, bias));
            }
            if self.epilogue.identity_inside() {
                add(y, x);
            }
            activate(self.epilogue, y, slopes);
            if self.epilogue.identity_outside() {
                add(y, x);
            }
        };
        let samples = samples_per_chunk(batch, inputs * outputs);
        let (x, y_chunks) = (
            x.par_chunks(samples * inputs),
            y.par_chunks_mut(samples * outputs),
        );
        match &mut slopes {
            None => x.zip(y_chunks).for_each(|(x, y)| run(x, y, None)),
            Some(slopes) => x
                .zip(y_chunks)
                .zip(slopes.par_chunks_mut(samples * outputs))
                .for_each(|((x, y), slopes)| run(x, y, Some(slopes))),
        }
        self.slopes.keep(slopes);
        y
    }

    /// Always computes the bias gradient: it is the cheapest of the three.
    fn backward(
        &self,
        x: &[T],
        weight: &[T],
        outside: &[T],
        slopes: Option<&[T]>,
        sizes: Sizes,
        wants_x: bool,
    ) -> Gradients<T> {
        let Sizes {
            batch,
            inputs,
            outputs,
        } = sizes;
        let mut inside = Buffer::stale(batch * outputs);
        match slopes {
            None => inside.copy_from_slice(outside),
            Some(slopes) => {
                for (inside, (&outside, &slope)) in
                    inside.iter_mut().zip(outside.iter().zip(slopes))
                {
                    *inside = outside * slope;
                }
            }
        }
        let inside = &*inside;
        let mut bias = vec![T::default(); outputs];
        inside.chunks_exact(outputs).for_each(|g| add(&mut bias, g));

        // Chunks over the inputs: each owns its rows of the weight gradient.
        let mut dw = vec![T::default(); inputs * outputs];
        let rows = samples_per_chunk(inputs, batch * outputs);
        dw.par_chunks_mut(rows * outputs)
            .enumerate()
            .for_each(|(chunk, dw)| {
                let columns = View::new(&x[chunk * rows..], batch, dw.len() / outputs, inputs);
                multiply(
                    dw,
                    Write::Replace,
                    columns.transposed(),
                    View::new(inside, batch, outputs, outputs),
                );
            });

        let mut dx = vec![T::default(); if wants_x { batch * inputs } else { 0 }];
        let samples = samples_per_chunk(batch, inputs * outputs);
        let weight = View::new(weight, inputs, outputs, outputs).transposed();
        dx.par_chunks_mut(samples * inputs)
            .enumerate()
            .for_each(|(chunk, dx)| {
                let first = chunk * samples * outputs;
                let g = View::new(&inside[first..], dx.len() / inputs, outputs, outputs);
                multiply(dx, Write::Replace, g, weight);
                if self.epilogue.identity_inside() {
                    add(dx, &inside[first..]);
                }
                if self.epilogue.identity_outside() {
                    add(dx, &outside[first..]);
                }
            });
        Gradients {
            x: wants_x.then_some(dx),
            weight: dw,
            bias,
        }
    }

    fn sizes(&self, x: &[usize], weight: &[usize]) -> Result<Sizes> {
        match (x, weight) {
            (&[batch, found], &[inputs, outputs])
                if found == inputs
                    && (self.epilogue.identity == crate::space::Identity::Absent
                        || inputs == outputs) =>
            {
                Ok(Sizes {
                    batch,
                    inputs,
                    outputs,
                })
            }
            _ => candle_core::bail!(
                "a dense layer of {weight:?} cannot act on {x:?} with {:?}",
                self.epilogue
            ),
        }
    }

    fn gradients(&self, x: &Tensor, weight: &Tensor, gradient: &Tensor) -> Result<Gradients<T>> {
        let sizes = self.sizes(x.dims(), weight.dims())?;
        with_values(x, |values| {
            with_values(weight, |weight| {
                with_values(gradient, |gradient| {
                    Ok(self.slopes.read(|slopes| {
                        self.backward(values, weight, gradient, slopes, sizes, x.track_op())
                    }))
                })
            })
        })
    }
}

impl<T: Real> CustomOp3 for Dense<T> {
    fn name(&self) -> &'static str {
        "fused dense layer"
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
        let sizes = self.sizes(x_layout.dims(), weight_layout.dims())?;
        let bias = slice(bias, bias_layout)?;
        if bias.len() != sizes.outputs {
            candle_core::bail!("expected {} biases, got {}", sizes.outputs, bias.len());
        }
        let y = self.forward(
            slice(x, x_layout)?,
            slice(weight, weight_layout)?,
            Some(bias),
            sizes,
        );
        Ok((
            T::to_cpu_storage_owned(y),
            Shape::from((sizes.batch, sizes.outputs)),
        ))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        _node: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let found = self.gradients(x, weight, gradient)?;
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

/// Dense layer without a bias: the first product of a low-rank layer.
impl<T: Real> CustomOp2 for Dense<T> {
    fn name(&self) -> &'static str {
        "fused product"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let sizes = self.sizes(x_layout.dims(), weight_layout.dims())?;
        let y = self.forward(
            slice(x, x_layout)?,
            slice(weight, weight_layout)?,
            None,
            sizes,
        );
        Ok((
            T::to_cpu_storage_owned(y),
            Shape::from((sizes.batch, sizes.outputs)),
        ))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        _node: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let found = self.gradients(x, weight, gradient)?;
        Ok((
            found
                .x
                .map(|values| tensor(values, x.shape()))
                .transpose()?,
            Some(tensor(found.weight, weight.shape())?),
        ))
    }
}
