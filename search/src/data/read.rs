//! Reads a data set from a file.

use super::dataset::Dataset;
use super::draft::Draft;
use super::error::DataError;
use super::files::{Format, ReadOptions, read_bytes};
use sha2::{Digest, Sha256};
use std::path::Path;

impl Dataset {
    /// Reads a `.npz` or a `.csv`.
    ///
    /// # Errors
    /// Every case of [`DataError`] that concerns reading.
    pub fn read(path: &Path, options: &ReadOptions) -> Result<Self, DataError> {
        let label = path.display().to_string();
        let format = Format::of(path)?;
        let bytes = read_bytes(path)?;
        match format {
            Format::Npz => Self::from_npz_bytes(&bytes, &label, options),
            Format::Csv => Self::from_csv_bytes(&bytes, &label, options),
        }
    }

    /// Reads the bytes of a `.npz`. `label` is its name in errors and reports.
    ///
    /// # Errors
    /// As [`Dataset::read`]. No bytes can make it panic.
    pub fn from_npz_bytes(
        bytes: &[u8],
        label: &str,
        options: &ReadOptions,
    ) -> Result<Self, DataError> {
        Draft::from_npz(bytes, label, options)?.assemble(options, sha256(bytes))
    }

    /// Reads the bytes of a `.csv`. `label` is its name in errors and reports.
    ///
    /// # Errors
    /// As [`Dataset::read`]. No bytes can make it panic.
    ///
    /// # Example
    /// ```
    /// use dense_search::Dataset;
    /// use dense_search::data::ReadOptions;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let table = "pressure,flow\n1.0,0.5\n2.0,1.5\n3.0,2.0\n";
    /// let mut options = ReadOptions::default();
    /// options.inputs = vec!["pressure".to_owned()];
    /// options.outputs = vec!["flow".to_owned()];
    /// let data = Dataset::from_csv_bytes(table.as_bytes(), "pump.csv", &options)?;
    /// assert_eq!((data.rows(), data.input_count()), (3, 1));
    /// assert_eq!(data.y_row(1), [1.5]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_csv_bytes(
        bytes: &[u8],
        label: &str,
        options: &ReadOptions,
    ) -> Result<Self, DataError> {
        Draft::from_csv(bytes, label, options)?.assemble(options, sha256(bytes))
    }
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
