//! A file on disk is whole or absent: it is written under another name in the same folder, then renamed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::DataError;

/// Creates or replaces the file at `path` with what `write` writes. When anything fails, whatever stood at `path`
/// before still does, and nothing else is left in the folder.
///
/// # Errors
/// [`DataError::Write`].
pub(crate) fn write_aside(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> Result<(), DataError> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let attempt = || -> io::Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".dense-search-").suffix(".partial");
        // Temporary files are private by default; this one becomes an ordinary file of the user.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut aside = builder.tempfile_in(folder)?;
        let mut writer = BufWriter::new(aside.as_file_mut());
        write(&mut writer)?;
        writer.flush()?;
        drop(writer);
        aside.as_file().sync_all()?;
        aside.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    attempt().map_err(|source| DataError::Write {
        file: path.display().to_string(),
        source,
    })
}
