//! The program: exit code 0 where the command is done, 1 where it was interrupted, 2 where its arguments or its input
//! are wrong.

mod program;

use clap::Parser;
use program::Outcome;
use program::arguments::Cli;
use std::io::Write;
use std::process::ExitCode;

/// Training allocates and frees the same large blocks in every step. The system's allocator gives them back to the
/// kernel each time, which costs a step of the published space more than a quarter of its time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::Interrupted) => ExitCode::from(1),
        Err(error) => {
            // Where nobody reads standard error, the exit code still says it.
            let _ = writeln!(std::io::stderr(), "dense-search: {error:#}");
            ExitCode::from(2)
        }
    }
}
