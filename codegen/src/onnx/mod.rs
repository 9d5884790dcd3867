//! ONNX: an emulator's mean, or one of its members, as a model that other engines run.
//!
//! In the order in which data pass: `draft` takes the graph's nodes in turn, the file of each operation says which
//! ONNX nodes stand for it, `model` puts head and tail around them, and `proto` are the messages that are written.
//!
//! A sequence is `[n, channels, length]` in ONNX and an image `[n, channels, height, width]`; here channels come last. No
//! node turns one into the other: the rows and columns of dense layers and all elementwise constants are arranged at
//! export, so that an engine gets the network as its own front end would have written it.
//!
//! The model takes raw inputs and gives physical units. It has neither the guard of the trained box nor the standard
//! deviation, and its bits are those of the engine that runs it.

mod activation;
mod add;
mod conv1d;
mod conv2d;
mod dense;
mod draft;
mod logarithm;
mod model;
mod operation;
mod proto;
mod rescale;
mod resize;
mod resize2d;
mod standardise;
mod transform;
mod transpose;
mod transposed_conv1d;
mod transposed_conv2d;

use crate::emulator::Emulator;
use crate::{Error, Result};
use prost::Message;
use std::path::Path;

/// What the model computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The members' mean, as the output `mean`.
    Mean,
    /// The member of this index, as the output `member`.
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
/// *Shapes*: the input `x` is `[n, IN]`, the output `[n, ..]` with the emulator's output shape, in single precision.
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
    let failure = |action, source| Error::Io {
        action,
        path: path.into(),
        source,
    };
    let Some(name) = path.file_name() else {
        return Err(failure("write", std::io::ErrorKind::IsADirectory.into()));
    };
    let aside = path.with_file_name(format!(
        ".{}.{}.part",
        name.to_string_lossy(),
        std::process::id()
    ));
    let written = std::fs::write(&aside, bytes)
        .map_err(|source| failure("write", source))
        .and_then(|()| {
            std::fs::rename(&aside, path).map_err(|source| failure("rename to", source))
        });
    if written.is_err() {
        // The first failure is what the user has to know.
        let _ = std::fs::remove_file(&aside);
    }
    written
}
