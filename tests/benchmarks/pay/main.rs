//! Whether the search pays: what ships beside a fixed network in JAX and classical regressors, on
//! the same rows.
//!
//! `cargo run --release -p dense-tests --example pay -- TABLE FOLDER --record FILE.jsonl --peers
//! PEERS --python PYTHON` measures the cells of a table that the record lacks, one after the
//! other, and prints the table; `--print` prints it alone. FOLDER has the sets (NAME.npz). PEERS
//! has `gated_jax.py` and `classical.py`, which `PYTHON` runs with one thread on one core
//! (`--core`); without them, their cells stay missing. For each set and draw one file is written,
//! with part 0 for all rows that are not held out and part 2 for those that are, and every
//! contestant reads it. Searches run by the program's defaults, on `--threads` threads, with the
//! budget of the set, in two forms: as they are, and with one member.
//!
//! Errors are mean squares over the rows held out, in deviations of all other rows. A ratio is a
//! mean over draws divided by another mean over draws; what is said of several sets is the
//! geometric mean of their ratios, and the largest.
//!
//! A cell counts while the code that it measures is the same: `search`, `codegen`, `runtime` and
//! `Cargo.lock` for searches, by git; the file itself for rivals and for the program of
//! `--before`, by SHA-256; and the rows themselves. Tables that share a cell share its line.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use crate::board::Board;
use crate::cell::{Cell, Key, Outcome, Who};
use crate::contest::{Contest, digest};
use crate::plan::{Plan, Table, Wishes};
use crate::rivals::Rivals;
use anyhow::Context;
use clap::{Parser, ValueEnum};
use dense_tests::record;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Instant;

mod bars;
mod board;
mod cell;
mod contest;
mod formula;
mod npz;
mod ours;
mod plan;
mod rivals;
mod tables;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a search is made of.
const CODE: [&str; 4] = ["search", "codegen", "runtime", "Cargo.lock"];
/// Seconds that a table may take.
const LONGEST: f64 = 3.0 * 3600.0;

/// Which tables.
#[derive(Debug, Clone, Copy)]
enum Choice {
    One(Table),
    All,
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            _ => Table::from_str(text, false).map(Self::One),
        }
    }
}

#[derive(Parser)]
struct Arguments {
    /// seven, formula, few, longer, budget or fixed; all: one after the other
    table: Choice,
    /// The folder with the sets, NAME.npz
    #[arg(required_unless_present = "print")]
    folder: Option<PathBuf>,
    /// A file of finished cells, to which each is appended
    #[arg(long)]
    record: PathBuf,
    /// The folder with gated_jax.py and classical.py
    #[arg(long, requires = "python")]
    peers: Option<PathBuf>,
    /// The Python that runs them
    #[arg(long)]
    python: Option<PathBuf>,
    /// The core that they run on
    #[arg(long, default_value_t = 0)]
    core: usize,
    /// An earlier build of dense-search, for the formulas
    #[arg(long)]
    before: Option<PathBuf>,
    /// Spaces of fixed networks that train alone, for the table `fixed`
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "gated,gated-dense,gated-decayed,residual,residual-decayed,fourier-gated-decayed"
    )]
    spaces: Vec<String>,
    /// Sets and formulas; all of the table if left out
    #[arg(long, value_delimiter = ',')]
    sets: Vec<String>,
    /// Wall seconds of searches and of gated_jax.py, instead of the table's
    #[arg(long, value_delimiter = ',')]
    seconds: Vec<f64>,
    /// Draws of rows, from 0, instead of the table's
    #[arg(long)]
    seeds: Option<u64>,
    /// Threads of a search
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Measure code that differs from its commit: for trials, since such cells count only here
    #[arg(long)]
    uncommitted: bool,
    /// Print what the record has, and measure nothing
    #[arg(long)]
    print: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let wishes = Wishes {
        sets: arguments.sets.clone(),
        seconds: arguments.seconds.clone(),
        draws: arguments.seeds,
    };
    let (threads, spaces) = (arguments.threads, arguments.spaces.clone());
    let plans: Vec<Plan> = match arguments.table {
        Choice::One(table) => vec![Plan::new(table, &wishes, threads, &spaces)],
        Choice::All => Plan::all(&wishes, threads, &spaces),
    };
    let mut bench = Bench::new(arguments)?;
    let mut failed = 0;
    for plan in &plans {
        if let (Some(folder), false) = (bench.arguments.folder.clone(), bench.arguments.print) {
            failed += bench.measure(plan, &folder)?;
        }
        let board = Board::of(bench.counting()?);
        println!("{}", tables::text(plan, &board));
    }
    if plans.len() > 1 {
        let board = Board::of(bench.counting()?);
        println!("{}", tables::regret_of_all(&plans, &board));
    }
    anyhow::ensure!(failed == 0, "{failed} cells could not be measured");
    Ok(())
}

/// The record, and what its cells have to be of in order to count.
struct Bench {
    arguments: Arguments,
    rivals: Option<Rivals>,
    /// SHA-256 of the earlier program.
    before: Option<String>,
    /// The commit of this code, with a mark if it differs.
    commit: String,
    /// Whether the code of another commit is this code.
    is_same: HashMap<String, bool>,
    cells: Vec<Cell>,
}

impl Bench {
    fn new(arguments: Arguments) -> anyhow::Result<Self> {
        let rivals = match (&arguments.peers, &arguments.python) {
            (Some(peers), Some(python)) => {
                Some(Rivals::find(peers, python.clone(), arguments.core)?)
            }
            _ => None,
        };
        let digest_of = |path: &PathBuf| -> anyhow::Result<String> {
            let bytes = fs::read(path).with_context(|| path.display().to_string())?;
            Ok(digest(&[&bytes]))
        };
        let commit = record::commit(&CODE)?;
        anyhow::ensure!(
            arguments.print || arguments.uncommitted || !commit.ends_with('+'),
            "{} differ from the commit: commit them, or say --uncommitted for a trial",
            CODE.join(", ")
        );
        Ok(Self {
            before: arguments.before.as_ref().map(digest_of).transpose()?,
            cells: record::read(Some(&arguments.record))?,
            rivals,
            commit,
            is_same: HashMap::new(),
            arguments,
        })
    }

    /// The SHA-256 that a contestant has now; `None` for searches of this checkout, and for
    /// programs that were not given.
    fn program(&self, who: Who) -> Option<&str> {
        let rivals = self.rivals.as_ref();
        match who {
            Who::Ours => None,
            Who::Before => self.before.as_deref(),
            Who::GatedJax => rivals.map(|rivals| rivals.gated_jax.1.as_str()),
            Who::Classical => rivals.map(|rivals| rivals.classical.1.as_str()),
        }
    }

    /// Whether a cell is of the code that would be measured now. Programs that were not given are
    /// taken as they were.
    fn counts(&mut self, cell: &Cell) -> anyhow::Result<bool> {
        if cell.key.who != Who::Ours {
            let now = self.program(cell.key.who);
            return Ok(now.is_none_or(|now| cell.program.as_deref() == Some(now)));
        }
        if cell.commit == self.commit {
            return Ok(self.arguments.uncommitted || !cell.commit.ends_with('+'));
        }
        if let Some(&known) = self.is_same.get(&cell.commit) {
            return Ok(known);
        }
        let is_same = record::is_unchanged(&cell.commit, &CODE)?;
        self.is_same.insert(cell.commit.clone(), is_same);
        Ok(is_same)
    }

    /// The cells that count.
    fn counting(&mut self) -> anyhow::Result<Vec<Cell>> {
        let mut kept = Vec::new();
        for cell in self.cells.clone() {
            if self.counts(&cell)? {
                kept.push(cell);
            }
        }
        Ok(kept)
    }

    /// Measures the cells that the record lacks, and returns how many could not be measured.
    fn measure(&mut self, plan: &Plan, folder: &Path) -> anyhow::Result<usize> {
        let keys = plan.keys(self.before.is_some());
        let known = self.counting()?;
        let is_runnable = |who| who == Who::Ours || self.program(who).is_some();
        let (mut missing, mut contest) = (Vec::new(), None);
        for key in keys.into_iter().filter(|key| is_runnable(key.who)) {
            let data = &of_rows(&mut contest, &key, folder)?.sha256;
            let is_it = |cell: &Cell| cell.key == key && cell.data == *data;
            if !known.iter().any(is_it) {
                missing.push(key);
            }
        }
        let total = self.expected_of(&missing);
        eprintln!(
            "{:?}: {} cells to measure, about {}{}",
            plan.table,
            missing.len(),
            duration(total),
            if total > LONGEST { ": TOO LONG" } else { "" }
        );
        let (count, mut failed) = (missing.len(), 0);
        for (place, key) in missing.iter().enumerate() {
            let contest = of_rows(&mut contest, key, folder)?;
            let said = match self.cell(key, contest) {
                Ok(cell) => {
                    record::append(Some(&self.arguments.record), &cell)?;
                    let said = format!("{:.3e} in {:.1} s", cell.outcome.mse_z, cell.wall);
                    self.cells.push(cell);
                    said
                }
                Err(error) => {
                    failed += 1;
                    format!("FAILED: {error:#}")
                }
            };
            let (place, text) = (place + 1, key.text());
            let left = self.expected_of(&missing[place..]);
            eprintln!("[{place}/{count}] {text}: {said}; {} left", duration(left));
        }
        Ok(failed)
    }

    /// Measures a cell.
    fn cell(&self, key: &Key, contest: &Contest) -> anyhow::Result<Cell> {
        let (file, load) = (contest.file(), load());
        let rivals = || self.rivals.as_ref().context("no --peers were given");
        let began = Instant::now();
        let timed = |outcome: Outcome| (outcome, began.elapsed().as_secs_f64());
        let (outcome, wall) = match key.who {
            Who::Ours => ours::searched(key, &file)?,
            Who::Before => {
                let program = self.arguments.before.as_ref();
                ours::by_program(key, program.context("no --before was given")?, &file)?
            }
            Who::GatedJax => timed(rivals()?.network(&file, key.seconds)?),
            Who::Classical => timed(rivals()?.regressors(&file)?),
        };
        Ok(Cell {
            key: key.clone(),
            commit: self.commit.clone(),
            program: self.program(key.who).map(str::to_owned),
            data: contest.sha256.clone(),
            load,
            wall,
            outcome,
        })
    }

    /// Wall seconds that these cells probably take.
    fn expected_of(&self, keys: &[Key]) -> f64 {
        keys.iter().map(|key| self.expected(key)).sum()
    }

    /// Wall seconds that a cell probably takes: as cells of this set and time did.
    fn expected(&self, key: &Key) -> f64 {
        let alike = self.cells.iter().filter(|cell| {
            let (a, b) = (&cell.key, key);
            (a.who, a.seconds, &a.rows.set, a.rows.train)
                == (b.who, b.seconds, &b.rows.set, b.rows.train)
        });
        let walls: Vec<f64> = alike.map(|cell| cell.wall).collect();
        match (walls.is_empty(), key.who) {
            (false, _) => walls.iter().sum::<f64>() / walls.len() as f64,
            (true, Who::Classical) => 90.0,
            (true, _) => key.seconds + 15.0,
        }
    }
}

/// Returns the file of a cell's rows, made anew if the last one has other rows.
fn of_rows<'a>(
    last: &'a mut Option<Contest>,
    key: &Key,
    folder: &Path,
) -> anyhow::Result<&'a Contest> {
    let contest = match last.take() {
        Some(contest) if contest.rows == key.rows => contest,
        _ => Contest::new(key.rows.clone(), folder)?,
    };
    Ok(last.insert(contest))
}

/// The machine's load, averaged over the last minute; 0 where it is not known.
fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|load| load.parse().ok()).unwrap_or(0.0)
}

/// A time in words.
fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).ceil() as u64;
    format!("{} h {:02} min", minutes / 60, minutes % 60)
}
