//! Every error of this crate: what is wrong, where, and what to do about it.
//!
//! An error of a lower layer, or of another crate, is the source of the one that says where it arose; [`Error::chain`] puts
//! them into one line, as the program prints them.

use crate::budget::NoRoom;
use crate::collect::Elsewhere;
use crate::data::DataError;
use std::io;

/// What this crate's functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every error of this crate. Its text says what is wrong, where, and what to do; its variant what kind of thing it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A data file is refused, or predictions cannot be written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Data have too few rows, or nothing to learn.
    #[error("{0}")]
    Unlearnable(String),
    /// The parameters of a simulator are not sound.
    #[error("{0}")]
    Parameters(String),
    /// A simulator's runs cannot be collected.
    #[error("{0}")]
    Collection(String),
    /// A simulator's command names files that its runs would not find.
    #[error(transparent)]
    Elsewhere(#[from] Elsewhere),
    /// Settings do not fit one another, or the data.
    #[error("{0}")]
    Settings(String),
    /// A super-architecture or an architecture makes no sense.
    #[error(transparent)]
    Space(#[from] crate::space::Error),
    /// Nothing in a super-architecture keeps the budget.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The device that was asked for is not there, or cannot be used.
    #[error("{0}")]
    Device(String),
    /// A run's folder has no run, none that is finished, one already, or no such part.
    #[error("{0}")]
    Run(String),
    /// Another program is at work in a folder.
    #[error("{0}")]
    Busy(String),
    /// A checkpoint is damaged, or of another training.
    #[error("{0}")]
    Checkpoint(String),
    /// The search ended with nothing to ship, as the same search would again.
    #[error("{0}")]
    Failed(String),
    /// An output has a name that does not fit, or is what is read.
    #[error("{0}")]
    Output(String),
    /// A tool is missing, or does not do what it should.
    #[error("{0}")]
    Tool(String),
    /// An emulator cannot be built, read, written or frozen.
    #[error(transparent)]
    Emulator(#[from] dense_codegen::Error),
    /// A super-network fails.
    #[error(transparent)]
    Network(#[from] crate::supernetwork::Error),
    /// A tensor operation fails.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// A file or folder cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A text or another crate's value is not of its form.
    #[error(transparent)]
    Form(Box<dyn std::error::Error + Send + Sync>),
    /// An invariant of this crate does not hold.
    #[error("{0}")]
    Fault(String),
    /// What was being done when another error arose, its source.
    #[error("{what}")]
    While {
        /// What was being done, to what, and what to do about it.
        what: String,
        /// The error that arose.
        source: Box<Error>,
    },
}

impl Error {
    /// Returns the texts of the error and of its sources in one line, the outermost first.
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

/// Says what was being done when an error arose.
pub(crate) trait Context<T> {
    /// Makes the error the source of one with this text.
    fn context(self, what: impl Into<String>) -> Result<T>;

    /// Makes the error the source of one with the text that `what` returns.
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

/// Returns an error of a variant that has a text alone: `bail!(Settings, "{space}: no such preset")`.
macro_rules! bail {
    ($kind:ident, $($text:tt)*) => {
        return Err($crate::error::Error::$kind(format!($($text)*)))
    };
}

/// Returns such an error unless the condition holds: `ensure!(Run, path.exists(), "{path}: missing")`.
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
