//! A file on disk is whole or absent: it is written under another name in the same folder, then renamed.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::DataError;

/// A file on its way to `path`. Until [`Aside::finish`] whatever stood there still does; dropped before, it leaves
/// nothing in the folder.
#[derive(Debug)]
pub(crate) struct Aside {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl Aside {
    /// Begins a file.
    ///
    /// # Errors
    /// [`DataError::Write`], as everything that fails here.
    pub(crate) fn create(path: &Path) -> Result<Self, DataError> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".dense-search-").suffix(".partial");
        // Temporary files are private by default; this one becomes an ordinary file of the user.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let aside = builder
            .tempfile_in(folder(path))
            .map_err(|source| refuse(path, source))?;
        Ok(Self {
            writer: BufWriter::new(aside),
            path: path.to_owned(),
        })
    }

    /// Returns a nameless file in the same folder, for what has to wait until it can be written.
    pub(crate) fn nameless(path: &Path) -> Result<File, DataError> {
        tempfile::tempfile_in(folder(path)).map_err(|source| refuse(path, source))
    }

    /// Gives the file its name.
    pub(crate) fn finish(self) -> Result<(), DataError> {
        let Self { writer, path } = self;
        let whole = || -> io::Result<()> {
            let aside = writer
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?;
            aside.as_file().sync_all()?;
            aside.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        whole().map_err(|source| refuse(&path, source))
    }
}

impl Write for Aside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Seek for Aside {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.writer.seek(position)
    }
}

/// The error of a file that cannot be written.
pub(crate) fn refuse(path: &Path, source: io::Error) -> DataError {
    DataError::Write {
        file: path.display().to_string(),
        source,
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
