//! The share of a budget that one architecture may take, chosen on validation rows: the table of
//! docs/measurements/budgets.md.
//!
//! `cargo run --release -p dense-tests --example share -- FOLDER` searches each set within each
//! budget at each share, and prints the geometric mean over sets and seeds of the validation error
//! relative to that at the product's share. Test rows are not read.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use clap::Parser;
use dense_search::budget::Budget;
use dense_search::data::{Dataset, ReadOptions};
use dense_search::search::{Extent, Input, Search, SearchSettings, TeacherMode};
use dense_search::training::Choices;
use std::path::PathBuf;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// The folder with the sets, NAME.npz
    folder: PathBuf,
    /// Sets to search on
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "ots_epw,seis_dispersion,xray_reflectivity,halo_power"
    )]
    sets: Vec<String>,
    /// Budgets, in multiply-accumulates
    #[arg(long, value_delimiter = ',', default_value = "20000,30000,45000")]
    budgets: Vec<u64>,
    /// Shares to try
    #[arg(long, value_delimiter = ',', default_value = "0.4,0.5,0.65,0.8,0.9")]
    shares: Vec<f64>,
    /// Seeds of the search
    #[arg(long, value_delimiter = ',', default_value = "0,1")]
    seeds: Vec<u64>,
    /// Weight steps
    #[arg(long, default_value_t = 6_000)]
    steps: usize,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    println!(
        "{} steps, seeds {:?}, sets {}\n",
        arguments.steps,
        arguments.seeds,
        arguments.sets.join(", ")
    );
    println!(
        "| --budget-macs | one takes at most | validation error over the product's | mean members |"
    );
    println!("|---|---|---|---|");
    let inputs = arguments
        .sets
        .iter()
        .map(|set| {
            let path = arguments.folder.join(format!("{set}.npz"));
            Ok(Input {
                data: Dataset::read(&path, &ReadOptions::default())?,
                path: Some(path),
                options: ReadOptions::default(),
            })
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    for &budget in &arguments.budgets {
        let product = errors(&inputs, budget, Choices::default().share_of_one, &arguments)?;
        for &share in &arguments.shares {
            let found = errors(&inputs, budget, share, &arguments)?;
            let count = found.len() as f64;
            let pairs = found.iter().zip(&product);
            let logarithm: f64 = pairs.map(|((one, _), (of, _))| (one / of).ln()).sum();
            let members = found
                .iter()
                .map(|(_, members)| *members as f64)
                .sum::<f64>();
            let ratio = (logarithm / count).exp();
            println!(
                "| {budget} | {share} | {ratio:.3} | {:.1} |",
                members / count
            );
        }
    }
    Ok(())
}

/// The validation error and the number of shipped members, for each set and seed.
fn errors(
    inputs: &[Input],
    budget: u64,
    share_of_one: f64,
    arguments: &Arguments,
) -> anyhow::Result<Vec<(f64, usize)>> {
    let mut found = Vec::new();
    for input in inputs {
        for &seed in &arguments.seeds {
            let mut settings = SearchSettings::default();
            settings.extent = Extent::Steps(arguments.steps);
            settings.seed = seed;
            settings.teacher = TeacherMode::None;
            settings.choices = Choices {
                share_of_one,
                polish: 0.0,
                ..Choices::default()
            };
            settings.budget = Budget {
                macs: Some(budget),
                ..Budget::default()
            };
            let folder = tempfile::tempdir()?;
            let report = Search::new(settings).run(input, folder.path(), &|_| {})?;
            found.push((report.val_mse_z, report.members));
        }
    }
    Ok(found)
}
