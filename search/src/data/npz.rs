//! A `.npz`: a zip archive with one `.npy` member per array, stored or deflated.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, Write};
use std::path::Path;

use zip::read::ZipFile;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::error::{DataError, list};
use super::mend::{self, Pickled};
use super::npy::{self, Header};
use super::npy_error::{self, NpyError};

/// An opened archive: the headers of all its arrays, and the bytes to read elements from.
pub(super) struct Archive<R> {
    file: String,
    zip: ZipArchive<R>,
    members: Vec<Member>,
}

struct Member {
    name: String,
    index: usize,
    header: Result<Header, NpyError>,
}

impl<'a> Archive<Cursor<&'a [u8]>> {
    /// Opens the archive in `bytes`. `file` is its name in errors.
    pub(super) fn open(bytes: &'a [u8], file: &str) -> Result<Self, DataError> {
        Self::new(Cursor::new(bytes), file)
    }
}

impl Archive<BufReader<File>> {
    /// Opens the archive at `path`, whose arrays may be larger than memory.
    pub(super) fn open_file(path: &Path) -> Result<Self, DataError> {
        let label = path.display().to_string();
        match File::open(path) {
            Ok(file) => Self::new(BufReader::new(file), &label),
            Err(source) => Err(DataError::Read {
                file: label,
                source,
            }),
        }
    }
}

impl<R: Read + Seek> Archive<R> {
    fn new(mut reader: R, file: &str) -> Result<Self, DataError> {
        let damaged = |reason: String| DataError::Archive {
            file: file.to_owned(),
            reason,
        };
        let mut start = Vec::new();
        reader
            .by_ref()
            .take(2)
            .read_to_end(&mut start)
            .and_then(|_| reader.rewind())
            .map_err(|source| DataError::Read {
                file: file.to_owned(),
                source,
            })?;
        if start.is_empty() {
            return Err(damaged("an empty file".to_owned()));
        }
        let mut zip = ZipArchive::new(reader).map_err(|error| {
            damaged(if start == b"PK" {
                format!("one that is cut short or damaged ({error})")
            } else {
                "something that is no zip archive".to_owned()
            })
        })?;
        let mut members = Vec::new();
        for index in 0..zip.len() {
            let mut member = zip
                .by_index(index)
                .map_err(|error| damaged(format!("one that is damaged ({error})")))?;
            let Some(name) = member.name().strip_suffix(".npy").map(str::to_owned) else {
                continue;
            };
            let header = Header::read(&mut member);
            members.push(Member {
                name,
                index,
                header,
            });
        }
        Ok(Self {
            file: file.to_owned(),
            zip,
            members,
        })
    }

    /// Names of the arrays, in file order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// The header of a required array.
    pub(super) fn required(&self, name: &'static str) -> Result<&Header, DataError> {
        self.optional(name)?.ok_or_else(|| DataError::MissingArray {
            file: self.file.clone(),
            array: name,
            found: list(self.names()),
        })
    }

    /// The header of an optional array.
    pub(super) fn optional(&self, name: &str) -> Result<Option<&Header>, DataError> {
        match self.members.iter().find(|member| member.name == name) {
            None => Ok(None),
            Some(Member {
                header: Ok(header), ..
            }) => Ok(Some(header)),
            Some(Member {
                header: Err(error), ..
            }) => Err(self.refuse(name, error.clone())),
        }
    }

    /// The elements of an array as numbers in C order, each passed through `convert` with its
    /// index.
    pub(super) fn numbers<T: Copy + Default>(
        &mut self,
        name: &'static str,
        convert: impl FnMut(usize, f64) -> T,
    ) -> Result<Vec<T>, DataError> {
        let header = self.required(name)?.clone();
        self.elements(name, |reader| header.numbers(reader, convert))
    }

    /// The elements of an optional array as `f64`, in C order.
    pub(super) fn optional_numbers(&mut self, name: &str) -> Result<Option<Vec<f64>>, DataError> {
        let Some(header) = self.optional(name)?.cloned() else {
            return Ok(None);
        };
        self.elements(name, |reader| header.numbers(reader, |_, value| value))
            .map(Some)
    }

    /// The strings of an optional array.
    pub(super) fn optional_strings(
        &mut self,
        name: &str,
    ) -> Result<Option<Vec<String>>, DataError> {
        let Some(header) = self.optional(name)?.cloned() else {
            return Ok(None);
        };
        self.elements(name, |reader| header.strings(reader))
            .map(Some)
    }

    /// Returns a stream of the bytes of an array's elements, inflated on the fly.
    pub(super) fn stream(&mut self, name: &str) -> Result<ZipFile<'_, R>, DataError> {
        let member = self.members.iter().find(|member| member.name == name);
        let index = member.map_or(usize::MAX, |member| member.index);
        let damaged = |error: NpyError| refusal(&self.file, name, error);
        let mut member = self
            .zip
            .by_index(index)
            .map_err(|error| damaged(npy_error::invalid(error.to_string())))?;
        Header::read(&mut member).map_err(damaged)?;
        Ok(member)
    }

    /// Runs `read` on the elements of the array `name`.
    fn elements<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut ZipFile<'_, R>) -> Result<T, NpyError>,
    ) -> Result<T, DataError> {
        let result = read(&mut self.stream(name)?);
        result.map_err(|error| self.refuse(name, error))
    }

    fn refuse(&self, name: &str, error: NpyError) -> DataError {
        refusal(&self.file, name, error)
    }
}

/// The error for an unreadable array, with what to do.
pub(super) fn refusal(file: &str, array: &str, error: NpyError) -> DataError {
    let line = |statement: &str, pickled| {
        let line = mend::numpy(file, "mended", statement, pickled);
        format!("this line stores it so:\n  {line}")
    };
    let is_text = ["x_names", "y_names", "y_layout"].contains(&array);
    let advice = match &error {
        NpyError::Object | NpyError::Numbers if is_text => line(
            &format!("d[\"{array}\"] = d[\"{array}\"].astype(str)"),
            Pickled::Yes,
        ),
        NpyError::Text | NpyError::Object if array == "split" => format!(
            "0 trains, 1 validates, 2 tests; {}, once its names for the three are yours",
            line(
                "d[\"split\"] = np.array([{\"train\": 0, \"validation\": 1, \"test\": 2}[str(s)] for s in \
                 d[\"split\"].astype(str)])",
                Pickled::Yes
            )
        ),
        NpyError::Object => format!(
            "numpy does this where rows have unequal lengths, which have to be padded or resampled to one, and where a column \
             of another type stood beside; for rows of equal length {}",
            line(
                &format!("d[\"{array}\"] = np.array(d[\"{array}\"].tolist(), dtype=float)"),
                Pickled::Yes
            )
        ),
        NpyError::Complex(shape) => format!(
            "real and imaginary parts are outputs of their own; {}",
            line(&mend::real_channels(array, shape), Pickled::No)
        ),
        NpyError::Text => format!(
            "if the text is numbers, {}",
            line(
                &format!("d[\"{array}\"] = d[\"{array}\"].astype(float)"),
                Pickled::No
            )
        ),
        NpyError::Numbers | NpyError::Invalid(_) => {
            "copy the file again, or write the array again with numpy as float64".to_owned()
        }
    };
    DataError::ArrayFormat {
        file: file.to_owned(),
        array: array.to_owned(),
        reason: error.to_string(),
        advice,
    }
}

/// Size in bytes from which an array is written in zip's 64-bit form: below 4 GiB, with room for
/// the growth of bytes that deflating cannot shrink.
const LONG_FROM: usize = 0xf000_0000;

/// How an array is stored in the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Uncompressed: for large predictions, whose digits hardly shrink.
    Stored,
    /// Deflated.
    Deflated,
}

/// Writes arrays into a `.npz`. Equal arrays give equal bytes.
#[derive(Debug)]
pub(crate) struct ArchiveWriter<W: Write + Seek> {
    zip: ZipWriter<Sink<W>>,
}

impl<W: Write + Seek> ArchiveWriter<W> {
    pub(crate) fn new(writer: W) -> Self {
        Self {
            zip: ZipWriter::new(Sink::new(writer)),
        }
    }

    /// Adds an array, given as the bytes of elements of type `descr` in C order.
    pub(crate) fn add(
        &mut self,
        name: &str,
        descr: &str,
        shape: &[usize],
        bytes: &[u8],
    ) -> io::Result<()> {
        self.begin(name, descr, shape, bytes.len(), Packing::Deflated)?;
        self.zip.write_all(bytes)
    }

    /// Begins an array. Its `bytes` are then written to the archive itself, piece by piece.
    pub(crate) fn begin(
        &mut self,
        name: &str,
        descr: &str,
        shape: &[usize],
        bytes: usize,
        packing: Packing,
    ) -> io::Result<()> {
        // A fixed date makes equal arrays give equal files. Zip's 64-bit form is needed from 4 GiB
        // on, including the header.
        let options = SimpleFileOptions::default()
            .compression_method(match packing {
                Packing::Stored => CompressionMethod::Stored,
                Packing::Deflated => CompressionMethod::Deflated,
            })
            .last_modified_time(zip::DateTime::default())
            .large_file(bytes >= LONG_FROM);
        self.zip
            .start_file(format!("{name}.npy"), options)
            .map_err(io_error)?;
        npy::write_header(&mut self.zip, descr, shape)
    }

    /// Writes the directory, without which the file is not an archive.
    pub(crate) fn finish(self) -> io::Result<W> {
        let Sink {
            writer, failure, ..
        } = self.zip.finish().map_err(io_error)?;
        failure.map_or(Ok(writer), Err)
    }
}

impl<W: Write + Seek> Write for ArchiveWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.zip.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.zip.flush()
    }
}

/// The system's error, without the archive's text.
fn io_error(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        other => io::Error::other(other),
    }
}

/// Accepts all writes after a failure and discards them. An abandoned archive still writes its end,
/// and the zip crate prints a line of its own if that fails.
#[derive(Debug)]
struct Sink<W> {
    writer: W,
    position: u64,
    /// The largest position so far.
    end: u64,
    /// The first failure, which [`ArchiveWriter::finish`] reports.
    failure: Option<io::Error>,
}

impl<W> Sink<W> {
    fn new(writer: W) -> Self {
        Self {
            writer,
            position: 0,
            end: 0,
            failure: None,
        }
    }

    /// Moves to the position at which the writer is, or would be without the failure.
    fn move_to(&mut self, position: u64) -> u64 {
        self.position = position;
        self.end = self.end.max(position);
        position
    }

    /// Records a failure.
    fn checked<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.failure = Some(io::Error::new(error.kind(), error.to_string()));
        }
        result
    }
}

impl<W: Write> Write for Sink<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = match self.failure {
            Some(_) => bytes.len(),
            None => {
                let written = self.writer.write(bytes);
                self.checked(written)?
            }
        };
        self.move_to(self.position + count as u64);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.failure {
            Some(_) => Ok(()),
            None => {
                let flushed = self.writer.flush();
                self.checked(flushed)
            }
        }
    }
}

impl<W: Seek> Seek for Sink<W> {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        let position = match (&self.failure, to) {
            (None, _) => {
                let moved = self.writer.seek(to);
                self.checked(moved)?
            }
            (Some(_), io::SeekFrom::Start(position)) => position,
            (Some(_), io::SeekFrom::Current(by)) => self.position.saturating_add_signed(by),
            (Some(_), io::SeekFrom::End(by)) => self.end.saturating_add_signed(by),
        };
        Ok(self.move_to(position))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with limited space.
    #[derive(Debug)]
    struct Disk {
        bytes: Cursor<Vec<u8>>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.bytes.position() as usize + bytes.len() > self.room {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.bytes.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Seek for Disk {
        fn seek(&mut self, position: io::SeekFrom) -> io::Result<u64> {
            self.bytes.seek(position)
        }
    }

    #[test]
    fn a_full_disk_is_the_error_wherever_it_fills() {
        let written = |room: usize| {
            let bytes = Cursor::new(Vec::new());
            let mut archive = ArchiveWriter::new(Disk { bytes, room });
            // Like a drop, which continues after a failure and prints if it fails.
            for name in ["mean", "std"] {
                let _ = archive.begin(name, "<f4", &[100], 400, Packing::Stored);
                let _ = archive.write_all(&[7; 400]);
            }
            archive.finish()
        };
        let whole = written(usize::MAX).unwrap().bytes.into_inner().len();
        assert!(written(whole).is_ok());
        for room in 0..whole {
            let error = written(room).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{room}: {error}");
        }
    }
}
