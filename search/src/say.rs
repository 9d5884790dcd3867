//! What the program says: its result on standard output, all else on standard error.
//!
//! Either may be a pipe whose reader has ended (`| head -n1`). That ends no search, and is no error.

use anyhow::Context;
use std::io::{self, ErrorKind, Write};

/// Writes a line to standard error. Unlike `eprintln` it goes on where nobody reads that: a search does not end because the
/// program that its messages are piped into has ended.
macro_rules! say {
    ($($argument:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($argument)*);
    }};
}

pub(crate) use say;

/// Writes a result and a line end to standard output; where nobody reads it any more, the rest is left out.
///
/// # Errors
/// It cannot be written for another reason.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    let written = writeln!(output, "{}", text.trim_end()).and_then(|()| output.flush());
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output cannot be written"),
    }
}
