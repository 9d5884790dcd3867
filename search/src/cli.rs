//! The command line: what a user may type, as typed values.

use crate::commands::search::{Extent, Plan, TeacherName, TransformName};
use crate::commands::{bench, demo, evaluate, freeze, inspect, predict, resume, search, space};
use crate::contenders::{SPACES, SpaceArgument};
use crate::data::{Dataset, Layout, Part, ReadOptions};
use crate::device::DeviceName;
use crate::training::Choices;
use clap::{Args, Parser, Subcommand};
use dense_codegen::resources::Processor;
use serde_json::{Value, json};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
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
    /// Print the super-architecture of a preset for a data file, as TOML for --space FILE.toml
    #[command(
        after_help = "Example:\n  dense-search space paper --for runs.npz --channels 8 > mine.toml\n  dense-search search runs.npz --space mine.toml --out run"
    )]
    Space {
        /// The preset
        #[arg(value_parser = clap::builder::PossibleValuesParser::new(SPACES))]
        preset: String,
        /// The data file that it is for
        #[arg(long = "for", value_name = "DATA")]
        data: PathBuf,
        #[command(flatten)]
        options: LayoutArguments,
        /// Channels of the sequences or images of paper [default: 64]
        #[arg(long)]
        channels: Option<usize>,
        /// Numbers in the first node of paper [default: 256]
        #[arg(long)]
        dense: Option<usize>,
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
    /// Continue a search that was killed or interrupted: it ends with the same emulator
    Resume {
        /// The run's folder
        run: PathBuf,
        /// Where the data are now, if not where they were
        #[arg(long)]
        data: Option<PathBuf>,
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
    #[command(
        after_help = "Example:\n  dense-search freeze run --out firmware/emulator --target cortex-m4 --section .qspi_weights"
    )]
    Freeze {
        /// The run's folder, or an emulator file
        run: PathBuf,
        /// Folder of the crate
        #[arg(long)]
        out: PathBuf,
        /// Measure flash, RAM, stack and instructions on a microcontroller (in QEMU): cortex-m0, cortex-m3, cortex-m4 or
        /// cortex-m7
        #[arg(long)]
        target: Option<Processor>,
        /// The linker's section for weights and golden vectors, for example .qspi_weights
        #[arg(long)]
        section: Option<String>,
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
    #[command(flatten)]
    options: LayoutArguments,
}

/// How to read a file of simulator runs.
#[derive(Debug, Args)]
pub struct LayoutArguments {
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

impl From<LayoutArguments> for ReadOptions {
    fn from(arguments: LayoutArguments) -> Self {
        let LayoutArguments {
            layout,
            inputs,
            outputs,
        } = arguments;
        Self {
            layout,
            inputs,
            outputs,
        }
    }
}

impl DataArguments {
    /// Returns the file and the options to read it with.
    fn split(self) -> (PathBuf, ReadOptions) {
        (self.data, self.options.into())
    }

    fn read(self) -> anyhow::Result<Dataset> {
        let (path, options) = self.split();
        Ok(Dataset::read(&path, &options)?)
    }
}

/// How to search.
#[derive(Debug, Args)]
pub struct SearchArguments {
    /// The super-architecture to search: micro, micro-decoder, paper, or a file FILE.toml (see `dense-search space`); mlp,
    /// mlp-residual and mlp-basis train the fixed networks that a search has to beat
    #[arg(long, default_value = "micro")]
    space: SpaceArgument,
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
    /// What trains: cpu, or cuda:0 where the program was built with CUDA
    #[arg(long, default_value_t)]
    device: DeviceName,
    /// What networks may learn from beside the rows: auto, a Gaussian process where rows are few and smooth; or none
    #[arg(long, value_enum, default_value_t)]
    teacher: TeacherName,
    /// What coordinate the outputs are learnt in: auto looks at data with peaks of many deviations
    #[arg(long, value_enum, default_value_t)]
    transform: TransformName,
}

impl SearchArguments {
    fn plan(self, default_time: Duration) -> anyhow::Result<Plan> {
        Ok(Plan {
            extent: match self.steps {
                Some(steps) => Extent::Steps(steps as usize),
                None => Extent::Time(self.time.unwrap_or(default_time)),
            },
            space: self.space.read()?,
            members: usize::from(self.members),
            seed: self.seed,
            threads: self.threads.map_or_else(all_cores, usize::from),
            choices: Choices::default(),
            device: self.device,
            teacher: self.teacher,
            transform: self.transform,
        })
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

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what was asked for.
    Done,
    /// It was interrupted; what it leaves can be used, and continued.
    Interrupted,
}

impl Cli {
    /// Does what was typed.
    ///
    /// # Errors
    /// The input is not what the command needs; the text says what to do.
    pub fn run(self) -> anyhow::Result<Outcome> {
        match self.command {
            Command::Inspect { data } => {
                let (path, options) = data.split();
                inspect::run(&path, &options, self.json)?;
                Ok(Outcome::Done)
            }
            Command::Demo { out, search } => {
                search.device.check()?;
                let interrupt = interrupt()?;
                let temporary = tempfile::tempdir()?;
                let run = out.clone();
                let run = run.unwrap_or_else(|| temporary.path().join("run"));
                let shown = demo::run(&search.plan(Duration::from_secs(120))?, &run, &interrupt)?;
                print(&if self.json {
                    shown.json().to_string()
                } else {
                    shown.text()
                })?;
                Ok(outcome(shown.report(), out.as_deref()))
            }
            Command::Space {
                preset,
                data,
                options,
                channels,
                dense,
            } => {
                let data = Dataset::read(&data, &options.into())?;
                let space = space::run(&preset, &data, channels, dense)?;
                print(&match self.json {
                    true => json!(space).to_string(),
                    false => space.to_toml()?,
                })
            }
            Command::Search { data, out, search } => {
                search.device.check()?;
                let plan = search.plan(Duration::from_secs(300))?;
                let (path, options) = data.split();
                let input = search::Input {
                    data: Dataset::read(&path, &options)?,
                    path: Some(path),
                    options,
                };
                let interrupt = interrupt()?;
                let report = search::run(&input, &plan, &out, &interrupt)?;
                searched(&report, &out, self.json)
            }
            Command::Resume { run, data } => {
                let interrupt = interrupt()?;
                let report = resume::run(&run, data, &interrupt)?;
                searched(&report, &run, self.json)
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
            Command::Freeze {
                run,
                out,
                target,
                section,
            } => {
                let frozen = freeze::run(&run, &out, section)?;
                let resources = target
                    .map(|processor| freeze::resources(&run, &out, processor))
                    .transpose()?;
                let mut figures = json!({
                    "crate": frozen.path,
                    "macs": frozen.macs,
                    "member_macs": frozen.member_macs,
                    "flash_bytes": frozen.flash_bytes,
                    "ram_bytes": frozen.ram_bytes,
                    "members": frozen.members,
                });
                if let Some(resources) = resources {
                    if !self.json {
                        report(&figures, false)?;
                        return print(&format!("\n{resources}"));
                    }
                    figures["resources"] = json!(resources);
                }
                report(&figures, self.json)
            }
            Command::Bench { run } => report(&bench::run(&run)?, self.json),
        }
    }
}

/// Returns the flag that Ctrl-C sets; a second Ctrl-C ends the program at once.
fn interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag))?;
        signal_hook::flag::register(signal, Arc::clone(&flag))?;
    }
    Ok(flag)
}

/// Reports a search that is in the folder `run`.
fn searched(found: &search::Report, run: &Path, json: bool) -> anyhow::Result<Outcome> {
    report(&json!(found), json)?;
    Ok(outcome(found, Some(run)))
}

/// Says how to continue a search that was interrupted, where its folder is kept.
fn outcome(found: &search::Report, run: Option<&Path>) -> Outcome {
    if !found.interrupted {
        return Outcome::Done;
    }
    eprint!("interrupted: the emulator can be used");
    match run {
        Some(run) => eprintln!(
            "; `dense-search resume {}` continues the search",
            run.display()
        ),
        None => eprintln!("; with --out it would be kept"),
    }
    Outcome::Interrupted
}

/// Prints an object's fields, one a line, or as JSON.
fn report(figures: &Value, json: bool) -> anyhow::Result<Outcome> {
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

fn print(text: &str) -> anyhow::Result<Outcome> {
    writeln!(io::stdout().lock(), "{}", text.trim_end())?;
    Ok(Outcome::Done)
}
