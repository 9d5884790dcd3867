//! Writes the files that all contestants of a cell read: `.npz` as numpy writes it.

use anyhow::Context;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// A `.npz` that is being written.
pub(crate) struct Archive(ZipWriter<File>);

impl Archive {
    /// Creates the file.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create(path).with_context(|| path.display().to_string())?;
        Ok(Self(ZipWriter::new(file)))
    }

    /// Copies the arrays of another file, but for `split`.
    pub(crate) fn copy(&mut self, other: &Path) -> anyhow::Result<()> {
        let file = File::open(other).with_context(|| other.display().to_string())?;
        let mut other = ZipArchive::new(file)?;
        for place in 0..other.len() {
            let member = other.by_index_raw(place)?;
            if member.name() != "split.npy" {
                self.0.raw_copy_file(member)?;
            }
        }
        Ok(())
    }

    /// Adds an array of float64 in C order.
    pub(crate) fn doubles(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &[f64],
    ) -> anyhow::Result<()> {
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.array(name, "<f8", shape, &bytes)
    }

    /// Adds an array of bytes: truth values (`|b1`) or small integers (`|i1`).
    pub(crate) fn bytes(&mut self, name: &str, kind: &str, values: &[u8]) -> anyhow::Result<()> {
        self.array(name, kind, &[values.len()], values)
    }

    /// Adds an array of texts; an empty shape for one text.
    pub(crate) fn texts(
        &mut self,
        name: &str,
        shape: &[usize],
        texts: &[String],
    ) -> anyhow::Result<()> {
        let lengths = texts.iter().map(|text| text.chars().count());
        let length = lengths.max().unwrap_or(0).max(1);
        let mut bytes = Vec::new();
        for text in texts {
            let codes = text.chars().map(u32::from);
            for code in codes.chain(std::iter::repeat(0)).take(length) {
                bytes.extend(code.to_le_bytes());
            }
        }
        self.array(name, &format!("<U{length}"), shape, &bytes)
    }

    /// Writes the directory, without which the file is not an archive.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        self.0.finish()?;
        Ok(())
    }

    fn array(
        &mut self,
        name: &str,
        kind: &str,
        shape: &[usize],
        bytes: &[u8],
    ) -> anyhow::Result<()> {
        let sizes: Vec<String> = shape.iter().map(|size| format!("{size},")).collect();
        let header = format!(
            "{{'descr': '{kind}', 'fortran_order': False, 'shape': ({}), }}",
            sizes.join(" ")
        );
        // The header ends in a line break at a multiple of 64 bytes: numpy's format 1.0.
        let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
        self.0
            .start_file(format!("{name}.npy"), SimpleFileOptions::default())?;
        self.0.write_all(b"\x93NUMPY\x01\x00")?;
        self.0.write_all(&u16::try_from(length)?.to_le_bytes())?;
        self.0
            .write_all(format!("{header:<0$}\n", length - 1).as_bytes())?;
        self.0.write_all(bytes)?;
        Ok(())
    }
}
