//! Tests whose tool is missing on this machine: they say so and pass, except where everything is required.
//!
//! The line goes to the standard error stream itself: the test harness captures only what the print macros write, and
//! would hide it from a user whose tests pass.

use std::env;
use std::io::{self, Write};

/// Where this variable is `1`, a missing tool is a failure.
pub const REQUIRE_ALL: &str = "DENSE_REQUIRE_ALL";

/// Says that a test is left out for want of `tool`, which reads `NAME, install with COMMAND`.
///
/// # Panics
/// Where [`REQUIRE_ALL`] is `1`.
pub fn skipped(tool: &str) {
    let line = format!("SKIPPED: {tool}\n");
    assert!(
        env::var_os(REQUIRE_ALL).is_none_or(|value| value != "1"),
        "{REQUIRE_ALL}=1 and {line}"
    );
    // Nobody can be told through a closed stream.
    let _ = io::stderr().write_all(line.as_bytes());
}
