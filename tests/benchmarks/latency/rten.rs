//! rten, from Rust, with one thread.

use super::engine::{Engine, Turn};
use anyhow::Result;
use dense_codegen::Emulator;
use dense_codegen::onnx::{Batch, What, model_bytes};
use rten::{Model, ModelOptions, RunOptions, ThreadPool, ValueView};
use std::sync::Arc;

/// A loaded model.
pub(crate) struct Rten {
    model: Model,
    pool: Arc<ThreadPool>,
}

impl Rten {
    pub(crate) fn load(emulator: &Emulator) -> Result<Self> {
        let bytes = model_bytes(emulator, What::Mean, Batch::One)?;
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        Ok(Self {
            model: options.load(bytes)?,
            pool: Arc::new(ThreadPool::with_num_threads(1)),
        })
    }
}

/// One call. In a thread of the pool it does not wait for another.
fn call(model: &Model, pool: &Arc<ThreadPool>, x: &[f32], y: &mut [f32]) -> Result<()> {
    let options = RunOptions::default().with_thread_pool(Some(Arc::clone(pool)));
    let x = ValueView::from_shape([1, x.len()], x)?;
    let result = model.run_one(x.into(), Some(options))?;
    let result = result.as_tensor_view::<f32>();
    let numbers = result.as_ref().and_then(|result| result.data());
    let numbers = numbers.ok_or_else(|| anyhow::anyhow!("the result is not contiguous numbers"))?;
    y.copy_from_slice(numbers);
    Ok(())
}

impl Engine for Rten {
    fn predict(&mut self, x: &[f32], y: &mut [f32]) -> Result<()> {
        call(&self.model, &self.pool, x, y)
    }

    fn turn(&mut self, turn: &Turn<'_>, y: &mut [f32], readings: &mut Vec<f64>) -> Result<()> {
        let Self { model, pool } = self;
        pool.run(|| turn.take(|x, y| call(model, pool, x, y), y, readings))
    }
}
