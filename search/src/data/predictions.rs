//! What `predict` writes: mean, standard deviation and whether the input lay in the domain.

use std::io::{self, Write};
use std::path::Path;

use super::aside::write_aside;
use super::dataset::Format;
use super::error::DataError;
use super::npz::ArchiveWriter;

/// Predictions for some rows, in physical units.
#[derive(Debug, Clone, Copy)]
pub struct Predictions<'a> {
    /// Shape of one output, as [`super::Dataset::shape`].
    pub shape: &'a [usize],
    /// One name for each number of an output; other counts are taken as no names.
    pub names: &'a [String],
    /// Means `[rows][output_count]`.
    pub mean: &'a [f32],
    /// Standard deviations `[rows][output_count]`.
    pub std: &'a [f32],
    /// Whether each row's inputs lay in the trained box, `[rows]`.
    pub in_domain: &'a [bool],
}

impl Predictions<'_> {
    /// Writes a `.npz` or a `.csv`, as the name says; the file is whole or absent.
    ///
    /// A `.npz` holds `mean` and `std` (float32, shape of `y`) and `in_domain` (bool). A `.csv` has the columns
    /// `NAME_mean`, `NAME_std` (`mean_0`, `std_0` where outputs have no names) and `in_domain` (`true`, `false`).
    ///
    /// # Errors
    /// [`DataError::UnknownFormat`], [`DataError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), DataError> {
        let format = Format::of(path)?;
        self.check().map_err(|source| DataError::Write {
            file: path.display().to_string(),
            source,
        })?;
        write_aside(path, |writer| match format {
            Format::Npz => self.write_npz(writer),
            Format::Csv => self.write_csv(writer),
        })
    }

    /// Whether the arrays have as many numbers as their rows and shape say.
    fn check(&self) -> io::Result<()> {
        let expected = self.in_domain.len() * self.shape.iter().product::<usize>();
        for (name, values) in [("mean", self.mean), ("std", self.std)] {
            if values.len() != expected {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!(
                        "expected {expected} numbers in {name:?}, got {}",
                        values.len()
                    ),
                ));
            }
        }
        Ok(())
    }

    fn write_npz(&self, writer: impl Write + io::Seek) -> io::Result<()> {
        let rows = self.in_domain.len();
        let shape = [&[rows], self.shape].concat();
        let mut archive = ArchiveWriter::new(writer);
        archive.add_f32("mean", &shape, self.mean)?;
        archive.add_f32("std", &shape, self.std)?;
        archive.add_bool("in_domain", &[rows], self.in_domain)?;
        archive.finish()?.flush()
    }

    fn write_csv(&self, writer: impl Write) -> io::Result<()> {
        let count = self.shape.iter().product::<usize>().max(1);
        let mut csv = ::csv::Writer::from_writer(writer);
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
        let rows = self
            .mean
            .chunks_exact(count)
            .zip(self.std.chunks_exact(count));
        for ((mean, std), in_domain) in rows.zip(self.in_domain) {
            for value in mean.iter().chain(std) {
                csv.write_field(format!("{value:?}"))?;
            }
            csv.write_record([in_domain.to_string()])?;
        }
        csv.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::npz::Archive;
    use super::*;

    fn predictions<'a>(names: &'a [String]) -> Predictions<'a> {
        Predictions {
            shape: &[2],
            names,
            mean: &[1.5, -2.0, f32::NAN, 1e-25],
            std: &[0.1, 0.2, f32::NAN, 0.0],
            in_domain: &[true, false],
        }
    }

    #[test]
    fn a_written_archive_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.npz");
        predictions(&[]).write(&path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let mut archive = Archive::open(&bytes, "p.npz").unwrap();
        assert_eq!(archive.required("std").unwrap().shape(), [2, 2]);
        let mean = archive.numbers("mean", |_, value| value as f32).unwrap();
        assert_eq!(mean[..2], [1.5, -2.0]);
        assert!(mean[2].is_nan() && mean[3] == 1e-25);
        let domain = archive.numbers("in_domain", |_, value| value).unwrap();
        assert_eq!(domain, [1.0, 0.0]);
    }

    #[test]
    fn the_columns_of_a_csv_carry_the_outputs_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        let names = ["a, b".to_owned(), "c".to_owned()];
        predictions(&names).write(&path).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "\"a, b_mean\",c_mean,\"a, b_std\",c_std,in_domain\n1.5,-2.0,0.1,0.2,true\nNaN,1e-25,NaN,0.0,false\n"
        );
        predictions(&[]).write(&path).unwrap();
        assert!(
            std::fs::read_to_string(&path)
                .unwrap()
                .starts_with("mean_0,mean_1,std_0,")
        );
    }

    #[test]
    fn arrays_of_unequal_length_are_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.csv");
        let predictions = Predictions {
            std: &[0.1],
            ..predictions(&[])
        };
        let error = predictions.write(&path).unwrap_err().to_string();
        assert!(
            error.contains("expected 4 numbers in \"std\", got 1"),
            "{error}"
        );
        assert!(!path.exists());
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.npz");
        std::fs::write(&path, "old").unwrap();
        let error = write_aside(&path, |writer| {
            writer.write_all(b"half")?;
            Err(io::Error::other("disk full"))
        })
        .unwrap_err();
        assert!(error.to_string().contains("disk full"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(
            predictions(&[])
                .write(&folder.path().join("none/p.npz"))
                .is_err()
        );
    }
}
