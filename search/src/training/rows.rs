//! Encoded rows, and the order in which a training reads them.

use crate::error::{self, ensure};
use crate::streams::permutation;
use crate::supernetwork::Error;
use crate::transfer;
use candle_core::{DType, Device, Tensor};
use rand_chacha::ChaCha8Rng;

/// Encoded rows: `x: [rows][inputs]`, `y: [rows][outputs]`, position-major.
#[derive(Debug, Clone)]
pub struct Rows {
    pub(super) x: Tensor,
    pub(super) y: Tensor,
}

impl Rows {
    /// Returns the rows of these matrices on a device.
    ///
    /// # Errors
    /// If the matrices do not have `inputs` and `outputs` columns, or differ in their number of
    /// rows.
    pub fn new(
        x: Vec<f32>,
        inputs: usize,
        y: Vec<f32>,
        outputs: usize,
        device: &Device,
    ) -> Result<Self, Error> {
        let rows = x.len() / inputs.max(1);
        Ok(Self {
            x: Tensor::from_vec(x, (rows, inputs), device)?,
            y: Tensor::from_vec(y, (rows, outputs), device)?,
        })
    }

    /// Returns the inputs, (rows, inputs).
    #[must_use]
    pub fn x(&self) -> &Tensor {
        &self.x
    }

    /// Returns the outputs, (rows, outputs).
    #[must_use]
    pub fn y(&self) -> &Tensor {
        &self.y
    }

    /// Returns the number of rows.
    #[must_use]
    pub fn count(&self) -> usize {
        self.x.dims()[0]
    }

    /// Returns the rows in double precision on the CPU.
    pub(super) fn in_double_precision(&self) -> Result<Self, Error> {
        let double = |values: &Tensor| transfer::fetched(values)?.to_dtype(DType::F64);
        Ok(Self {
            x: double(&self.x)?,
            y: double(&self.y)?,
        })
    }

    /// Returns the rows with these indices, in this order.
    ///
    /// # Errors
    /// If an index is out of range.
    pub fn chosen(&self, rows: &[usize]) -> Result<Self, Error> {
        let rows: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        let rows = Tensor::new(rows.as_slice(), self.x.device())?;
        Ok(Self {
            x: self.x.index_select(&rows, 0)?,
            y: self.y.index_select(&rows, 0)?,
        })
    }
}

/// An iterator over row indices: each occurs once per epoch, in a new random order for each epoch.
#[derive(Debug)]
pub(super) struct Batches {
    count: usize,
    pub(super) random: ChaCha8Rng,
    /// The remaining indices of the epoch.
    pub(super) order: Vec<usize>,
}

impl Batches {
    pub(super) fn new(count: usize, random: ChaCha8Rng) -> Self {
        Self {
            count,
            random,
            order: Vec::new(),
        }
    }

    /// Returns the next `size` indices, or all rows if there are fewer.
    pub(super) fn next(&mut self, size: usize) -> Vec<usize> {
        let size = size.min(self.count);
        if self.order.len() < size {
            self.order = permutation(&mut self.random, self.count);
        }
        self.order.split_off(self.order.len() - size)
    }

    /// Continues from the state of another order with the same number of rows.
    pub(super) fn take_up(&mut self, order: Vec<usize>, words: u64) -> error::Result<()> {
        ensure!(
            Checkpoint,
            order.iter().all(|&row| row < self.count),
            "the checkpoint is of other rows: expected numbers below {}",
            self.count
        );
        self.order = order;
        self.random.set_word_pos(u128::from(words));
        Ok(())
    }
}
