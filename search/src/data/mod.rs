//! The simulator's runs, from a file to the matrices that training sees.
//!
//! In the order in which data pass:
//!
//! 1. [`Dataset::read`] takes a `.npz` (`npz`, `npy`) or a `.csv` (`csv`) and checks everything that can be checked
//!    ([`Layout`] says what kind of output it is). A value of the type [`Dataset`] is valid: finite, consistent, within
//!    a range that arithmetic can work with; nothing later has an error path for bad data.
//! 2. [`Split::resolve`] says which rows train, choose, calibrate and test.
//! 3. [`Dataset::relative_to`] converts outputs that float32 cannot represent.
//! 4. [`Normalisation::fit`] learns from the training rows how physical units become numbers near one, and encodes.
//! 5. [`Summary`] is what `inspect` prints.
//!
//! [`Dataset::arranged`] puts the columns of a file into the order of an emulator, by name.
//!
//! On the way out, [`InputRows`] reads what `predict` is asked about and [`PredictionWriter`] writes its answers, both a
//! few rows at a time.
//! Before there is a file, the same checks judge a design and a simulator's parameters (`design_check`).
//! [`DataError`] is the one error type: each text names file, array, row and column, what was expected and what was
//! found, and what to do.
//!
//! The `.npy` reader is our own: a member's header is a one-line dictionary of three keys, while the crate `npyz`
//! 0.9.1 brings a general parser of Python literals (pest, a stack guard that needs a C compiler: 20 crates), multiplies
//! sizes unchecked (a panic in builds that check overflow) and allocates as many bytes as a damaged header asks for.

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
pub use split::Split;
pub use summary::{InputSummary, OutputSummary, RowSummary, Summary};
