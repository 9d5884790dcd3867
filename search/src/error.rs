//! Errors of this crate. Each text states the problem, where it is, and what to do.
//!
//! An error of a lower layer or of another crate becomes the source of an error that states where
//! it arose. [`Error::chain`] joins all of them into one line, as the program prints it.

use crate::budget::NoRoom;
use crate::collect::Elsewhere;
use crate::data::DataError;
use std::io;

/// The result type of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate. Its text states the problem, where it is, and what to do. Its variant
/// gives the kind of problem.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A data file is invalid, or predictions cannot be written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The data have too few rows, or nothing to learn.
    #[error("{0}")]
    Unlearnable(String),
    /// The parameters of a simulator are invalid.
    #[error("{0}")]
    Parameters(String),
    /// A simulator's runs cannot be collected.
    #[error("{0}")]
    Collection(String),
    /// The command of a simulator names files that its runs would not find.
    #[error(transparent)]
    Elsewhere(#[from] Elsewhere),
    /// Settings contradict each other or do not fit the data.
    #[error("{0}")]
    Settings(String),
    /// A super-architecture or an architecture is invalid.
    #[error(transparent)]
    Space(#[from] crate::space::Error),
    /// No architecture of a super-architecture keeps the budget.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The requested device is missing or cannot be used.
    #[error("{0}")]
    Device(String),
    /// A run's folder has no run, has no finished run, already has a run, or lacks the requested
    /// part.
    #[error("{0}")]
    Run(String),
    /// Another program is using a folder.
    #[error("{0}")]
    Busy(String),
    /// A checkpoint is damaged, or belongs to another training.
    #[error("{0}")]
    Checkpoint(String),
    /// The search ended with nothing to ship, and a repetition would end in the same way.
    #[error("{0}")]
    Failed(String),
    /// An output path has an unsuitable name, or is one of the input files.
    #[error("{0}")]
    Output(String),
    /// A tool is missing or does not work as expected.
    #[error("{0}")]
    Tool(String),
    /// An emulator cannot be built, read, written or frozen.
    #[error(transparent)]
    Emulator(#[from] dense_codegen::Error),
    /// A super-network operation failed.
    #[error(transparent)]
    Network(#[from] crate::supernetwork::Error),
    /// A tensor operation failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// A file or folder cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A text, or a value of another crate, has the wrong form.
    #[error(transparent)]
    Form(Box<dyn std::error::Error + Send + Sync>),
    /// An invariant of this crate does not hold.
    #[error("{0}")]
    Fault(String),
    /// Adds to another error, its source, the action that failed.
    #[error("{what}")]
    While {
        /// The action that failed, its object, and what to do.
        what: String,
        /// The error that arose.
        source: Box<Error>,
    },
}

impl Error {
    /// Returns the texts of the error and of its sources in one line, outermost first.
    #[must_use]
    pub fn chain(&self) -> String {
        let first: Option<&dyn std::error::Error> = Some(self);
        let all = std::iter::successors(first, |error| error.source());
        let texts: Vec<String> = all.map(ToString::to_string).collect();
        texts.join(": ")
    }
}

macro_rules! from_form {
    ($($source:ty),*) => {$(
        impl From<$source> for Error {
            fn from(source: $source) -> Self {
                Self::Form(Box::new(source))
            }
        }
    )*};
}

from_form!(
    csv::Error,
    serde_json::Error,
    toml::de::Error,
    safetensors::SafeTensorError,
    std::num::ParseFloatError,
    rayon::ThreadPoolBuildError
);

/// Adds the failed action to an error.
pub(crate) trait Context<T> {
    /// Makes the error the source of a new error with this text.
    fn context(self, what: impl Into<String>) -> Result<T>;

    /// Makes the error the source of a new error with the text that `what` returns.
    fn with_context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for Result<T, E> {
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.with_context(|| what.into())
    }

    fn with_context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::While {
            what: what(),
            source: Box::new(error.into()),
        })
    }
}

/// Returns an error of a variant that holds only a text:
/// `bail!(Settings, "{space}: no such preset")`.
macro_rules! bail {
    ($kind:ident, $($text:tt)*) => {
        return Err($crate::error::Error::$kind(format!($($text)*)))
    };
}

/// Returns such an error unless the condition holds:
/// `ensure!(Run, path.exists(), "{path}: missing")`.
macro_rules! ensure {
    ($kind:ident, $condition:expr, $($text:tt)*) => {
        if !$condition {
            $crate::error::bail!($kind, $($text)*);
        }
    };
}

pub(crate) use {bail, ensure};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_has_each_text_once_the_outermost_first() {
        let missing = || Err::<(), _>(io::Error::other("disk on fire"));
        let error = missing()
            .context("a.csv: cannot be read")
            .context("reading the data");
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), "reading the data");
        assert_eq!(
            error.chain(),
            "reading the data: a.csv: cannot be read: disk on fire"
        );
        let error = Error::from(serde_json::from_str::<bool>("maybe").unwrap_err());
        assert_eq!(error.chain(), error.to_string());
    }
}
