//! ONNX: an emulator as a model that other engines run.
//!
//! In the order in which data pass: `draft` takes the graph's nodes in turn, the `onnx.rs` of each operation says
//! which ONNX nodes stand for it, `statistics`, `local` and `guard` follow on them, `model` puts head and tail around all, `metadata`
//! says what it is, and `proto` are the messages that are written. Operations that members share are shared nodes.
//!
//! A sequence is `[n, channels, length]` in ONNX and an image `[n, channels, height, width]`; here channels come last. No
//! node turns one into the other: the rows and columns of dense layers and all elementwise constants are arranged at
//! export, so that an engine gets the network as its own front end would have written it.
//!
//! The model takes raw inputs and gives physical units. Its bits are those of the engine that runs it; of `in_domain` the
//! comparisons with the trained box are exact, and distances to training points are rounded. A result that is not finite
//! counts as outside, as it does in a deployed status that is not ok.

pub(crate) mod draft;
mod guard;
mod local;
mod metadata;
mod model;
pub(crate) mod proto;
mod statistics;

use crate::aside::write_whole;
use crate::emulator::Emulator;
use crate::{Error, Result};
use prost::Message;
use std::path::Path;

/// The version of the operators: the oldest that has all that are used here, for engines that lag behind.
pub const OPERATORS: i64 = 13;

/// What the model computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// All that the deployed call gives: the members' mean as the output `mean`, their calibrated standard deviation as
    /// `std`, and as `in_domain` whether every input is finite and within its trained range, a training point is near
    /// where the emulator knows of holes in its box, and every result is finite. Where an input is not finite, mean and
    /// standard deviation are NaN.
    Prediction,
    /// The members' mean alone, as the output `mean`, without guard.
    Mean,
    /// The member of this index alone, as the output `member`, without guard.
    Member(usize),
}

/// How many rows one call of the model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// One: all sizes are known to the engine.
    One,
    /// Any number, the dimension `n`.
    Any,
}

/// The model as the bytes of a file.
///
/// *Shapes*: the input `x` is `[n, IN]`; outputs are `[n, ..]` with the emulator's output shape, in single precision, but
/// `in_domain` is `[n]`, of truth values. Operators are those of version [`OPERATORS`].
///
/// # Errors
/// There is no member of that index.
pub fn model_bytes(emulator: &Emulator, what: What, batch: Batch) -> Result<Vec<u8>> {
    Ok(model::model(emulator, what, batch)?.encode_to_vec())
}

/// Writes the model to the file `path`, which is whole or as it was: it is written aside and renamed.
///
/// # Errors
/// There is no member of that index, or the file cannot be written.
pub fn write(emulator: &Emulator, what: What, batch: Batch, path: &Path) -> Result<()> {
    let bytes = model_bytes(emulator, what, batch)?;
    write_whole(path, &bytes).map_err(|source| Error::Io {
        action: "write",
        path: path.into(),
        source,
    })
}
