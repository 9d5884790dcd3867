//! The error of a command that names files of the caller's folder.

use crate::shell::shell_word;
use std::fmt;

/// A command names files of the caller's folder, which do not exist in the folder of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The files.
    pub names: Vec<String>,
    /// The command with `{here}` before each file.
    pub command: String,
}

impl Elsewhere {
    /// Returns the error message, which suggests this line instead.
    #[must_use]
    pub fn text(&self, line: &str) -> String {
        let names = self.names.join(", ");
        format!(
            "each run starts in an empty folder of its own, and the command names what is in this one: {names}; nothing was \
             run. With {{here}} for this folder:\n\n  {line}\n\nIf the runs themselves make one of these, begin the command \
             with `cd {{folder}} &&` and write {{here}}/ only before the others; `cd {{here}} &&` starts all runs in this folder, \
             which is sound only where none writes there"
        )
    }
}

impl fmt::Display for Elsewhere {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = format!("--command {}", shell_word(&self.command));
        formatter.write_str(&self.text(&line))
    }
}

impl std::error::Error for Elsewhere {}
