//! The files that data are read from: which kinds there are, and what the user says about one.

use super::error::DataError;
use dense_codegen::emulator::Layout;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What the user says about a file beyond what the file says itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadOptions {
    /// The layout of the outputs, instead of the one in the file or the guess.
    #[serde(deserialize_with = "Option::deserialize")]
    pub layout: Option<Layout>,
    /// Columns that are inputs, by name. Needed for a `.csv`; a `.npz` keeps all where it is empty.
    pub inputs: Vec<String>,
    /// Columns that are outputs, by name. Needed for a `.csv`; a `.npz` keeps all where it is empty.
    pub outputs: Vec<String>,
}

/// The two kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Npz,
    Csv,
}

impl Format {
    /// The kind that the name's ending says.
    pub(super) fn of(path: &Path) -> Result<Self, DataError> {
        let ending = path.extension().map(|ending| ending.to_ascii_lowercase());
        match ending.as_ref().and_then(|ending| ending.to_str()) {
            Some("npz") => Ok(Self::Npz),
            Some("csv") => Ok(Self::Csv),
            _ => Err(DataError::UnknownFormat {
                file: path.display().to_string(),
            }),
        }
    }
}

/// Whether the name's ending says that the file is a `.csv`.
pub(crate) fn is_csv(path: &Path) -> bool {
    Format::of(path).is_ok_and(|format| format == Format::Csv)
}

/// The bytes of the file at `path`.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    std::fs::read(path).map_err(|source| DataError::Read {
        file: path.display().to_string(),
        source,
    })
}
