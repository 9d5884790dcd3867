//! Reports tests whose tool is missing on this machine. They pass, unless all tools are required.
//!
//! A test harness hides the output of passing tests. So the line goes to the file that `tests/run`
//! names and prints at its end; without it, to the standard error stream itself, past the print
//! macros.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::thread;

/// If this variable is `1`, a missing tool is a failure.
pub const REQUIRE_ALL: &str = "DENSE_REQUIRE_ALL";

/// The file to which lines are appended.
pub const SKIPPED: &str = "DENSE_SKIPPED";

/// Reports that a test is skipped because `tool` is missing; `tool` reads
/// `NAME, install with COMMAND`.
///
/// # Panics
/// [`REQUIRE_ALL`] is `1`.
pub fn skipped(tool: &str) {
    let thread = thread::current();
    let test = thread.name().filter(|name| *name != "main");
    let test = test.map_or_else(
        || env::var("NEXTEST_TEST_NAME").ok(),
        |name| Some(name.into()),
    );
    let line = format!("SKIPPED: {}: needs {tool}\n", test.unwrap_or_default());
    assert!(
        env::var_os(REQUIRE_ALL).is_none_or(|value| value != "1"),
        "{REQUIRE_ALL}=1 and {line}"
    );
    let file = env::var_os(SKIPPED).and_then(|path| File::options().append(true).open(path).ok());
    // A closed stream cannot report anything.
    let _ = match file {
        Some(mut file) => file.write_all(line.as_bytes()),
        None => io::stderr().write_all(line.as_bytes()),
    };
}
