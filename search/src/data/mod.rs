//! Reads the simulator's runs from a file and prepares the matrices for training.
//!
//! In the order of the data flow:
//!
//! 1. [`Dataset::read`] takes a `.npz` (`npz`, `npy`) or a `.csv` (`csv`) and makes all possible
//!    checks ([`Layout`] is the kind of output). A [`Dataset`] is always valid: finite, consistent,
//!    and within the range of the arithmetic. No later code has an error path for bad data.
//! 2. [`Split::resolve`] assigns rows to training, selection, calibration and test.
//! 3. [`Dataset::relative_to`] converts outputs that float32 cannot represent.
//! 4. [`Normalisation::fit`] fits the map from physical units to values of order one on the
//!    training rows, and encodes data by it.
//! 5. [`Summary`] is the output of `inspect`.
//!
//! [`Dataset::arranged`] puts the columns of a file into the order of an emulator, by name.
//!
//! For predictions, [`InputRows`] reads the inputs of `predict` and [`PredictionWriter`] writes its
//! results, both a few rows at a time.
//! Before a file exists, `design_check` makes the same checks on a design or on a simulator's
//! parameters.
//! [`DataError`] is the only error type: each text names file, array, row and column, the expected
//! and the actual contents, and what to do.
//!
//! The `.npy` reader is our own. An array's header is a one-line dictionary of three keys, but the
//! crate `npyz` 0.9.1 adds a general parser of Python literals (pest, a stack guard that needs a C
//! compiler: 20 crates). It also multiplies sizes unchecked (a panic in builds that check overflow)
//! and allocates the number of bytes that a damaged header claims.

mod arrange;
mod aside;
mod assemble;
mod columns;
mod csv;
mod dataset;
mod design_check;
mod dialect;
mod draft;
mod error;
mod faults;
mod files;
mod inputs;
mod layout;
mod limits;
mod literal;
mod mend;
mod normalise;
mod npy;
mod npy_error;
mod npz;
mod part;
mod predictions;
mod read;
mod relative;
mod split;
mod summary;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use aside::{Aside, write_whole};
pub(crate) use csv::{Table, table as csv_table};
pub(crate) use design_check::FutureInputs;
pub(crate) use dialect::decimal;
pub(crate) use files::is_csv;
pub(crate) use layout::fits;
pub(crate) use limits::LARGEST_OUTPUT;
pub(crate) use npy::numbers as npy_numbers;
pub(crate) use npz::{ArchiveWriter, Packing};

pub use arrange::{Arranged, Columns};
pub use dataset::Dataset;
pub use dense_codegen::emulator::{Axis, InputVariable, Layout};
pub use error::{DataError, Place};
pub use files::ReadOptions;
pub use inputs::{Flow, InputRows};
pub use limits::{MAXIMUM_INPUTS, MINIMUM_TRAIN_ROWS};
pub use normalise::{Normalisation, Transform};
pub use part::Part;
pub use predictions::{Encoded, PredictionForm, PredictionWriter};
pub use relative::{note as relative_note, words as relative_words};
pub use split::{Division, Pooling, Split};
pub use summary::{InputSummary, OutputSummary, RowSummary, Summary};
