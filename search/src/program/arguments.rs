//! The command line as typed values.

use super::terminal::Verbosity;
use super::values::{HoldOut, Names, duration, hold_out, microseconds, names};
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use dense_codegen::c::Prefix;
use dense_codegen::resources::Processor;
use dense_codegen::rust::Runtime;
use dense_search::budget::Budget;
use dense_search::collect::command::InputForm;
use dense_search::collect::output::Decimal;
use dense_search::contenders::{RACE, SpaceArgument, preset_name};
use dense_search::cost_model::store;
use dense_search::data::{Layout, Part, Pooling, ReadOptions};
use dense_search::design::{self, Method};
use dense_search::device::DeviceName;
use dense_search::search::{
    ControlMode, Extent, RunDescription, SearchSettings, TeacherMode, TransformMode,
};
use std::path::PathBuf;
use std::time::Duration;

/// Deep emulator network search: from a simulator's runs to an emulator that answers in microseconds.
#[derive(Debug, Parser)]
#[command(
    name = "dense-search",
    version,
    after_help = "First steps:\n  dense-search demo\n  dense-search design parameters.toml -n 1024 -o design.csv\n  dense-search collect design.csv --command \"python {here}/sim.py {input} {output}\" -o runs.npz\n  dense-search search runs.npz --out run --time 5m\n  dense-search freeze run --out my-emulator\n\nExit codes: 0 done, 1 interrupted, 2 wrong arguments or input."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    /// Print one JSON object on the last line of standard output instead of text
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// Print neither notes nor progress: warnings and errors alone
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Print more: what is trained, and how long each training took
    #[arg(short, long, global = true)]
    verbose: bool,
}

impl Cli {
    /// How much is printed beside the result.
    pub(super) fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ => Verbosity::Usual,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Search, judge, freeze and time an emulator of the bundled Thomson scattering spectra
    #[command(after_help = "Example:\n  dense-search demo --time 30s --out run")]
    Demo {
        /// Folder for the run; a temporary one if left out
        #[arg(long)]
        out: Option<PathBuf>,
        #[command(flatten)]
        search: SearchArguments,
    },
    /// Print what a data file holds, how it will be read, and what is odd about it
    #[command(after_help = "Example:\n  dense-search inspect search/data/thomson.npz")]
    Inspect {
        #[command(flatten)]
        data: DataArguments,
        /// Measure whether more runs would help: the error of a quick model on growing parts of the rows
        #[arg(long)]
        learning_curve: bool,
    },
    /// Print the super-architecture of a preset for a data file, as TOML for --space FILE.toml
    #[command(
        after_help = "Example:\n  dense-search space paper --for runs.npz --channels 8 > mine.toml\n  dense-search search runs.npz --space mine.toml --out run"
    )]
    Space {
        /// The preset: race, gated or another kind of its networks (docs/training.md), micro, micro-decoder, paper, mlp-residual or mlp-basis
        #[arg(value_parser = preset_name)]
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
        after_help = "Example:\n  dense-search search search/data/thomson.npz --out run --time 2m"
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
    #[command(after_help = "Example:\n  dense-search resume run")]
    Resume {
        /// The run's folder
        run: PathBuf,
        /// Where the data are now, if not where they were
        #[arg(long)]
        data: Option<PathBuf>,
    },
    /// Judge a run's emulator on rows of a data file
    #[command(after_help = "Example:\n  dense-search evaluate run runs.npz")]
    Evaluate {
        /// The run's folder, or an emulator file
        run: PathBuf,
        #[command(flatten)]
        data: DataArguments,
        /// Rows to judge on: train, validation or test; of the run's own file as the run split it, of another as its array
        /// split says [default: test; all rows of another file without a split]
        #[arg(long)]
        split: Option<Part>,
    },
    /// Predict mean and standard deviation for a file of inputs of any size
    #[command(
        after_help = "Memory does not grow with the rows. A .npz gets the arrays mean, std and in_domain, a .csv the columns\nNAME_mean, NAME_std and in_domain.\n\nWith --teacher, std is not calibrated: it is the root mean square of the teacher's errors on rows that it had not seen, for each\noutput one number, times the slope of the transform where outputs are learnt by their logarithm or inverse hyperbolic sine.\n\nExamples:\n  dense-search predict run inputs.csv -o answers.csv\n  dense-search predict run inputs.npz -o answers.npz --threads 2\n  dense-search predict run inputs.npz -o answers.npz --teacher"
    )]
    Predict {
        /// The run's folder, or an emulator file
        run: PathBuf,
        /// A .npz with an array x, or a .csv with the inputs' columns
        inputs: PathBuf,
        /// The .npz or .csv to write
        #[arg(short, long)]
        output: PathBuf,
        /// Answer by the run's teacher, networks and Gaussian processes of a race: mostly more accurate, and slower
        #[arg(long)]
        teacher: bool,
        /// Threads [default: all cores]
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
        threads: Option<u16>,
    },
    /// Write a run's emulator as a crate with static weights, or as C
    #[command(
        after_help = "Examples:\n  dense-search freeze run --out my-emulator\n  dense-search freeze run --out my-emulator --c --prefix thomson\n  dense-search freeze run --out firmware/emulator --target cortex-m4 --section .qspi_weights\n  dense-search freeze run --out firmware/emulator --c --target cortex-m4 --section .qspi_weights --code-section .itcm_code\n\nThe folder's weights.bin (with --c: weights-fused.bin, weights-separate.bin) has the same numbers as an image: a frozen emulator of the\nsame structure takes it at run time, once its checksum is found right (docs/firmware.md, docs/c.md)."
    )]
    Freeze {
        /// The run's folder, or an emulator file
        run: PathBuf,
        /// A row of the run's Pareto table, instead of what ships
        #[arg(long)]
        row: Option<usize>,
        /// Folder of the crate, or of the C files
        #[arg(long)]
        out: PathBuf,
        /// Write one portable C99 file with its header, and the crate of a static library with the same header
        #[arg(long)]
        c: bool,
        /// What the names in C begin with [default: the folder's name]
        #[arg(long, requires = "c", value_parser = Prefix::new)]
        prefix: Option<Prefix>,
        /// Measure flash, RAM, stack and instructions on a microcontroller (in QEMU): cortex-m0, cortex-m3, cortex-m4,
        /// cortex-m7, or thumbv7em-none-eabihf and the like; with --c, the header states code and stack by arm-none-eabi-gcc
        #[arg(long)]
        target: Option<Processor>,
        /// Write a member of a Cargo workspace: no [workspace] and no profile in its manifest
        #[arg(long, conflicts_with = "c")]
        member: bool,
        /// Where the crate takes dense-runtime from: carried, in a folder of its own; registry; or path=FOLDER
        #[arg(
            long,
            value_name = "SOURCE",
            default_value = "carried",
            conflicts_with = "c"
        )]
        runtime: Runtime,
        /// The linker's section for weights and golden vectors, for example .qspi_weights
        #[arg(long)]
        section: Option<String>,
        /// The linker's section for the functions in C, for example .itcm_code
        #[arg(long, requires = "c")]
        code_section: Option<String>,
    },
    /// Write a run's emulator as an ONNX model, with mean, std and in_domain as its outputs
    #[command(
        after_help = "Example:\n  dense-search export run -o model.onnx\n  python -c 'import onnxruntime, numpy; print(onnxruntime.InferenceSession(\"model.onnx\").run(None, {\"x\": numpy.ones((1, 5), numpy.float32)}))'"
    )]
    Export {
        /// The run's folder, or an emulator file
        run: PathBuf,
        /// The .onnx to write
        #[arg(short, long)]
        output: PathBuf,
        /// The members' mean alone, without guard
        #[arg(long)]
        mean_only: bool,
        /// One member alone, by its number from 0, without guard
        #[arg(long, conflicts_with = "mean_only")]
        member: Option<usize>,
        /// One row a call, so that an engine knows all sizes; any number of rows if left out
        #[arg(long)]
        batch_one: bool,
    },
    /// Show a run as one page: how wrong, where, how sure, how fast, what was searched
    #[command(after_help = "Example:\n  dense-search report run -o report.html")]
    Report {
        /// The run's folder
        run: PathBuf,
        /// The .html to write
        #[arg(short, long)]
        output: PathBuf,
        /// Where the data are now, if not where they were
        #[arg(long)]
        data: Option<PathBuf>,
        /// Leave out the frozen code's latency, which cargo has to build
        #[arg(long)]
        no_latency: bool,
    },
    /// Print what operations take on this machine, as --costs reads it: measured when first needed, and kept
    #[command(after_help = "Example:\n  dense-search costs > costs.json")]
    Costs {
        /// Measure it now, whatever is kept
        #[arg(long)]
        again: bool,
    },
    /// Build a run's frozen code with cargo and time it
    #[command(after_help = "Example:\n  dense-search bench run")]
    Bench {
        /// The run's folder, or an emulator file
        run: PathBuf,
    },
    /// Choose where to run a simulator: points spread evenly over the box of its parameters
    #[command(after_help = DESIGN_HELP)]
    Design {
        /// The parameters as TOML: name, unit, low, high and scale of each
        parameters: PathBuf,
        /// Points
        #[arg(short = 'n', long = "points", value_parser = clap::value_parser!(u32).range(1..=i64::from(design::MAXIMUM_POINTS)))]
        points: u32,
        /// The .csv to write
        #[arg(short, long)]
        output: PathBuf,
        /// How points are spread
        #[arg(long, value_enum, default_value_t)]
        method: Method,
        /// The seed of every random draw
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
    /// Run your own simulator over a design, and store its outputs for a search
    #[command(after_help = COLLECT_HELP)]
    Collect {
        /// A .csv with a column for each parameter, as design writes it
        design: PathBuf,
        /// The simulator's command: a line for sh, in which {input}, {output}, {here}, {folder} and {NAME} are filled in
        #[arg(long)]
        command: String,
        /// The .npz to write
        #[arg(short, long)]
        output: PathBuf,
        /// The TOML that the design was made from: stores limits, units and logarithmic scales
        #[arg(long)]
        parameters: Option<PathBuf>,
        /// How the file {input} is written
        #[arg(long, value_enum, default_value_t)]
        input: InputForm,
        /// Runs at a time [default: all cores]
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
        jobs: Option<u16>,
        /// The longest that one run may take, for example 30s or 5m; it is killed with all that it started
        #[arg(long, value_parser = duration)]
        timeout: Option<Duration>,
        /// What outputs and axes that are text have before decimals, where 0,99 may be one number or two
        #[arg(long, value_enum)]
        decimal: Option<Decimal>,
        /// Run those again that failed
        #[arg(long)]
        retry_failed: bool,
        /// How the outputs of one run are arranged: scalars, curve, curves, image or images
        #[arg(long)]
        layout: Option<Layout>,
        /// A coordinate along the outputs, from a file like an output; may be repeated
        #[arg(long = "axis", value_name = "NAME=FILE")]
        axes: Vec<String>,
        /// The folder of the runs [default: OUTPUT.runs]
        #[arg(long)]
        runs: Option<PathBuf>,
    },
    /// Print the completions of a shell
    #[command(
        after_help = "Examples:\n  dense-search completions bash > ~/.local/share/bash-completion/completions/dense-search\n  dense-search completions zsh > ~/.zfunc/_dense-search\n  dense-search completions fish > ~/.config/fish/completions/dense-search.fish"
    )]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: Shell,
    },
    /// Print the manual page of the program or of a command, or write all
    #[command(
        after_help = "Examples:\n  dense-search man collect | man -l -\n  dense-search man --out ~/.local/share/man/man1"
    )]
    Man {
        /// The command
        #[arg(conflicts_with = "out")]
        command: Option<String>,
        /// Folder for all pages
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

const DESIGN_HELP: &str = r#"Parameters, one of these for each:
  [[parameter]]
  name = "T_e_eV"
  unit = "eV"       # may be left out
  low = 50
  high = 800
  scale = "log"     # or "integer" for whole numbers, or "linear", as if left out

A Sobol design with more points and the same seed begins with the same points, so that runs can be added later.

Example:
  dense-search design parameters.toml -n 1024 -o design.csv"#;

const COLLECT_HELP: &str = r#"In the command are filled in:
  {input}   path of a file with the parameters of the run; --input says how it is written
  {output}  path for its output, an ending may follow: {output}.npy; without it, what the command prints is its output
  {here}    the folder where you are: every run starts in an empty folder of its own, so that files that it needs are
            named as {here}/FILE
  {folder}  the run's own folder, in which it starts
  {NAME}    value of the parameter NAME, as it stands in the design

The output may be .npy, JSON (a list, lists of lists, or an object with a number or a list for each name) or numbers as
text; the bytes tell which. Every run has to give as many numbers. A run that fails (an exit code other than 0, the time
limit, an output that is not finite numbers or of another shape than most) costs its own row only: failed.csv in the
folder of the runs says why, and the log of each run is there too.

Ctrl-C waits for the runs that go on; a second one leaves at once. Start the same command again afterwards, or after a
kill: no run that ended is repeated and none is lost; those that go on without it are waited for. With a longer
design only the new rows are run. Once the .npz is written, the folder may be removed.

Examples:
  dense-search collect design.csv --command "python {here}/sim.py {input} {output}" --parameters parameters.toml -o runs.npz
  dense-search collect design.csv --command "{here}/sim --te {T_e_eV} --ne {n_e_cm3}" --timeout 30s -o runs.npz
  dense-search collect design.csv --command "cp {input} INPUT.DAT && {here}/sim && cp RESULT.DAT {output}" --input text -o runs.npz"#;

/// A file of simulator runs, and how to read it.
#[derive(Debug, Args)]
pub(crate) struct DataArguments {
    /// A .npz with arrays x and y, or a .csv with a header
    data: PathBuf,
    #[command(flatten)]
    options: LayoutArguments,
}

/// How to read a file of simulator runs.
#[derive(Debug, Args)]
pub(crate) struct LayoutArguments {
    /// How the outputs of one run are arranged: scalars, curve, curves, image or images
    #[arg(long)]
    layout: Option<Layout>,
    /// Names of the input columns, separated by commas; one with a comma in it as in a .csv: '"n, cm^-3",T_e_eV'
    #[arg(long, value_parser = names, value_name = "NAME,...")]
    inputs: Vec<Names>,
    /// Names of the output columns, likewise
    #[arg(long, value_parser = names, value_name = "NAME,...")]
    outputs: Vec<Names>,
}

impl From<LayoutArguments> for ReadOptions {
    fn from(arguments: LayoutArguments) -> Self {
        let LayoutArguments {
            layout,
            inputs,
            outputs,
        } = arguments;
        let all = |names: Vec<Names>| names.into_iter().flat_map(|Names(names)| names).collect();
        Self {
            layout,
            inputs: all(inputs),
            outputs: all(outputs),
        }
    }
}

impl DataArguments {
    /// Returns the file and the options to read it with.
    pub(super) fn split(self) -> (PathBuf, ReadOptions) {
        (self.data, self.options.into())
    }
}

/// How to search.
#[derive(Debug, Args)]
pub(crate) struct SearchArguments {
    /// What trains: race, in which kinds of networks and Gaussian processes race and every row trains; some such kinds
    /// (gated,gated-dense-decayed,fourier-residual: docs/training.md), or one alone; or the super-architecture to search: micro, micro-decoder, paper, or a file FILE.toml
    /// (see `dense-search space`); mlp, mlp-residual and mlp-basis train older fixed networks
    #[arg(long, default_value = RACE)]
    space: SpaceArgument,
    /// Members of the ensemble [default: 2 in a race, networks that share nothing; 4 where a space is searched]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=64))]
    members: Option<u16>,
    /// Wall time, for example 90s or 5m [default: 5m; demo: 2m]
    #[arg(long, value_parser = duration, conflicts_with = "steps")]
    time: Option<Duration>,
    /// Weight steps, instead of a time: the same bytes for the same seed
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    steps: Option<u32>,
    /// Repeat what the race of a run has carried out, instead of a time: the same bytes for the same settings. FILE is its
    /// run.json
    #[arg(long, value_name = "FILE", conflicts_with_all = ["steps", "time"])]
    plan: Option<PathBuf>,
    /// The share of the rows that a race holds out for a test where the data have no split: auto, none below 10,000 rows and
    /// a tenth from there on; or a number from 0 to 0.9
    #[arg(long, value_name = "auto|SHARE", default_value = "auto", value_parser = hold_out)]
    hold_out: HoldOut,
    /// Whether a race trains on validation rows that the data have (split value 1): yes; no, they measure and calibrate what
    /// ships; or auto, yes where they are fewer than 600, or fewer than 10,000 with the training rows [default: auto, with --plan as that run]
    #[arg(
        long,
        value_enum,
        value_name = "auto|yes|no",
        hide_possible_values = true
    )]
    pool_validation: Option<Pooling>,
    /// The seed of every random draw
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads [default: all cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// What trains: cpu, or cuda:0 where the program was built with CUDA
    #[arg(long, default_value_t)]
    pub(super) device: DeviceName,
    /// What networks may learn from beside the rows: auto, Gaussian processes and, in a race, networks of the folds, where
    /// they are expected to err less; always, in a race, whatever they err; or none
    #[arg(long, value_enum, default_value_t)]
    teacher: TeacherMode,
    /// What coordinate the outputs are learnt in: auto looks at data with peaks of many deviations
    #[arg(long, value_enum, default_value_t)]
    transform: TransformMode,
    /// Multiply-accumulates of the shipped call, all members together, at most
    #[arg(long, value_name = "N")]
    budget_macs: Option<u64>,
    /// Flash of the shipped call, all members together, at most: weights and constants, not code
    #[arg(long, value_name = "BYTES")]
    budget_flash: Option<u64>,
    /// Microseconds of the shipped call, at most, by the machine's cost model
    #[arg(long, value_name = "US", value_parser = microseconds)]
    budget_us: Option<u64>,
    /// The cost model of the machine that the emulator is for, as `dense-search costs` prints it there [default: this
    /// machine's]
    #[arg(long, value_name = "FILE")]
    costs: Option<PathBuf>,
    /// Whether a fixed network of the same budget trains beside a search, for the better to ship: auto where the search
    /// has a time and shares it
    #[arg(long, value_enum, default_value_t)]
    control: ControlMode,
    /// Train random search and the control beside the search, with the same budget and CPU time, and compare
    #[arg(long)]
    ablation: bool,
}

impl SearchArguments {
    pub(super) fn settings(self, default_time: Duration) -> anyhow::Result<SearchSettings> {
        let mut settings = SearchSettings::default();
        settings.extent = match (self.steps, &self.plan) {
            (Some(steps), _) => Extent::Steps(steps as usize),
            (None, Some(file)) => {
                let (plan, pooling) = RunDescription::carried_out(file)?;
                settings.pool_validation = pooling;
                Extent::Plan(plan)
            }
            (None, None) => Extent::Time(self.time.unwrap_or(default_time)),
        };
        settings.space = self.space.read()?;
        settings.hold_out = self.hold_out.0;
        if let Some(pooling) = self.pool_validation {
            settings.pool_validation = pooling;
        }
        settings.members = self.members.map(usize::from);
        settings.seed = self.seed;
        settings.threads = self.threads.map_or_else(all_cores, usize::from);
        settings.device = self.device;
        settings.teacher = self.teacher;
        settings.transform = self.transform;
        settings.budget = Budget {
            macs: self.budget_macs,
            flash_bytes: self.budget_flash,
            time_ns: self.budget_us,
        };
        settings.cost_model = self.costs.as_deref().map(store::read).transpose()?;
        settings.control = self.control;
        settings.ablation = self.ablation;
        Ok(settings)
    }
}

pub(super) fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
