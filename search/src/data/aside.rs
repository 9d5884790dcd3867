//! Files written under a temporary name ([`dense_codegen::aside`]), with the errors of data.

use super::DataError;
use dense_codegen::aside;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// A file in progress. Its path keeps its previous contents until [`Aside::finish`]. If dropped
/// before that, it leaves nothing in the folder.
#[derive(Debug)]
pub(crate) struct Aside {
    file: aside::Aside,
    path: PathBuf,
}

impl Aside {
    /// Begins a file.
    ///
    /// # Errors
    /// [`DataError::Write`], as for every failure in this module.
    pub(crate) fn create(path: &Path) -> Result<Self, DataError> {
        let file = aside::Aside::create(path).map_err(|source| refuse(path, source))?;
        Ok(Self {
            file,
            path: path.to_owned(),
        })
    }

    /// Returns an unnamed file in the same folder, as a buffer for data that cannot be written yet.
    pub(crate) fn nameless(path: &Path) -> Result<File, DataError> {
        aside::nameless(path).map_err(|source| refuse(path, source))
    }

    /// Moves the file to its path.
    pub(crate) fn finish(self) -> Result<(), DataError> {
        self.file
            .finish()
            .map_err(|source| refuse(&self.path, source))
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Aside {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// Creates or replaces a file with these bytes, completely or not at all.
///
/// # Errors
/// [`DataError::Write`].
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    aside::write_whole(path, bytes).map_err(|source| refuse(path, source))
}

/// The error for a file that cannot be written.
pub(crate) fn refuse(path: &Path, source: io::Error) -> DataError {
    DataError::Write {
        file: path.display().to_string(),
        source,
    }
}
