//! Files and folders that are complete or absent: written under a temporary name in the same
//! folder, then renamed.
//!
//! The contents reach the disk before the name does, and the name before the writer continues.
//! After a power failure, either the old or the new file is there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A file that is being written. [`Aside::finish`] moves it to its path; until then, an older file
/// there stays. If dropped before, it leaves nothing in the folder.
#[derive(Debug)]
pub struct Aside {
    writer: BufWriter<NamedTempFile>,
    path: PathBuf,
}

impl Aside {
    /// Starts a file.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".dense-").suffix(".partial");
        // Temporary files are private by default; this one becomes an ordinary file of the user.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let aside = builder.tempfile_in(folder(path))?;
        Ok(Self {
            writer: BufWriter::new(aside),
            path: path.to_owned(),
        })
    }

    /// Moves the file to its path.
    ///
    /// # Errors
    /// The file cannot be written, or the path is taken by something other than a file.
    pub fn finish(self) -> io::Result<()> {
        let Self { writer, path } = self;
        let aside = writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?;
        aside.as_file().sync_all()?;
        aside.persist(&path).map_err(|error| error.error)?;
        sync_folder(folder(&path))
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

/// Creates or replaces a file with these bytes, completely or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut aside = Aside::create(path)?;
    aside.write_all(bytes)?;
    aside.finish()
}

/// Creates a nameless file in the folder of `path`, for contents that cannot be written to their
/// place yet.
///
/// # Errors
/// The folder cannot be written to.
pub fn nameless(path: &Path) -> io::Result<File> {
    tempfile::tempfile_in(folder(path))
}

/// Writes a file of a folder that is not yet in its place.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Renames, and waits until the new name is on the disk.
///
/// # Errors
/// As [`fs::rename`].
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    sync_folder(folder(to))
}

/// Waits until the names in a folder are on the disk.
fn sync_folder(folder: &Path) -> io::Result<()> {
    // Other systems cannot open folders as files.
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_as_it_was_until_it_is_finished_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_whole(&path, b"old").unwrap();
        let mut aside = Aside::create(&path).unwrap();
        aside.write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(aside);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write_whole(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(write_whole(folder.path(), b"").is_err());
        assert!(write_whole(&folder.path().join("none/file"), b"").is_err());
    }
}
