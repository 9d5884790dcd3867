//! The coverage of the 90 % band for outputs over decades: a table by fifths of the predicted size.
//!
//! `cargo run --release -p dense-tests --example band -- [DATA.npz ...] --seeds 3` searches on
//! functions of known formula, judged on 5,000 fresh rows, and on the given files, judged on a
//! seeded fifth of their rows, which is held out. The search is the program's own with `--steps`.
//! The bar: each fifth holds 0.90 +- 0.08.
//!
//! With `--record FILE`, each finished search is appended to the file as a line of JSON, with the
//! commit of the sources; searches of the same commit and settings in the file are not repeated.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use anyhow::Context;
use clap::Parser;
use dense_search::assemble::output_deviation;
use dense_search::data::{Dataset, Part, ReadOptions, Transform};
use dense_search::metrics::{Metrics, evaluate};
use dense_search::search::{Extent, Input, Search, SearchSettings, TransformMode, emulator_file};
use dense_search::streams::{stream, uniform};
use dense_tests::record;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Instant;

mod held_out;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The largest deviation of a fifth's coverage from 0.90.
const BAR: f64 = 0.08;
/// Rows for training and calibration, and rows for judging.
const ROWS: usize = 1500;
const FRESH: usize = 5000;
/// Points of the curve.
const POINTS: usize = 40;

/// Outputs over decades, as functions of inputs between 0 and 1.
struct Formula {
    name: &'static str,
    inputs: usize,
    outputs: fn(&[f64]) -> Vec<f64>,
    transform: TransformMode,
}

const FORMULAS: [Formula; 4] = [
    Formula {
        name: "decades",
        inputs: 2,
        outputs: |x| vec![10f64.powf(12.0 * x[0] * x[1] - 6.0 + (6.0 * x[1]).sin())],
        transform: TransformMode::Auto,
    },
    Formula {
        name: "exponential of four",
        inputs: 4,
        outputs: |x| vec![(9.0 * x[0] * (1.0 + x[1]) + 3.0 * (5.0 * x[2]).sin() * x[3]).exp()],
        transform: TransformMode::Auto,
    },
    Formula {
        name: "signed",
        inputs: 2,
        outputs: |x| vec![(25.0 * (x[0] - 0.5) * x[1] + 3.0 * (4.0 * x[1]).sin()).sinh()],
        // A fast process alone does not show the gain.
        transform: TransformMode::Asinh,
    },
    Formula {
        name: "peak on a curve",
        inputs: 3,
        outputs: |x| {
            let at = |k: usize| {
                let distance = (k as f64 / POINTS as f64 - x[0]) / (0.08 + 0.1 * x[1]);
                (12.0 * x[2] * x[1]).exp() / (1.0 + distance * distance) + 1e-3
            };
            (0..POINTS).map(at).collect()
        },
        transform: TransformMode::Auto,
    },
];

#[derive(Parser)]
struct Arguments {
    /// Files of simulator runs, in addition to the formulas
    data: Vec<PathBuf>,
    /// Sets whose name contains this; all if left out
    #[arg(long, default_value = "")]
    sets: String,
    /// Seeds of rows and search, from 0, each a row of the table
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Weight steps
    #[arg(long, default_value_t = 15_000)]
    steps: usize,
    /// Threads
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// A file of finished searches, to which each is appended
    #[arg(long)]
    record: Option<PathBuf>,
    /// A folder in which each search's run is kept
    #[arg(long)]
    runs: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    println!("{} steps, {} threads\n", arguments.steps, arguments.threads);
    println!(
        "| set | seed | learnt as | members | rows judged | rel. L2 | 50/90/99 % | 90 %, fifths by size | least | seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let commit = record::commit(&[])?;
    let done: Vec<Row> = record::read(arguments.record.as_deref())?;
    let files = arguments.data.iter().map(|path| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        name.into_owned()
    });
    let formulas = FORMULAS.iter().map(|formula| formula.name.to_owned());
    let names: Vec<String> = formulas.chain(files).collect();
    let mut missed = 0;
    for (place, name) in names.iter().enumerate() {
        if !name.contains(&arguments.sets) {
            continue;
        }
        for seed in 0..arguments.seeds {
            let cell = Cell {
                set: name.clone(),
                seed,
                steps: arguments.steps,
                threads: arguments.threads,
                commit: commit.clone(),
            };
            let row = match done.iter().find(|row| row.cell == cell) {
                Some(row) => row.clone(),
                None => arguments.searched(cell, place)?,
            };
            missed += usize::from(!row.is_within());
            println!("{}", row.line());
        }
    }
    println!("\n{missed} rows with a fifth outside 0.90 +- {BAR}");
    Ok(())
}

/// Rows of a formula; the same seed and `part` give the same rows.
fn rows_of(formula: &Formula, rows: usize, seed: u64, part: &str) -> anyhow::Result<Dataset> {
    let mut random = stream(seed, &format!("band benchmark, {}, {part}", formula.name));
    let names = |letter: &str, count: usize| -> Vec<String> {
        (0..count).map(|k| format!("{letter}{k}")).collect()
    };
    let count = (formula.outputs)(&vec![0.5; formula.inputs]).len();
    let (inputs, outputs) = (names("x", formula.inputs), names("y", count));
    let mut text = [&inputs[..], &outputs].concat().join(",") + "\n";
    for _ in 0..rows {
        let x: Vec<f64> = (0..formula.inputs).map(|_| uniform(&mut random)).collect();
        let y = (formula.outputs)(&x);
        let numbers: Vec<String> = x.iter().chain(&y).map(f64::to_string).collect();
        let _ = writeln!(text, "{}", numbers.join(","));
    }
    let layout = (count > 1).then_some(dense_search::data::Layout::Curve);
    let options = ReadOptions {
        layout,
        inputs,
        outputs,
    };
    Ok(Dataset::from_csv_bytes(
        text.as_bytes(),
        formula.name,
        &options,
    )?)
}

impl Arguments {
    /// The data of a search and, for a formula, fresh rows of it.
    fn set(&self, place: usize, seed: u64) -> anyhow::Result<(Input, Option<Dataset>)> {
        let (data, path, fresh) = match FORMULAS.get(place) {
            Some(formula) => {
                let fresh = rows_of(formula, FRESH, seed, "fresh")?;
                (rows_of(formula, ROWS, seed, "search")?, None, Some(fresh))
            }
            None => {
                let path = &self.data[place - FORMULAS.len()];
                let data = Dataset::read(path, &ReadOptions::default())?;
                (held_out::held_out(data, seed), Some(path.clone()), None)
            }
        };
        let options = ReadOptions::default();
        Ok((
            Input {
                data,
                path,
                options,
            },
            fresh,
        ))
    }

    /// Searches a set, judges the result, and appends the row to the record.
    fn searched(&self, cell: Cell, place: usize) -> anyhow::Result<Row> {
        let (input, fresh) = self.set(place, cell.seed)?;
        let mut settings = SearchSettings::default();
        settings.extent = Extent::Steps(self.steps);
        settings.seed = cell.seed;
        settings.threads = self.threads;
        settings.transform = FORMULAS
            .get(place)
            .map_or(TransformMode::Auto, |formula| formula.transform);
        let aside = tempfile::tempdir()?;
        let folder = match &self.runs {
            Some(folder) => folder.join(format!("{}-{}", cell.set.replace(' ', "-"), cell.seed)),
            None => aside.path().join("run"),
        };
        let began = Instant::now();
        let report = Search::new(settings)
            .run(&input, &folder, &|_| {})
            .with_context(|| cell.set.clone())?;
        let seconds = began.elapsed().as_secs_f64();
        let emulator = dense_codegen::file::load(&emulator_file(&folder))?;
        let (data, rows) = match &fresh {
            Some(fresh) => (fresh, (0..fresh.rows()).collect()),
            None => (&input.data, input.data.part_rows(Part::Test)?),
        };
        let deviation = output_deviation(&emulator);
        let judged = evaluate(&emulator, data, &rows, &deviation, self.threads);
        let row = Row::of(cell, &judged, report.transform, report.members, seconds)?;
        record::append(self.record.as_deref(), &row)?;
        Ok(row)
    }
}

/// The data and settings of a search.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
struct Cell {
    set: String,
    seed: u64,
    steps: usize,
    threads: usize,
    commit: String,
}

/// The results of a search.
#[derive(Clone, Serialize, Deserialize)]
struct Row {
    #[serde(flatten)]
    cell: Cell,
    learnt: Transform,
    members: usize,
    rows: usize,
    median_relative_l2: f64,
    /// The coverage of the bands of 50, 90 and 99 %.
    coverage: [f64; 3],
    by_size: [f64; 5],
    /// The part of the outputs with the smallest coverage, and this coverage.
    least: Option<(String, f64)>,
    seconds: f64,
}

impl Row {
    fn of(
        cell: Cell,
        judged: &Metrics,
        learnt: Transform,
        members: usize,
        seconds: f64,
    ) -> anyhow::Result<Self> {
        let least = judged.coverage_90_least.as_ref();
        Ok(Self {
            cell,
            learnt,
            members,
            rows: judged.samples,
            median_relative_l2: judged.median_relative_l2,
            coverage: [judged.coverage_50, judged.coverage_90, judged.coverage_99],
            by_size: judged
                .coverage_90_by_size
                .context("fewer than five rows to judge by")?,
            least: least.map(|part| (part.name.clone(), part.coverage_90)),
            seconds,
        })
    }

    /// Whether every fifth meets the bar.
    fn is_within(&self) -> bool {
        self.by_size.iter().all(|share| (share - 0.9).abs() <= BAR)
    }

    /// The table's row.
    fn line(&self) -> String {
        let [half, most, nearly_all] = self.coverage;
        let fifths = self.by_size.map(|share| format!("{share:.2}")).join(" ");
        let missed = if self.is_within() { "" } else { " missed" };
        let least = self.least.as_ref().map_or("-".to_owned(), |(name, share)| {
            format!("{share:.2} of {name}")
        });
        let Cell { set, seed, .. } = &self.cell;
        format!(
            "| {set} | {seed} | {} | {} | {} | {:.1e} | {half:.2}/{most:.2}/{nearly_all:.2} | {fifths}{missed} | {least} | {:.0} |",
            self.learnt.name(),
            self.members,
            self.rows,
            self.median_relative_l2,
            self.seconds
        )
    }
}
