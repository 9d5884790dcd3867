//! ONNX: an emulator as a model that other engines run.
//!
//! In the order in which data pass: `builder` adds nodes and constants; the `onnx.rs` of each
//! operation writes its nodes; `statistics`, `local` and `guard` add theirs; `model` assembles the
//! whole model; `metadata` adds its properties; `proto` has the messages of the file. Operations
//! that members share are shared nodes.
//!
//! A sequence is `[n, channels, length]` in ONNX and an image `[n, channels, height, width]`; in
//! the graph, channels come last. No node converts between the two: the rows and columns of dense
//! layers and all elementwise constants are reordered at export, so that an engine gets the network
//! as its own front end would write it.
//!
//! The model takes raw inputs and returns physical units. Its bits are those of the engine that
//! runs it. For `in_domain`, the comparisons with the trained box are exact, and distances to
//! training points are rounded. A result that is not finite counts as outside, as in a deployed
//! status that is not ok.

pub(crate) mod builder;
mod guard;
mod local;
mod metadata;
mod model;
mod options;
pub(crate) mod proto;
mod statistics;

pub use options::{Batch, OPERATORS, What};

use crate::aside::write_whole;
use crate::emulator::Emulator;
use crate::{Error, Result};
use prost::Message;
use std::path::Path;

/// The model as the bytes of a file.
///
/// *Shapes*: the input `x` is `[n, IN]`; outputs are `[n, ..]` with the emulator's output shape, in
/// single precision, except `in_domain`, which is `[n]` of booleans. Operators are those of version
/// [`OPERATORS`].
///
/// # Errors
/// There is no member with that index.
pub fn model_bytes(emulator: &Emulator, what: What, batch: Batch) -> Result<Vec<u8>> {
    Ok(model::model(emulator, what, batch)?.encode_to_vec())
}

/// Writes the model to the file `path`, which is either complete or unchanged: it is written aside
/// and renamed.
///
/// # Errors
/// There is no member with that index, or the file cannot be written.
pub fn write(emulator: &Emulator, what: What, batch: Batch, path: &Path) -> Result<()> {
    let bytes = model_bytes(emulator, what, batch)?;
    write_whole(path, &bytes).map_err(|source| Error::Io {
        action: "write",
        path: path.into(),
        source,
    })
}
