//! The kinds of data files, and the options to read them with.

use super::error::DataError;
use dense_codegen::emulator::Layout;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Options that supplement or override the contents of a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadOptions {
    /// The layout of the outputs, instead of the file's own layout or a guess.
    #[serde(deserialize_with = "Option::deserialize")]
    pub layout: Option<Layout>,
    /// Input columns, by name. Required for a `.csv`. If empty, a `.npz` keeps all.
    pub inputs: Vec<String>,
    /// Output columns, by name. Required for a `.csv`. If empty, a `.npz` keeps all.
    pub outputs: Vec<String>,
}

/// The two kinds of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Npz,
    Csv,
}

impl Format {
    /// The kind, by the extension of the file name.
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

/// Whether the file name ends in `.csv`.
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
