//! The program: exit code 0 where the command is done, 2 where its arguments or its input are wrong.

use clap::Parser;
use dense_search::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dense-search: {error}");
            ExitCode::from(2)
        }
    }
}
