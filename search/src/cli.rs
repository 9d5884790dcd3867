//! The command line: what a user may type, as typed values.

use crate::commands;
use crate::data::{Layout, ReadOptions};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Deep emulator network search: from a simulator's runs to an emulator that answers in microseconds.
#[derive(Debug, Parser)]
#[command(name = "dense-search", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print what a data file holds, how it will be read, and what is odd about it
    #[command(after_help = "Example:\n  dense-search inspect examples/thomson/thomson.npz")]
    Inspect {
        #[command(flatten)]
        data: DataArguments,
        /// Print one JSON object instead of text
        #[arg(long)]
        json: bool,
    },
}

/// A file of simulator runs, and how to read it.
#[derive(Debug, Args)]
pub struct DataArguments {
    /// A .npz with arrays x and y, or a .csv with a header
    data: PathBuf,
    /// How the outputs of one run are arranged: scalars, curve, curves, image or images
    #[arg(long)]
    layout: Option<Layout>,
    /// Names of the input columns, separated by commas
    #[arg(long, value_delimiter = ',')]
    inputs: Vec<String>,
    /// Names of the output columns, separated by commas
    #[arg(long, value_delimiter = ',')]
    outputs: Vec<String>,
}

impl DataArguments {
    /// Returns the file and the options to read it with.
    fn split(self) -> (PathBuf, ReadOptions) {
        let Self {
            data,
            layout,
            inputs,
            outputs,
        } = self;
        (
            data,
            ReadOptions {
                layout,
                inputs,
                outputs,
            },
        )
    }
}

impl Cli {
    /// Does what was typed.
    ///
    /// # Errors
    /// The input is not what the command needs; the text says what to do.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Inspect { data, json } => {
                let (path, options) = data.split();
                commands::inspect::run(&path, &options, json)
            }
        }
    }
}
