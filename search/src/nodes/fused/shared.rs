//! What the fused operations share: a batch in chunks, slopes kept for the gradient, candle's tensors as slices.

use super::real::{Buffer, Real};
use crate::nodes::Epilogue;
use candle_core::{CpuStorage, Device, Layout, Result, Shape, Storage, Tensor};
use std::sync::Mutex;

/// Multiply-accumulates below which a chunk is not worth a thread.
const CHUNK_MACS: usize = 400_000;
/// Chunks of a batch at most; each has a sum of weight gradients of its own.
const CHUNKS: usize = 8;

/// Returns how many samples of a batch one chunk has: the shape alone decides, never the number of threads.
pub(super) fn samples_per_chunk(batch: usize, macs_per_sample: usize) -> usize {
    let chunks = (batch * macs_per_sample / CHUNK_MACS).clamp(1, CHUNKS);
    batch.div_ceil(chunks).max(1)
}

/// The slopes of a node's activation, from the forward pass to the backward pass.
#[derive(Debug, Default)]
pub(super) struct Slopes<T: Real>(Mutex<Option<Buffer<T>>>);

impl<T: Real> Slopes<T> {
    pub(super) fn keep(&self, slopes: Option<Buffer<T>>) {
        *self.0.lock().expect("no holder panics") = slopes;
    }

    /// Lets `visit` read the slopes; `None` where there is no activation.
    pub(super) fn read<R>(&self, visit: impl FnOnce(Option<&[T]>) -> R) -> R {
        visit(self.0.lock().expect("no holder panics").as_deref())
    }
}

/// Returns a tensor's numbers: it is contiguous, and on the CPU.
pub(super) fn slice<'a, T: Real>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let (start, end) = layout.contiguous_offsets().ok_or_else(|| {
        candle_core::Error::Msg("a fused operation needs contiguous tensors".into()).bt()
    })?;
    Ok(&T::cpu_storage_as_slice(storage)?[start..end])
}

/// Lets `visit` read a tensor's numbers in order.
pub(super) fn with_values<T: Real, R>(
    tensor: &Tensor,
    visit: impl FnOnce(&[T]) -> Result<R>,
) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => visit(slice(storage, layout)?),
        _ => Err(candle_core::Error::Msg("a fused operation runs on the CPU alone".into()).bt()),
    }
}

/// Returns the tensor of these numbers, which are moved, not copied.
pub(super) fn tensor<T: Real>(values: Vec<T>, shape: &Shape) -> Result<Tensor> {
    Tensor::from_vec(values, shape, &Device::Cpu)
}

/// Activates pre-activations in place; keeps the slopes where they are asked for.
pub(super) fn activate<T: Real>(epilogue: Epilogue, values: &mut [T], slopes: Option<&mut [T]>) {
    match (epilogue.activation, slopes) {
        (None, _) => {}
        (Some(function), None) => T::activate(function, values),
        (Some(function), Some(slopes)) => T::activate_with_slope(function, values, slopes),
    }
}

/// Adds `right` to `left`, element by element.
pub(super) fn add<T: Real>(left: &mut [T], right: &[T]) {
    for (left, &right) in left.iter_mut().zip(right) {
        *left += right;
    }
}

/// Numbers in a tile of channels, about: short rows are taken several at a time.
const TILE: usize = 64;

/// Returns the channels again and again, about [`TILE`] numbers.
pub(super) fn tiled<T: Real>(channels: &[T]) -> Buffer<T> {
    let mut tile = Buffer::stale(channels.len() * TILE.div_ceil(channels.len().max(1)));
    for tile in tile.chunks_exact_mut(channels.len()) {
        tile.copy_from_slice(channels);
    }
    tile
}

/// Adds rows of channels and, to each of them, the tiled channels.
pub(super) fn add_with_tiled<T: Real>(left: &mut [T], right: &[T], tile: &[T]) {
    for (left, right) in left.chunks_mut(tile.len()).zip(right.chunks(tile.len())) {
        for ((left, &right), &channel) in left.iter_mut().zip(right).zip(tile) {
            *left += right + channel;
        }
    }
}

/// Adds rows of channels to a tile's.
pub(super) fn sum_tiled<T: Real>(tile: &mut [T], rows: &[T]) {
    for rows in rows.chunks(tile.len()) {
        add(tile, rows);
    }
}
