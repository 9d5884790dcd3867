//! What kinds of networks err on many data sets: the prior of a race.
//!
//! `cargo run --release -p dense-tests --example kinds -- --record FILE.jsonl` trains one network of
//! every kind on each set that the record lacks, twice: with few steps, as in a race's first round,
//! and with many, and prints a summary. `--table` prints the table that the race reads
//! (search/src/kind/errors.tsv) from the record. The sets are formulas of this program with random constants; each judges by
//! fresh rows.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use crate::sets::{Set, sets};
use crate::summary::summary;
use anyhow::Context;
use clap::Parser;
use dense_search::budget::{Budget, Terms};
use dense_search::candle_core::Device;
use dense_search::data::Transform;
use dense_search::fixed::{Conditions, widest};
use dense_search::kind::Kind;
use dense_search::nodes::Pass;
use dense_search::space::Shape;
use dense_search::training::{Choices, Members, Rows, Settings, Trainer};
use dense_tests::record;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

mod curves;
mod sets;
mod summary;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What the errors depend on.
const CODE: [&str; 2] = ["search", "tests/benchmarks/kinds"];
/// Steps of the two trainings.
const STEPS: [usize; 2] = [1_500, 8_000];
/// Multiply-accumulates of both members, of which one trains.
const BUDGET: u64 = 100_000;
const MEMBERS: usize = 2;
/// The logarithms to base 10 of errors beyond which they say nothing more.
const LEAST: f64 = -12.0;
const MOST: f64 = 9.0;

#[derive(Parser)]
struct Arguments {
    /// A file of finished cells, to which each is appended
    #[arg(long)]
    record: PathBuf,
    /// Sets of every family
    #[arg(long, default_value_t = 4)]
    of_each: u64,
    /// A file of curves over steps, which are measured and printed instead
    #[arg(long)]
    curves: Option<PathBuf>,
    /// Print a summary of the record, and measure nothing
    #[arg(long)]
    print: bool,
    /// Print the table of the race, and measure nothing
    #[arg(long)]
    table: bool,
}

/// The errors of a kind on a set: mean squares over fresh rows, in deviations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Cell {
    set: String,
    kind: String,
    outputs: usize,
    rows: usize,
    mse_z: [f64; 2],
    commit: String,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(file) = &arguments.curves {
        let commit = (!arguments.print)
            .then(|| record::commit(&CODE))
            .transpose()?;
        let curves = curves::measure(&sets(arguments.of_each), file, commit.as_deref())?;
        print!("{}", curves::table(&curves));
        return Ok(());
    }
    let record = Some(arguments.record.as_path());
    let mut cells: Vec<Cell> = record::read(record)?;
    let all = sets(arguments.of_each);
    if !arguments.print && !arguments.table {
        let commit = record::commit(&CODE)?;
        for set in &all {
            let applies = Kind::all().filter(|kind| kind.applies(set.outputs));
            let missing = applies.filter(|kind| {
                let has = |cell: &Cell| cell.set == set.name && cell.kind == kind.name();
                !cells.iter().any(has)
            });
            let missing: Vec<Kind> = missing.collect();
            let measured = missing.par_iter().map(|&kind| {
                Ok(Cell {
                    set: set.name.clone(),
                    kind: kind.name(),
                    outputs: set.outputs,
                    rows: set.train,
                    mse_z: [error(set, kind, STEPS[0])?, error(set, kind, STEPS[1])?],
                    commit: commit.clone(),
                })
            });
            for cell in measured.collect::<anyhow::Result<Vec<_>>>()? {
                record::append(record, &cell)?;
                cells.push(cell);
            }
            eprintln!("{}", set.name);
        }
    }
    match arguments.table {
        true => println!("{}", table(&all, &cells)),
        false => print!("{}", summary(&cells)),
    }
    Ok(())
}

/// The error of a network of this kind after so many steps.
fn error(set: &Set, kind: Kind, steps: usize) -> anyhow::Result<f64> {
    let output = Shape::Vector(set.outputs);
    let conditions = Conditions {
        inputs: set.inputs,
        output,
        components: None,
        members: MEMBERS,
        terms: Terms {
            budget: Budget {
                macs: Some(BUDGET),
                ..Budget::default()
            },
            share_of_one: 1.0,
            cost_model: None,
        },
        transform: Transform::None,
    };
    let (space, members) = widest(&kind.name(), kind, conditions)?.context("it has room")?;
    let usual = Choices::default();
    let settings = Settings {
        steps: Some(steps),
        members: Members::Given(members[..1].to_vec()),
        seed: 0,
        choices: Choices {
            decay: kind.decay().unwrap_or(usual.decay),
            polish: 0.0,
            ..usual
        },
    };
    let rows = |from: usize, to: usize| {
        let part = |values: &[f32], columns: usize| values[from * columns..to * columns].to_vec();
        let (x, y) = (part(&set.x, set.inputs), part(&set.y, set.outputs));
        Rows::new(x, set.inputs, y, set.outputs, &Device::Cpu)
    };
    let fresh = rows(set.train, set.x.len() / set.inputs)?;
    let mut trainer = Trainer::new(&space, rows(0, set.train)?, fresh.clone(), settings)?;
    while !trainer.is_done() {
        trainer.step()?;
    }
    let trained = trainer.finish();
    let loss = trained
        .network
        .loss(fresh.x(), fresh.y(), &members[0], Pass::Forward)?;
    Ok(f64::from(loss.to_scalar::<f32>()?))
}

/// The table of the race: a line for each set, with both errors of each kind as logarithms to base
/// 10.
fn table(sets: &[Set], cells: &[Cell]) -> String {
    let kinds: Vec<Kind> = Kind::all().collect();
    let mut text = "set\trows".to_owned();
    for kind in &kinds {
        text += &format!("\t{}", kind.name());
    }
    for set in sets {
        let of = |kind: &Kind| {
            let mut of_set = cells.iter().filter(|cell| cell.set == set.name);
            of_set.find(|cell| cell.kind == kind.name())
        };
        if kinds
            .iter()
            .any(|kind| kind.applies(set.outputs) && of(kind).is_none())
        {
            continue;
        }
        text += &format!("\n{}\t{}", set.name, set.train);
        for kind in &kinds {
            text += "\t";
            if let Some(cell) = of(kind) {
                let [few, many] = cell.mse_z.map(|error| match error.is_finite() {
                    true => error.log10().clamp(LEAST, MOST),
                    false => MOST,
                });
                text += &format!("{few:.2} {many:.2}");
            }
        }
    }
    text
}
