//! The command line: what a user may type, as typed values.

use crate::commands::search::{Extent, Plan};
use crate::commands::{bench, demo, evaluate, freeze, inspect, predict, search};
use crate::data::{Dataset, Layout, Part, ReadOptions};
use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

/// Deep emulator network search: from a simulator's runs to an emulator that answers in microseconds.
#[derive(Debug, Parser)]
#[command(name = "dense-search", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON object on the last line of standard output instead of text
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Search, judge, freeze and time an emulator of the bundled Thomson scattering spectra
    Demo {
        /// Folder for the run; a temporary one if left out
        #[arg(long)]
        out: Option<PathBuf>,
        #[command(flatten)]
        search: SearchArguments,
    },
    /// Print what a data file holds, how it will be read, and what is odd about it
    #[command(after_help = "Example:\n  dense-search inspect examples/thomson/thomson.npz")]
    Inspect {
        #[command(flatten)]
        data: DataArguments,
    },
    /// Search for an emulator of a data file
    #[command(
        after_help = "Example:\n  dense-search search examples/thomson/thomson.npz --out run --time 2m"
    )]
    Search {
        #[command(flatten)]
        data: DataArguments,
        /// Folder for the run
        #[arg(long)]
        out: PathBuf,
        #[command(flatten)]
        search: SearchArguments,
    },
    /// Judge a run's emulator on rows of a data file
    Evaluate {
        /// The run's folder, or an emulator file
        run: PathBuf,
        #[command(flatten)]
        data: DataArguments,
        /// Rows to judge on: train, validation or test
        #[arg(long, default_value = "test")]
        split: Part,
    },
    /// Predict mean and standard deviation for a file of inputs
    Predict {
        /// The run's folder, or an emulator file
        run: PathBuf,
        /// A .npz with an array x, or a .csv with the inputs' columns
        inputs: PathBuf,
        /// The .npz or .csv to write
        #[arg(short, long)]
        output: PathBuf,
    },
    /// Write a run's emulator as a crate with static weights
    Freeze {
        /// The run's folder, or an emulator file
        run: PathBuf,
        /// Folder of the crate
        #[arg(long)]
        out: PathBuf,
    },
    /// Build a run's frozen code with cargo and time it
    Bench {
        /// The run's folder, or an emulator file
        run: PathBuf,
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

    fn read(self) -> anyhow::Result<Dataset> {
        let (path, options) = self.split();
        Ok(Dataset::read(&path, &options)?)
    }
}

/// How to search.
#[derive(Debug, Args)]
pub struct SearchArguments {
    /// The super-architecture: micro or paper
    #[arg(long, default_value = "micro")]
    space: String,
    /// Members of the ensemble
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=64))]
    members: u16,
    /// Wall time, for example 90s or 5m [default: 5m; demo: 2m]
    #[arg(long, value_parser = duration, conflicts_with = "steps")]
    time: Option<Duration>,
    /// Weight steps, instead of a time: the same bytes for the same seed
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    steps: Option<u32>,
    /// The seed of every random draw
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl SearchArguments {
    fn plan(self, default_time: Duration) -> Plan {
        Plan {
            extent: match self.steps {
                Some(steps) => Extent::Steps(steps as usize),
                None => Extent::Time(self.time.unwrap_or(default_time)),
            },
            space: self.space,
            members: usize::from(self.members),
            seed: self.seed,
            threads: self.threads.map_or_else(all_cores, usize::from),
        }
    }
}

fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Reads `90s`, `5m` or `1.5h`.
fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) =
        text.split_at(text.len() - text.chars().next_back().map_or(0, char::len_utf8));
    let unit = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err("expected a number with s, m or h, for example 5m".into()),
    };
    match number.parse::<f64>().map(|number| number * unit) {
        Ok(seconds) if (1.0..=1e7).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("expected 1s to 1e7s, for example 5m".into()),
    }
}

impl Cli {
    /// Does what was typed.
    ///
    /// # Errors
    /// The input is not what the command needs; the text says what to do.
    pub fn run(self) -> anyhow::Result<()> {
        match self.command {
            Command::Inspect { data } => {
                let (path, options) = data.split();
                inspect::run(&path, &options, self.json)
            }
            Command::Demo { out, search } => {
                let temporary = tempfile::tempdir()?;
                let out = out.unwrap_or_else(|| temporary.path().join("run"));
                let shown = demo::run(&search.plan(Duration::from_secs(120)), &out)?;
                print(&if self.json {
                    shown.json().to_string()
                } else {
                    shown.text()
                })
            }
            Command::Search { data, out, search } => {
                let data = data.read()?;
                let report = search::run(&data, &search.plan(Duration::from_secs(300)), &out)?;
                self::report(&json!(report), self.json)
            }
            Command::Evaluate { run, data, split } => {
                let metrics = evaluate::run(&run, &data.read()?, split, all_cores())?;
                report(&json!(metrics), self.json)
            }
            Command::Predict {
                run,
                inputs,
                output,
            } => {
                let rows = predict::run(&run, &inputs, &output, all_cores())?;
                report(&json!({ "rows": rows, "output": output }), self.json)
            }
            Command::Freeze { run, out } => {
                let frozen = freeze::run(&run, &out)?;
                let figures = json!({
                    "crate": frozen.path,
                    "macs": frozen.macs,
                    "member_macs": frozen.member_macs,
                    "flash_bytes": frozen.flash_bytes,
                    "ram_bytes": frozen.ram_bytes,
                    "members": frozen.members,
                });
                report(&figures, self.json)
            }
            Command::Bench { run } => report(&bench::run(&run)?, self.json),
        }
    }
}

/// Prints an object's fields, one a line, or as JSON.
fn report(figures: &Value, json: bool) -> anyhow::Result<()> {
    let fields = figures.as_object().into_iter().flatten();
    let lines: Vec<_> = fields
        .map(|(name, value)| format!("{name:20} {value}"))
        .collect();
    print(&if json {
        figures.to_string()
    } else {
        lines.join("\n")
    })
}

fn print(text: &str) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout().lock(), "{}", text.trim_end())?)
}
