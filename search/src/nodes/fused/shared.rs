//! Helpers of the fused operations: splitting a batch into chunks, keeping slopes for the gradient,
//! and reading candle's tensors as slices.

use super::real::{Buffer, Real};
use crate::nodes::Epilogue;
use candle_core::{CpuStorage, Device, Layout, Result, Shape, Storage, Tensor};
use std::sync::Mutex;

/// Work per chunk, in multiply-accumulates, below which another thread does not pay off.
const CHUNK_MACS: usize = 400_000;
/// Maximum number of chunks per batch; each has its own sum of weight gradients.
const CHUNKS: usize = 8;

/// Returns the number of samples per chunk. It depends only on the shape, never on the number of
/// threads.
pub(super) fn samples_per_chunk(batch: usize, macs_per_sample: usize) -> usize {
    let chunks = (batch * macs_per_sample / CHUNK_MACS).clamp(1, CHUNKS);
    batch.div_ceil(chunks).max(1)
}

/// The slopes of a node's activation, kept from the forward pass for the backward pass.
#[derive(Debug, Default)]
pub(super) struct Slopes<T: Real>(Mutex<Option<Buffer<T>>>);

impl<T: Real> Slopes<T> {
    pub(super) fn keep(&self, slopes: Option<Buffer<T>>) {
        *self.0.lock().expect("no holder panics") = slopes;
    }

    /// Gives `visit` the slopes; `None` if there is no activation.
    pub(super) fn read<R>(&self, visit: impl FnOnce(Option<&[T]>) -> R) -> R {
        visit(self.0.lock().expect("no holder panics").as_deref())
    }
}

/// Returns the values of a contiguous CPU tensor.
pub(super) fn slice<'a, T: Real>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [T]> {
    let (start, end) = layout.contiguous_offsets().ok_or_else(|| {
        candle_core::Error::Msg("a fused operation needs contiguous tensors".into()).bt()
    })?;
    Ok(&T::cpu_storage_as_slice(storage)?[start..end])
}

/// Gives `visit` the values of a tensor in order.
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

/// Returns a tensor that takes ownership of these values, without copying.
pub(super) fn tensor<T: Real>(values: Vec<T>, shape: &Shape) -> Result<Tensor> {
    Tensor::from_vec(values, shape, &Device::Cpu)
}

/// Applies the activation in place and keeps the slopes if requested.
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

/// Approximate number of values in a tile of channels: short rows are processed several at a time.
const TILE: usize = 64;

/// Returns the channels repeated to about [`TILE`] values.
pub(super) fn tiled<T: Real>(channels: &[T]) -> Buffer<T> {
    let mut tile = Buffer::stale(channels.len() * TILE.div_ceil(channels.len().max(1)));
    for tile in tile.chunks_exact_mut(channels.len()) {
        tile.copy_from_slice(channels);
    }
    tile
}

/// Adds to `left` rows of channels and, to each row, the tiled channels.
pub(super) fn add_with_tiled<T: Real>(left: &mut [T], right: &[T], tile: &[T]) {
    for (left, right) in left.chunks_mut(tile.len()).zip(right.chunks(tile.len())) {
        for ((left, &right), &channel) in left.iter_mut().zip(right).zip(tile) {
            *left += right + channel;
        }
    }
}

/// Adds rows of channels to a tile of channels.
pub(super) fn sum_tiled<T: Real>(tile: &mut [T], rows: &[T]) {
    for rows in rows.chunks(tile.len()) {
        add(tile, rows);
    }
}
