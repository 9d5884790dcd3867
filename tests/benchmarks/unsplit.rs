//! Whether the evaluation of a file without a split is true for new rows: a table.
//!
//! `cargo run --release -p dense-tests --example unsplit -- --record FILE`: for each function and
//! seed, a file of random rows is searched, and `evaluate` judges the emulator twice: on that file,
//! of which the run held out rows by itself, and on 5,000 fresh rows. *ratio* is the first mean
//! squared error divided by the second, in the training deviations of the run. A geometric mean far
//! from one would show that the rows held out are not like new ones (below one: that they leaked
//! into the choices). Few rows are held out, so single ratios scatter.
//!
//! The seed draws the rows and is the search's. Each finished cell is appended to the record as a
//! line of JSON, with its commit, and cells in the record are not searched again.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use clap::Parser;
use dense_search::data::{Dataset, Layout, ReadOptions};
use dense_search::judge::judge;
use dense_search::search::{Extent, Input, Search, SearchSettings};
use dense_search::streams::{stream, uniform};
use dense_tests::record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Rows of the second file.
const FRESH: usize = 5000;
/// The target range of the mean ratio.
const BAR: [f64; 2] = [0.67, 1.5];

/// A simulator, and its number of runs.
struct Function {
    name: &'static str,
    inputs: usize,
    outputs: usize,
    rows: usize,
    of: fn(&[f64], usize) -> f64,
}

/// Waves that few rows do not resolve; a smooth function with few rows; a curve.
const FUNCTIONS: [Function; 3] = [
    Function {
        name: "waves",
        inputs: 4,
        outputs: 1,
        rows: 120,
        of: |x, _| (9.0 * x[0]).sin() * (7.0 * x[1]).cos() + x[2] * x[3],
    },
    Function {
        name: "smooth",
        inputs: 3,
        outputs: 1,
        rows: 60,
        of: |x, _| (-x[0]).exp() * (3.0 * x[1]).sin() + x[2] * x[2],
    },
    Function {
        name: "curve",
        inputs: 3,
        outputs: 20,
        rows: 200,
        of: |x, place| {
            let t = place as f64 / 19.0;
            (6.0 * (t + 0.5 * x[0])).sin() * (1.0 + x[1]) * (-2.0 * t * x[2]).exp()
        },
    },
];

#[derive(Parser)]
struct Arguments {
    /// Finished cells are appended here and read from here
    #[arg(long)]
    record: Option<PathBuf>,
    /// Seeds, from 0
    #[arg(long, default_value_t = 20)]
    seeds: u64,
    /// Weight steps of a search
    #[arg(long, default_value_t = 1000)]
    steps: usize,
    /// Training threads
    #[arg(long, default_value_t = 1)]
    threads: usize,
}

/// The two results of a search.
#[derive(Clone, Serialize, Deserialize)]
struct Cell {
    function: String,
    seed: u64,
    steps: usize,
    /// The state of the code.
    commit: String,
    /// `mse_z` on the rows that the run held out, and their number.
    apart: f64,
    rows_apart: usize,
    /// `mse_z` on fresh rows.
    fresh: f64,
    seconds: f64,
}

impl Cell {
    fn ratio(&self) -> f64 {
        self.apart / self.fresh
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let commit = record::commit(&[])?;
    let mut done: Vec<Cell> = record::read(arguments.record.as_deref())?;
    for function in &FUNCTIONS {
        for seed in 0..arguments.seeds {
            let is_it = |cell: &Cell| {
                (cell.function.as_str(), cell.seed, cell.steps)
                    == (function.name, seed, arguments.steps)
            };
            if !done.iter().any(is_it) {
                done.push(arguments.searched(function, seed, &commit)?);
            }
        }
    }
    done.retain(|cell| cell.steps == arguments.steps && cell.seed < arguments.seeds);
    let commits: BTreeSet<&str> = done.iter().map(|cell| cell.commit.as_str()).collect();
    println!(
        "{} steps, seeds 0 to {}, commit {}\n",
        arguments.steps,
        arguments.seeds.saturating_sub(1),
        commits.into_iter().collect::<Vec<_>>().join(", ")
    );
    println!(
        "| function | cells | rows | kept apart | ratio, geometric mean | least | most | mse_z on fresh rows, geometric mean |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for function in &FUNCTIONS {
        let cells = done.iter().filter(|cell| cell.function == function.name);
        println!("{}", line(function.name, &function.rows.to_string(), cells));
    }
    println!("{}", line("all", "", done.iter()));
    let mean = geometric_mean(done.iter().map(Cell::ratio));
    let is_met = (BAR[0]..=BAR[1]).contains(&mean);
    let [low, high] = BAR;
    println!(
        "\n{mean:.3}: {} ({low} to {high} is aimed at)",
        if is_met { "met" } else { "missed" }
    );
    Ok(())
}

/// A line of the table.
fn line<'a>(name: &str, rows: &str, cells: impl Iterator<Item = &'a Cell> + Clone) -> String {
    let ratios = || cells.clone().map(Cell::ratio);
    let apart: BTreeSet<usize> = cells.clone().map(|cell| cell.rows_apart).collect();
    let apart: Vec<String> = apart.iter().map(ToString::to_string).collect();
    format!(
        "| {name} | {} | {rows} | {} | {:.3} | {:.2} | {:.2} | {:.2e} |",
        ratios().count(),
        apart.join(", "),
        geometric_mean(ratios()),
        ratios().fold(f64::INFINITY, f64::min),
        ratios().fold(f64::NEG_INFINITY, f64::max),
        geometric_mean(cells.clone().map(|cell| cell.fresh)),
    )
}

fn geometric_mean(values: impl Iterator<Item = f64>) -> f64 {
    let logarithms: Vec<f64> = values.map(f64::ln).collect();
    (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp()
}

impl Arguments {
    /// Searches on rows of a function, judges the result, and appends the cell to the record.
    fn searched(&self, function: &Function, seed: u64, commit: &str) -> anyhow::Result<Cell> {
        let began = Instant::now();
        let folder = tempfile::tempdir()?;
        let (own, fresh) = (
            folder.path().join("own.csv"),
            folder.path().join("fresh.csv"),
        );
        let options = function.write(&own, function.rows, seed)?;
        function.write(&fresh, FRESH, seed)?;
        let input = Input {
            data: Dataset::read(&own, &options)?,
            path: Some(own.clone()),
            options: options.clone(),
        };
        let mut settings = SearchSettings::default();
        settings.extent = Extent::Steps(self.steps);
        settings.seed = seed;
        settings.threads = self.threads;
        let run = folder.path().join("run");
        Search::new(settings).run(&input, &run, &|_| {})?;
        let judged = |file: &Path| judge(&run, file, options.clone(), None, self.threads, &|_| {});
        let (apart, fresh) = (judged(&own)?.metrics, judged(&fresh)?.metrics);
        let cell = Cell {
            function: function.name.to_owned(),
            seed,
            steps: self.steps,
            commit: commit.to_owned(),
            apart: apart.mse_z,
            rows_apart: apart.samples,
            fresh: fresh.mse_z,
            seconds: began.elapsed().as_secs_f64(),
        };
        record::append(self.record.as_deref(), &cell)?;
        Ok(cell)
    }
}

impl Function {
    /// Writes this many rows, inputs uniform in the unit box, and returns the options to read them.
    fn write(&self, path: &Path, rows: usize, seed: u64) -> anyhow::Result<ReadOptions> {
        let named = |letter: &str, count: usize| -> Vec<String> {
            (0..count).map(|k| format!("{letter}{k}")).collect()
        };
        let (inputs, outputs) = (named("x", self.inputs), named("y", self.outputs));
        let mut random = stream(seed, &format!("{} rows of {}", rows, self.name));
        let mut text = [&inputs[..], &outputs].concat().join(",") + "\n";
        for _ in 0..rows {
            let x: Vec<f64> = (0..self.inputs).map(|_| uniform(&mut random)).collect();
            let y = (0..self.outputs).map(|place| (self.of)(&x, place));
            let cells: Vec<String> = x.iter().copied().chain(y).map(|v| v.to_string()).collect();
            text += &(cells.join(",") + "\n");
        }
        fs::write(path, text)?;
        Ok(ReadOptions {
            inputs,
            outputs,
            layout: (self.outputs > 1).then_some(Layout::Curve),
        })
    }
}
