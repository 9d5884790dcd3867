//! A `.npz`: a zip archive with one `.npy` member per array, stored or deflated.

use std::io::{self, Cursor, Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::error::{DataError, list};
use super::npy::{self, Header, NpyError};

/// An opened archive: the headers of all its arrays, and the bytes to read elements from.
pub(super) struct Archive<'a> {
    file: String,
    zip: ZipArchive<Cursor<&'a [u8]>>,
    members: Vec<Member>,
}

struct Member {
    name: String,
    index: usize,
    header: Result<Header, NpyError>,
}

impl<'a> Archive<'a> {
    /// Opens the archive in `bytes`; `file` is how errors name it.
    pub(super) fn open(bytes: &'a [u8], file: &str) -> Result<Self, DataError> {
        let damaged = |reason: String| DataError::Archive {
            file: file.to_owned(),
            reason,
        };
        if bytes.is_empty() {
            return Err(damaged("an empty file".to_owned()));
        }
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| {
            damaged(if bytes.starts_with(b"PK") {
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

    /// Names of the arrays, in the order of the file.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.name.as_str())
    }

    /// The header of an array that must be there.
    pub(super) fn required(&self, name: &'static str) -> Result<&Header, DataError> {
        self.optional(name)?.ok_or_else(|| DataError::MissingArray {
            file: self.file.clone(),
            array: name,
            found: list(self.names()),
        })
    }

    /// The header of an array that may be there.
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

    /// The elements of an array as numbers in C order, each passed through `convert` with its index.
    pub(super) fn numbers<T: Copy + Default>(
        &mut self,
        name: &'static str,
        convert: impl FnMut(usize, f64) -> T,
    ) -> Result<Vec<T>, DataError> {
        let header = self.required(name)?.clone();
        self.elements(name, |reader| header.numbers(reader, convert))
    }

    /// The elements of an array that may be there as `f64`, in C order.
    pub(super) fn optional_numbers(&mut self, name: &str) -> Result<Option<Vec<f64>>, DataError> {
        let Some(header) = self.optional(name)?.cloned() else {
            return Ok(None);
        };
        self.elements(name, |reader| header.numbers(reader, |_, value| value))
            .map(Some)
    }

    /// The texts of an array that may be there.
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

    /// Runs `read` on the elements of the array called `name`.
    fn elements<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&mut zip::read::ZipFile<'_, Cursor<&'a [u8]>>) -> Result<T, NpyError>,
    ) -> Result<T, DataError> {
        let index = self
            .members
            .iter()
            .find(|member| member.name == name)
            .map_or(usize::MAX, |member| member.index);
        let result = match self.zip.by_index(index) {
            Ok(mut member) => Header::read(&mut member).and_then(|_| read(&mut member)),
            Err(error) => Err(NpyError::Invalid(error.to_string())),
        };
        result.map_err(|error| self.refuse(name, error))
    }

    fn refuse(&self, name: &str, error: NpyError) -> DataError {
        let (file, array) = (self.file.clone(), name.to_owned());
        match error {
            NpyError::Object => DataError::ObjectArray { file, array },
            NpyError::Invalid(reason) => DataError::ArrayFormat {
                file,
                array,
                reason,
            },
        }
    }
}

/// Writes arrays into a `.npz`; the same arrays give the same bytes.
pub(super) struct ArchiveWriter<W: Write + Seek> {
    zip: ZipWriter<W>,
}

impl<W: Write + Seek> ArchiveWriter<W> {
    pub(super) fn new(writer: W) -> Self {
        Self {
            zip: ZipWriter::new(writer),
        }
    }

    /// Adds an array of single-precision numbers in C order.
    pub(super) fn add_f32(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &[f32],
    ) -> io::Result<()> {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.add(name, "<f4", shape, &bytes)
    }

    /// Adds an array of booleans in C order.
    pub(super) fn add_bool(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &[bool],
    ) -> io::Result<()> {
        let bytes: Vec<u8> = values.iter().map(|&value| u8::from(value)).collect();
        self.add(name, "|b1", shape, &bytes)
    }

    /// Adds an array of bytes that already are elements of the type `descr` in C order.
    pub(super) fn add(
        &mut self,
        name: &str,
        descr: &str,
        shape: &[usize],
        bytes: &[u8],
    ) -> io::Result<()> {
        // A fixed date: the same predictions give the same file. Zip's long form is needed from 4 GiB on.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(zip::DateTime::default())
            .large_file(bytes.len() >= u32::MAX as usize);
        self.zip
            .start_file(format!("{name}.npy"), options)
            .map_err(io::Error::other)?;
        npy::write_header(&mut self.zip, descr, shape)?;
        self.zip.write_all(bytes)
    }

    /// Writes the directory; without it the file is not an archive.
    pub(super) fn finish(self) -> io::Result<W> {
        self.zip.finish().map_err(io::Error::other)
    }
}
