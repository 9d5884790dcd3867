//! Reads the inputs of `predict` a few rows at a time: a file may be larger than memory.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::arrange::is_numbered;
use super::columns::{positions, shape_error};
use super::csv::Rows;
use super::draft::x_shape;
use super::error::{DataError, Place, list};
use super::files::Format;
use super::npy::Header;
use super::npz::{Archive, refusal};

/// An open file of inputs that has the emulator's columns.
#[derive(Debug)]
pub struct InputRows {
    path: PathBuf,
    file: String,
    names: Vec<String>,
    source: Source,
    note: Option<String>,
}

#[derive(Debug)]
enum Source {
    /// The array `x`, and the column in it of each of the emulator's inputs.
    Npz {
        header: Header,
        rows: usize,
        width: usize,
        columns: Vec<usize>,
    },
    Csv,
}

/// Whether to continue reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Continue.
    More,
    /// Stop.
    Stop,
}

impl InputRows {
    /// Opens the array `x` of a `.npz` or the columns of a `.csv`, for an emulator whose inputs
    /// have these `names`.
    ///
    /// A `.csv` must have a column for each name; others are ignored. A `.npz` with `x_names` must
    /// have each name too, and its columns are put into the emulator's order. Without `x_names` the
    /// number of columns must match.
    ///
    /// # Errors
    /// Every case of [`DataError`] that concerns opening, including a missing name or a wrong
    /// number of columns.
    pub fn open(path: &Path, names: &[String]) -> Result<Self, DataError> {
        let file = path.display().to_string();
        let (source, is_named) = match Format::of(path)? {
            Format::Npz => Self::open_npz(path, &file, names)?,
            Format::Csv => {
                Rows::open(open(path)?, &file)?.choose(names)?;
                (Source::Csv, true)
            }
        };
        let is_guessed = !is_named && names.len() > 1 && !is_numbered(names);
        let note = is_guessed.then(|| {
            format!(
                "{file}: no \"x_names\": the columns of \"x\" are taken in the emulator's order, {}",
                list(names.iter().map(String::as_str))
            )
        });
        Ok(Self {
            path: path.to_owned(),
            file,
            names: names.to_vec(),
            source,
            note,
        })
    }

    /// Messages for the user: columns that have no names.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// The array, and whether its columns have names.
    fn open_npz(path: &Path, file: &str, names: &[String]) -> Result<(Source, bool), DataError> {
        let mut archive = Archive::open_file(path)?;
        let header = archive.required("x")?.clone();
        let (rows, width) = x_shape(&header, file)?;
        let stored = archive.optional_strings("x_names")?;
        if stored.is_none() && width != names.len() {
            let expected = format!("({rows}, {}) as the emulator has inputs", names.len());
            let advice =
                "store one column for each input of the emulator, or their names as \"x_names\"";
            return Err(shape_error(file, "x", &expected, header.shape(), advice));
        }
        let columns = match &stored {
            None => (0..width).collect(),
            Some(stored) if stored.len() != width => {
                return Err(shape_error(
                    file,
                    "x_names",
                    &format!("({width})"),
                    &[stored.len()],
                    "store one name for each column of \"x\", or leave the array out",
                ));
            }
            Some(stored) => positions(file, names, stored)?,
        };
        let source = Source::Npz {
            header,
            rows,
            width,
            columns,
        };
        Ok((source, stored.is_some()))
    }

    /// Returns the number of rows. A `.csv` is read once to count them, up to the first unreadable
    /// row.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn count(&self) -> Result<usize, DataError> {
        match self.source {
            Source::Npz { rows, .. } => Ok(rows),
            Source::Csv => Ok(Rows::open(open(&self.path)?, &self.file)?.count()),
        }
    }

    /// Passes the inputs to `each`, at most `at_once` rows at a time: `[rows][names]`, row-major,
    /// rounded to single precision, every value finite. Never holds more rows than these.
    ///
    /// # Errors
    /// Every case of [`DataError`] that concerns reading, including a file without rows.
    pub fn read(&self, at_once: usize, each: impl FnMut(&[f32]) -> Flow) -> Result<(), DataError> {
        match &self.source {
            Source::Npz { rows: 0, .. } => Err(self.no_rows()),
            Source::Npz { header, .. } if header.column_by_column() => {
                self.read_columns(at_once, each)
            }
            Source::Npz { .. } => self.read_array(at_once, each),
            Source::Csv => self.read_csv(at_once, each),
        }
    }

    /// Reads an array stored row by row.
    fn read_array(
        &self,
        at_once: usize,
        mut each: impl FnMut(&[f32]) -> Flow,
    ) -> Result<(), DataError> {
        let Source::Npz {
            header,
            rows,
            width,
            columns,
        } = &self.source
        else {
            return Ok(());
        };
        let mut archive = Archive::open_file(&self.path)?;
        let mut elements = archive.stream("x")?;
        let (mut values, mut x) = (Vec::new(), Vec::new());
        for first in (0..*rows).step_by(at_once.max(1)) {
            let now = at_once.max(1).min(rows - first);
            values.clear();
            header
                .next_numbers(&mut elements, now * width, &mut values)
                .map_err(|error| refusal(&self.file, "x", error))?;
            x.clear();
            for (row, all) in values.chunks_exact(*width).enumerate() {
                for (input, &column) in columns.iter().enumerate() {
                    x.push(self.single(all[column], || self.row(first + row, input))?);
                }
            }
            if each(&x) == Flow::Stop {
                return Ok(());
            }
        }
        Header::end(&mut elements).map_err(|error| refusal(&self.file, "x", error))
    }

    /// Reads an array stored column by column. The file is opened once per column, so that only a
    /// few rows are held at a time.
    fn read_columns(
        &self,
        at_once: usize,
        mut each: impl FnMut(&[f32]) -> Flow,
    ) -> Result<(), DataError> {
        let Source::Npz {
            header,
            rows,
            width,
            columns,
        } = &self.source
        else {
            return Ok(());
        };
        let refuse = |error| refusal(&self.file, "x", error);
        let mut archives = (0..*width)
            .map(|_| Archive::open_file(&self.path))
            .collect::<Result<Vec<_>, _>>()?;
        let mut readers = Vec::new();
        for (column, archive) in archives.iter_mut().enumerate() {
            let mut elements = archive.stream("x")?;
            header.skip(&mut elements, column * rows).map_err(refuse)?;
            readers.push(elements);
        }
        let (mut values, mut x) = (Vec::new(), Vec::new());
        for first in (0..*rows).step_by(at_once.max(1)) {
            let now = at_once.max(1).min(rows - first);
            values.clear();
            for elements in &mut readers {
                header
                    .next_numbers(elements, now, &mut values)
                    .map_err(refuse)?;
            }
            x.clear();
            for row in 0..now {
                for (input, &column) in columns.iter().enumerate() {
                    let value = values[column * now + row];
                    x.push(self.single(value, || self.row(first + row, input))?);
                }
            }
            if each(&x) == Flow::Stop {
                return Ok(());
            }
        }
        readers
            .last_mut()
            .map_or(Ok(()), Header::end)
            .map_err(refuse)
    }

    fn read_csv(
        &self,
        at_once: usize,
        mut each: impl FnMut(&[f32]) -> Flow,
    ) -> Result<(), DataError> {
        let mut rows = Rows::open(open(&self.path)?, &self.file)?;
        rows.choose(&self.names)?;
        let (mut values, mut x) = (Vec::new(), Vec::new());
        let mut none = true;
        loop {
            values.clear();
            let more = rows.next(&mut values)?;
            for (column, &value) in values.iter().enumerate() {
                x.push(self.single(value, || rows.place(column))?);
            }
            none &= !more;
            if x.len() == at_once.max(1) * self.names.len() || !(more || x.is_empty()) {
                if each(&x) == Flow::Stop {
                    return Ok(());
                }
                x.clear();
            }
            if !more {
                break;
            }
        }
        if none { Err(self.no_rows()) } else { Ok(()) }
    }

    fn single(&self, value: f64, place: impl FnOnce() -> Place) -> Result<f32, DataError> {
        let single = value as f32;
        if single.is_finite() {
            return Ok(single);
        }
        let (file, place) = (self.file.clone(), place());
        Err(if value.is_finite() {
            DataError::OutOfRange {
                file,
                place,
                value,
                limit: f32::MAX.into(),
            }
        } else {
            DataError::NotFinite { file, place, value }
        })
    }

    fn row(&self, row: usize, input: usize) -> Place {
        Place::Row {
            array: "x".to_owned(),
            row,
            column: self.names[input].clone(),
        }
    }

    fn no_rows(&self) -> DataError {
        DataError::NoRows {
            file: self.file.clone(),
        }
    }
}

fn open(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|source| DataError::Read {
        file: path.display().to_string(),
        source,
    })
}

#[cfg(test)]
mod tests;
