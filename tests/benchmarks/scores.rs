//! The product's emulator for each data set, compared with the best classical regressor and the
//! better fixed network: a table.
//!
//! `cargo run --release -p dense-tests --example scores -- FOLDER --seeds 3`: a seeded fifth of
//! each set's rows is held out and scored once; the rest keeps its split. Each row is one search
//! with the program's defaults, plus `--time` and `--budget-macs`: the control trains beside the
//! search, and the better on validation rows ships. Test rows choose nothing.
//!
//! With `--record FILE`, each finished row is appended to the file as a line of JSON, and rows in
//! the file are not searched again: the table can be made in parts.
//!
//! The reference scores are for other rows, and their regressors were trained on more rows. With
//! `--process` a second table compares each row of small sets with a Gaussian process, fitted to
//! all rows that are not held out and judged on the same test rows.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use anyhow::Context;
use clap::Parser;
use dense_search::assemble::output_deviation;
use dense_search::budget::Budget;
use dense_search::contenders::Role;
use dense_search::data::{Dataset, Layout, Normalisation, Part, ReadOptions, Split};
use dense_search::gaussian_process::{Effort, GaussianProcess};
use dense_search::metrics::{Metrics, evaluate};
use dense_search::run_folder::RunFolder;
use dense_search::search::{Extent, Input, Search, SearchSettings, emulator_file};
use dense_search::teacher::mean_square;
use dense_tests::record;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

mod held_out;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The sets, the test error of the best classical regressor, and that of the better fixed network
/// after one CPU minute in PyTorch; `None` where standardised errors mean nothing.
const SETS: [(&str, Option<(f64, f64)>); 8] = [
    ("ots_epw", Some((4.0e-3, 5.6e-4))),
    ("seis_dispersion", Some((7.1e-4, 4.8e-5))),
    ("xray_reflectivity", Some((1.5e-1, 9.9e-2))),
    ("ignition_scalars", Some((9.8e-6, 5.6e-6))),
    ("bench_borehole", Some((1.1e-6, 1.0e-6))),
    ("halo_power", Some((1.5e-4, 2.1e-5))),
    ("freegs_psi", Some((1.6e-3, 8.6e-4))),
    ("ots_iaw", None),
];

#[derive(Parser)]
struct Arguments {
    /// The folder with the sets, NAME.npz
    folder: PathBuf,
    /// Sets to train on; all if left out
    #[arg(long, value_delimiter = ',')]
    sets: Vec<String>,
    /// Seeds of training and hold-out, from 0, each a row of the table
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Wall seconds of a search, its control included
    #[arg(long, default_value_t = 300.0)]
    time: f64,
    /// The largest number of multiply-accumulates that ships [default: 2000000 for images, else
    /// 100000]
    #[arg(long)]
    budget_macs: Option<u64>,
    /// Threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// A file of finished rows, to which each is appended
    #[arg(long)]
    record: Option<PathBuf>,
    /// Also fit a Gaussian process to the rows of each small set that are not held out
    #[arg(long)]
    process: bool,
}

/// With more rows, the process would use only a part of them.
const PROCESS_ROWS: usize = 1500;

/// The quantities averaged over sets.
const RATIOS: [&str; 3] = ["over classical", "over fixed", "search over control"];

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    println!(
        "{} s a search, {} threads, {} seeds\n",
        arguments.time, arguments.threads, arguments.seeds
    );
    println!(
        "| set | seed | ships | budget | MAC | test mse_z | over classical | over fixed | search | control | ratio | search's MAC | control's | rel. L2 | coverage 50/90/99 | 90 % allowed | Spearman | seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    let done: Vec<Row> = record::read(arguments.record.as_deref())?;
    // The logarithm of each ratio: [seed][ratio], a sum over sets and their number.
    let mut sums = vec![[(0.0, 0usize); RATIOS.len()]; arguments.seeds as usize];
    let (mut by_set, mut beside_process) = (Vec::new(), Vec::new());
    for (name, others) in SETS {
        if !arguments.sets.is_empty() && !arguments.sets.iter().any(|set| set == name) {
            continue;
        }
        let mut of_set = vec![Vec::new(); RATIOS.len()];
        for (seed, sums) in (0..).zip(&mut sums) {
            let row = match done.iter().find(|row| row.is(name, seed, &arguments)) {
                Some(row) => row.clone(),
                None => arguments.searched(name, seed)?,
            };
            println!("{}", row.line(others));
            if arguments.process
                && let Some(process) = arguments.process_error(name, seed)?
            {
                beside_process.push(format!(
                    "| {name} | {seed} | {:.2e} | {process:.2e} | {:.2} |",
                    row.mse_z,
                    row.mse_z / process
                ));
            }
            if let Some((classical, fixed)) = others {
                let ratios = [row.mse_z / classical, row.mse_z / fixed, row.ratio()];
                for ((sum, of_set), ratio) in sums.iter_mut().zip(&mut of_set).zip(ratios) {
                    *sum = (sum.0 + ratio.ln(), sum.1 + 1);
                    of_set.push(ratio.ln());
                }
            }
        }
        if arguments.seeds > 1 && others.is_some() {
            let cells: Vec<_> = of_set.iter().map(|all| mean_and_spread(all)).collect();
            by_set.push(format!("| {name} | {} |", cells.join(" | ")));
        }
    }
    if !by_set.is_empty() {
        println!(
            "\n| set, geometric mean over seeds (least to most) | {} |",
            RATIOS.join(" | ")
        );
        println!("|---|---|---|---|\n{}", by_set.join("\n"));
    }
    if !beside_process.is_empty() {
        println!("\n| set | seed | ships | Gaussian process, same rows | ratio |");
        println!("|---|---|---|---|---|\n{}", beside_process.join("\n"));
    }
    println!("\n| geometric mean over sets | of all seeds | least | most |");
    println!("|---|---|---|---|");
    for (k, name) in RATIOS.iter().enumerate() {
        let of_seeds = sums
            .iter()
            .map(|sum| sum[k])
            .filter(|(_, count)| *count > 0);
        let means: Vec<f64> = of_seeds.map(|(sum, count)| sum / count as f64).collect();
        let mean = means.iter().sum::<f64>() / means.len().max(1) as f64;
        let least = means.iter().copied().fold(f64::INFINITY, f64::min);
        let most = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let [mean, least, most] = [mean, least, most].map(f64::exp);
        println!("| {name} | {mean:.3} | {least:.3} | {most:.3} |");
    }
    Ok(())
}

impl Arguments {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.npz"))
    }

    /// The set's rows, a fifth of them held out.
    fn data(&self, name: &str, seed: u64) -> anyhow::Result<Dataset> {
        let data = Dataset::read(&self.path(name), &ReadOptions::default())?;
        Ok(held_out::held_out(data, seed))
    }

    /// The test error, in squared training deviations, of a process fitted to all other rows;
    /// `None` for large sets.
    fn process_error(&self, name: &str, seed: u64) -> anyhow::Result<Option<f64>> {
        let data = self.data(name, seed)?;
        let split = Split::resolve(&data, seed)?;
        let rows = [split.train.as_slice(), &split.validation].concat();
        if rows.len() > PROCESS_ROWS {
            return Ok(None);
        }
        let normalisation = Normalisation::fit(&data, &split.train);
        let x = |rows: &[usize]| normalisation.encode_x(&data, rows);
        let y = |rows: &[usize]| normalisation.encode_y(&data, rows);
        let (inputs, outputs) = (data.input_count(), data.output_count());
        let process = GaussianProcess::fit(&x(&rows), inputs, &y(&rows), outputs, Effort::Whole);
        Ok(process.map(|process| mean_square(&process.predict(&x(&split.test)), &y(&split.test))))
    }

    /// Searches a set, judges the result, and appends the row to the record.
    fn searched(&self, name: &str, seed: u64) -> anyhow::Result<Row> {
        let input = Input {
            data: self.data(name, seed)?,
            path: Some(self.path(name)),
            options: ReadOptions::default(),
        };
        let row = Row::of(name, &input, self, seed)?;
        record::append(self.record.as_deref(), &row)?;
        Ok(row)
    }
}

/// The geometric mean, the smallest and the largest.
fn mean_and_spread(logarithms: &[f64]) -> String {
    let mean = logarithms.iter().sum::<f64>() / logarithms.len() as f64;
    let least = logarithms.iter().copied().fold(f64::INFINITY, f64::min);
    let most = logarithms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!(
        "{:.3} ({:.3} to {:.3})",
        mean.exp(),
        least.exp(),
        most.exp()
    )
}

/// A search, judged on the held-out rows: the emulator that ships, and the best of the search and
/// of its control on validation rows.
#[derive(Clone, Serialize, Deserialize)]
struct Row {
    set: String,
    seed: u64,
    /// The settings.
    time: f64,
    threads: usize,
    budget_macs: Option<u64>,
    /// The budget.
    budget: u64,
    ships: String,
    macs: u64,
    mse_z: f64,
    search: (f64, u64),
    control: Option<(f64, u64)>,
    median_relative_l2: f64,
    /// The coverage of the bands of 50, 90 and 99 %.
    coverage: [f64; 3],
    /// The allowed deviation of the second from 0.90.
    coverage_tolerance: f64,
    error_rank_correlation: Option<f64>,
    seconds: f64,
}

impl Row {
    /// Searches with the program's defaults.
    fn of(name: &str, input: &Input, arguments: &Arguments, seed: u64) -> anyhow::Result<Self> {
        let budget = arguments.budget_macs.unwrap_or(match input.data.layout() {
            Layout::Image | Layout::Images => 2_000_000,
            _ => 100_000,
        });
        let mut settings = SearchSettings::default();
        settings.extent = Extent::Time(Duration::from_secs_f64(arguments.time));
        settings.seed = seed;
        settings.threads = arguments.threads;
        settings.budget = Budget {
            macs: Some(budget),
            ..Budget::default()
        };
        let folder = tempfile::tempdir()?;
        let began = Instant::now();
        let report = Search::new(settings).run(input, folder.path(), &|_| {})?;
        let seconds = began.elapsed().as_secs_f64();
        let judge = |file: &Path| judged(file, &input.data, arguments.threads);
        let best_of = |role: Role| -> anyhow::Result<Option<(f64, u64)>> {
            let all = report.contenders.iter().filter(|one| one.role == role);
            let best = all.min_by(|a, b| a.order(b));
            let judged = best.map(|best| {
                let file = RunFolder::at(folder.path()).contender(&best.name);
                Ok((judge(&file)?.mse_z, best.macs))
            });
            judged.transpose()
        };
        let shipped = judge(&emulator_file(folder.path()))?;
        Ok(Self {
            set: name.to_owned(),
            seed,
            time: arguments.time,
            threads: arguments.threads,
            budget_macs: arguments.budget_macs,
            budget,
            macs: report.macs,
            mse_z: shipped.mse_z,
            search: best_of(Role::Search)?.context("a run has a search")?,
            control: best_of(Role::Control)?,
            median_relative_l2: shipped.median_relative_l2,
            coverage: [
                shipped.coverage_50,
                shipped.coverage_90,
                shipped.coverage_99,
            ],
            coverage_tolerance: tolerance(&input.data, seed)?,
            error_rank_correlation: shipped.error_rank_correlation,
            ships: report.space,
            seconds,
        })
    }

    /// Whether this is the row of the set and the seed, with the requested settings.
    fn is(&self, set: &str, seed: u64, arguments: &Arguments) -> bool {
        (self.set.as_str(), self.seed) == (set, seed)
            && (self.time, self.threads, self.budget_macs)
                == (arguments.time, arguments.threads, arguments.budget_macs)
    }

    /// The test error of the search divided by that of the control.
    fn ratio(&self) -> f64 {
        self.control
            .map_or(f64::NAN, |(control, _)| self.search.0 / control)
    }

    /// The table's row.
    fn line(&self, others: Option<(f64, f64)>) -> String {
        let over = |other: Option<f64>| {
            other.map_or("-".to_owned(), |other| format!("{:.2}", self.mse_z / other))
        };
        let (control, control_macs) = self.control.unwrap_or((f64::NAN, 0));
        let [half, most, nearly_all] = self.coverage;
        format!(
            "| {} | {} | {} | {} | {} | {:.2e} | {} | {} | {:.2e} | {control:.2e} | {:.2} | {} | {control_macs} | {:.2e} | {half:.2}/{most:.2}/{nearly_all:.2} | {:.2} | {} | {:.0} |",
            self.set,
            self.seed,
            self.ships,
            self.budget,
            self.macs,
            self.mse_z,
            over(others.map(|(classical, _)| classical)),
            over(others.map(|(_, fixed)| fixed)),
            self.search.0,
            self.ratio(),
            self.search.1,
            self.median_relative_l2,
            self.coverage_tolerance,
            self.error_rank_correlation
                .map_or("-".to_owned(), |rank| format!("{rank:.2}")),
            self.seconds,
        )
    }
}

fn judged(file: &Path, data: &Dataset, threads: usize) -> anyhow::Result<Metrics> {
    let emulator = dense_codegen::file::load(file)?;
    let test = data.part_rows(Part::Test)?;
    let deviation = output_deviation(&emulator);
    Ok(evaluate(&emulator, data, &test, &deviation, threads))
}

/// The allowed deviation of the 90 % band's coverage from 0.90.
fn tolerance(data: &Dataset, seed: u64) -> anyhow::Result<f64> {
    let split = Split::resolve(data, seed)?;
    let over = |rows: usize| 1.0 / rows as f64;
    let spread = 0.09 * (over(split.test.len()) + over(split.calibration.len()));
    let independent: f64 = if data.layout() == Layout::Scalars {
        1.0
    } else {
        2.0
    };
    Ok((2.5 * spread.sqrt() / independent.sqrt()).max(0.03))
}
