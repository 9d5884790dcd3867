//! The step on a GPU: one kernel of `search/cuda/nodes.cu` for all variables that an architecture
//! uses.

use super::moments::{BETA_1, BETA_2, EPSILON, Entry, Moments, correction};
use crate::gpu::{Address, Argument, Kernel, gpu_of};
use candle_core::cuda::cudarc::driver::DeviceRepr;
use candle_core::{Result, Tensor};

/// Maximum number of variables per kernel launch: the size of kernel arguments is limited.
const MOST: usize = 40;
/// Values that a block updates.
const BLOCK: usize = 1024;

/// Mirrors `struct Update` of the kernels.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
struct Update {
    weight: [Address; MOST],
    gradient: [Address; MOST],
    mean: [Address; MOST],
    square: [Address; MOST],
    step: [f32; MOST],
    root: [f32; MOST],
    blocks: [i32; MOST],
    count: [i32; MOST],
    variables: i32,
    keep: f32,
    beta_1: f32,
    beta_2: f32,
    epsilon: f32,
}

#[expect(unsafe_code, reason = "the layout is a promise to the kernels")]
// SAFETY: only plain values, in C layout.
unsafe impl DeviceRepr for Update {}
#[expect(unsafe_code, reason = "the layout is a promise to the kernels")]
// SAFETY: the fields match those in nodes.cu.
unsafe impl Argument for Update {}

/// Takes a step with step size `rate` on these variables, all on one GPU.
pub(super) fn step(used: &mut [(&mut Entry, &Tensor)], rate: f64, decay: f64) -> Result<()> {
    for part in used.chunks_mut(MOST) {
        let gpu = gpu_of(&part[0].0.variable)?;
        let mut update = Update {
            weight: [0; MOST],
            gradient: [0; MOST],
            mean: [0; MOST],
            square: [0; MOST],
            step: [0.0; MOST],
            root: [0.0; MOST],
            blocks: [0; MOST],
            count: [0; MOST],
            variables: part.len() as i32,
            keep: (1.0 - rate * decay) as f32,
            beta_1: (1.0 - BETA_1) as f32,
            beta_2: (1.0 - BETA_2) as f32,
            epsilon: EPSILON as f32,
        };
        // Gradients that were copied to be contiguous must live until the kernel is queued in the
        // stream.
        let mut gradients = Vec::new();
        let mut blocks = 0;
        for (k, (entry, gradient)) in part.iter_mut().enumerate() {
            let Moments::Composite([mean, square]) = &entry.moments else {
                candle_core::bail!("the moments of a variable on a GPU are on the CPU");
            };
            let gradient = gradient.contiguous()?;
            if gradient.elem_count() != entry.variable.elem_count() {
                candle_core::bail!(
                    "a gradient of {:?} for a variable of {:?}",
                    gradient.shape(),
                    entry.variable.shape()
                );
            }
            entry.steps += 1;
            update.weight[k] = gpu.address_in(&entry.variable)?;
            update.gradient[k] = gpu.address_in(&gradient)?;
            update.mean[k] = gpu.address_in(mean)?;
            update.square[k] = gpu.address_in(square)?;
            update.step[k] = (rate / correction(BETA_1, entry.steps)) as f32;
            update.root[k] = (1.0 / correction(BETA_2, entry.steps)) as f32;
            blocks += gradient.elem_count().div_ceil(BLOCK);
            update.blocks[k] = blocks as i32;
            update.count[k] = gradient.elem_count() as i32;
            gradients.push(gradient);
        }
        gpu.launch(Kernel::AdamW, [blocks, 1, 1], &update)?;
    }
    Ok(())
}
