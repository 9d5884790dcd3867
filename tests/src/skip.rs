//! Tests whose tool is missing on this machine: they say so and pass, except where everything is required.
//!
//! A test harness hides what a test says that passes. So the line goes to the file that `tests/run` names and prints at its
//! end; without it, to the standard error stream itself, past the print macros.

use std::env;
use std::fs::File;
use std::io::{self, Write};
use std::thread;

/// Where this variable is `1`, a missing tool is a failure.
pub const REQUIRE_ALL: &str = "DENSE_REQUIRE_ALL";

/// The file that lines are added to.
pub const SKIPPED: &str = "DENSE_SKIPPED";

/// Says that a test is left out for want of `tool`, which reads `NAME, install with COMMAND`.
///
/// # Panics
/// Where [`REQUIRE_ALL`] is `1`.
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
    // Nobody can be told through a closed stream.
    let _ = match file {
        Some(mut file) => file.write_all(line.as_bytes()),
        None => io::stderr().write_all(line.as_bytes()),
    };
}
