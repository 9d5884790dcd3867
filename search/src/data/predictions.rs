//! Writes the output of `predict` piece by piece: mean, standard deviation, and whether the input
//! was in the domain.
//!
//! A `.npz` stores its arrays one after another, but every row adds to each of them. Means go
//! straight into the archive. The other arrays wait in unnamed files beside it, so memory holds
//! only one piece.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::aside::{Aside, refuse};
use super::error::DataError;
use super::files::Format;
use super::npz::{ArchiveWriter, Packing};
use dense_codegen::emulator::{Outputs, Relative};

/// The format of a file of predictions: `.npz` or `.csv`, according to its name.
///
/// A `.npz` holds `mean` and `std` (float32, with the shape of `y`) and `in_domain` (bool). If the
/// emulator computes outputs relative to offsets or scales, these are applied here and `mean` and
/// `std` are float64. A `.csv` has the columns `NAME_mean`, `NAME_std` (`mean_0`, `std_0` if
/// outputs have no names) and `in_domain` (`true`, `false`).
#[derive(Debug, Clone)]
pub struct PredictionForm {
    path: PathBuf,
    format: Format,
    shape: Vec<usize>,
    names: Vec<String>,
    relative: Option<Relative>,
}

/// A block of rows, encoded as bytes of the file.
#[derive(Debug, Default)]
pub struct Encoded {
    rows: usize,
    /// Lines of a `.csv`, or the elements of `mean`.
    first: Vec<u8>,
    std: Vec<u8>,
    in_domain: Vec<u8>,
}

impl PredictionForm {
    /// The format of the file at `path`, for an emulator with these outputs. Columns take the
    /// outputs' names if there is one per value, else numbers.
    ///
    /// # Errors
    /// [`DataError::UnknownFormat`].
    pub fn new(path: &Path, outputs: &Outputs) -> Result<Self, DataError> {
        Ok(Self {
            path: path.to_owned(),
            format: Format::of(path)?,
            shape: outputs.shape.clone(),
            names: outputs.names.clone(),
            relative: outputs.relative.clone(),
        })
    }

    /// Whether the number of rows must be known before the first row is written.
    #[must_use]
    pub fn needs_count(&self) -> bool {
        self.format == Format::Npz
    }

    fn output_count(&self) -> usize {
        self.shape.iter().product::<usize>().max(1)
    }

    /// Encodes rows into `encoded`, replacing its contents.
    ///
    /// *Shapes*: `mean` and `std` are `[rows][output_count]`, as the emulator computes them;
    /// `in_domain` is `[rows]`.
    pub fn encode(&self, mean: &[f32], std: &[f32], in_domain: &[bool], encoded: &mut Encoded) {
        let Encoded {
            rows,
            first,
            std: deviations,
            in_domain: flags,
        } = encoded;
        *rows = in_domain.len();
        for bytes in [&mut *first, &mut *deviations, &mut *flags] {
            bytes.clear();
        }
        let count = self.output_count();
        let rows = mean.chunks_exact(count).zip(std.chunks_exact(count));
        match self.format {
            Format::Npz => {
                match &self.relative {
                    None => {
                        first.extend(mean.iter().flat_map(|value| value.to_le_bytes()));
                        deviations.extend(std.iter().flat_map(|value| value.to_le_bytes()));
                    }
                    Some(relative) => rows.for_each(|(mean, std)| {
                        let (mean, std) = relative.physical(mean, std);
                        first.extend(mean.flat_map(f64::to_le_bytes));
                        deviations.extend(std.flat_map(f64::to_le_bytes));
                    }),
                }
                flags.extend(in_domain.iter().map(|&inside| u8::from(inside)));
            }
            Format::Csv => {
                for ((mean, std), in_domain) in rows.zip(in_domain) {
                    match &self.relative {
                        None => cells(first, mean.iter().chain(std)),
                        Some(relative) => {
                            let (mean, std) = relative.physical(mean, std);
                            cells(first, mean.chain(std));
                        }
                    }
                    // Writing to memory cannot fail.
                    let _ = writeln!(first, "{in_domain}");
                }
            }
        }
    }

    /// The element type of a `.npz`, and its size in bytes.
    fn number(&self) -> (&'static str, usize) {
        match self.relative {
            None => ("<f4", size_of::<f32>()),
            Some(_) => ("<f8", size_of::<f64>()),
        }
    }

    fn header(&self) -> io::Result<Vec<u8>> {
        let count = self.output_count();
        let mut csv = ::csv::Writer::from_writer(Vec::new());
        for kind in ["mean", "std"] {
            for output in 0..count {
                csv.write_field(if self.names.len() == count {
                    format!("{}_{kind}", self.names[output])
                } else {
                    format!("{kind}_{output}")
                })?;
            }
        }
        csv.write_record(["in_domain"])?;
        csv.into_inner().map_err(|error| error.into_error())
    }
}

/// Cells of a `.csv`, with enough digits to identify each value.
fn cells(line: &mut Vec<u8>, values: impl Iterator<Item = impl std::fmt::Debug>) {
    for value in values {
        // Writing to memory cannot fail.
        let _ = write!(line, "{value:?},");
    }
}

/// A file of predictions in progress. It does not exist until [`PredictionWriter::finish`], and is
/// then complete.
#[derive(Debug)]
pub struct PredictionWriter {
    form: PredictionForm,
    expected: Option<usize>,
    rows: usize,
    target: Target,
}

#[derive(Debug)]
enum Target {
    Csv(Aside),
    Npz {
        archive: Box<ArchiveWriter<Aside>>,
        std: BufWriter<File>,
        in_domain: BufWriter<File>,
    },
}

impl PredictionWriter {
    /// Begins a file. `rows` is the number of rows, if known.
    ///
    /// # Errors
    /// [`DataError::Write`].
    pub fn create(form: PredictionForm, rows: Option<usize>) -> Result<Self, DataError> {
        let mut aside = Aside::create(&form.path)?;
        let failed = |source| refuse(&form.path, source);
        let target = match form.format {
            Format::Csv => {
                let header = form.header().map_err(failed)?;
                aside.write_all(&header).map_err(failed)?;
                Target::Csv(aside)
            }
            Format::Npz => {
                let rows = rows.unwrap_or_default();
                let mut archive = ArchiveWriter::new(aside);
                begin(&mut archive, "mean", &form, rows).map_err(failed)?;
                Target::Npz {
                    archive: Box::new(archive),
                    std: BufWriter::new(Aside::nameless(&form.path)?),
                    in_domain: BufWriter::new(Aside::nameless(&form.path)?),
                }
            }
        };
        Ok(Self {
            form,
            expected: rows,
            rows: 0,
            target,
        })
    }

    /// Writes a block of rows.
    ///
    /// # Errors
    /// [`DataError::Write`].
    pub fn write(&mut self, encoded: &Encoded) -> Result<(), DataError> {
        self.rows += encoded.rows;
        let mut all = || match &mut self.target {
            Target::Csv(aside) => aside.write_all(&encoded.first),
            Target::Npz {
                archive,
                std,
                in_domain,
            } => {
                archive.write_all(&encoded.first)?;
                std.write_all(&encoded.std)?;
                in_domain.write_all(&encoded.in_domain)
            }
        };
        all().map_err(|source| refuse(&self.form.path, source))
    }

    /// Moves the file to its path. Returns the number of rows.
    ///
    /// # Errors
    /// [`DataError::Write`]; the number of rows differs from the announced one.
    pub fn finish(self) -> Result<usize, DataError> {
        let Self {
            form,
            expected,
            rows,
            target,
        } = self;
        let failed = |source| refuse(&form.path, source);
        if let Some(expected) = expected.filter(|&expected| expected != rows) {
            return Err(failed(io::Error::other(format!(
                "expected {expected} rows of inputs, got {rows}: their file changed while it was read"
            ))));
        }
        let aside = match target {
            Target::Csv(aside) => aside,
            Target::Npz {
                mut archive,
                std,
                in_domain,
            } => {
                let rest = || -> io::Result<()> {
                    begin(&mut archive, "std", &form, rows)?;
                    append(std, &mut archive)?;
                    let packing = Packing::Deflated;
                    archive.begin("in_domain", "|b1", &[rows], rows, packing)?;
                    append(in_domain, &mut archive)
                };
                rest().map_err(failed)?;
                archive.finish().map_err(failed)?
            }
        };
        aside.finish()?;
        Ok(rows)
    }
}

/// Begins an array with one output per row. It is stored uncompressed: deflating would take longer
/// than everything else and would hardly shrink such digits.
fn begin(
    archive: &mut ArchiveWriter<Aside>,
    name: &str,
    form: &PredictionForm,
    rows: usize,
) -> io::Result<()> {
    let shape = [&[rows], &form.shape[..]].concat();
    let (kind, size) = form.number();
    let bytes = rows * form.output_count() * size;
    archive.begin(name, kind, &shape, bytes, Packing::Stored)
}

/// Copies the buffered bytes into the archive.
fn append(waiting: BufWriter<File>, archive: &mut ArchiveWriter<Aside>) -> io::Result<()> {
    let mut waiting = waiting
        .into_inner()
        .map_err(io::IntoInnerError::into_error)?;
    waiting.seek(SeekFrom::Start(0))?;
    io::copy(&mut waiting, archive)?;
    Ok(())
}

#[cfg(test)]
mod tests;
