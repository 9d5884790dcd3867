//! The fixed networks, `--space mlp`, compared with the better fixed network of each data set: a
//! table.
//!
//! `cargo run --release -p dense-tests --example control -- FOLDER`, where FOLDER has the seven
//! sets. A seeded fifth of each set's rows is held out and scored once; the rest keeps its split.
//! Each set gets one CPU minute: two threads, 30 s.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use clap::Parser;
use dense_search::assemble::output_deviation;
use dense_search::contenders::SpaceChoice;
use dense_search::data::{Dataset, Part, ReadOptions};
use dense_search::metrics::evaluate;
use dense_search::search::{Extent, Input, Search, SearchSettings, emulator_file};
use dense_search::training::Choices;
use std::path::PathBuf;
use std::time::{Duration, Instant};

mod held_out;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The sets, and the test error of the better fixed network after one CPU minute in PyTorch.
const SETS: [(&str, f64); 7] = [
    ("ots_epw", 5.6e-4),
    ("seis_dispersion", 4.8e-5),
    ("xray_reflectivity", 9.9e-2),
    ("ignition_scalars", 5.6e-6),
    ("bench_borehole", 1.0e-6),
    ("halo_power", 2.1e-5),
    ("freegs_psi", 8.6e-4),
];

#[derive(Parser)]
struct Arguments {
    /// The folder with the sets, NAME.npz
    folder: PathBuf,
    /// Sets to train on; all if left out
    #[arg(long, value_delimiter = ',')]
    sets: Vec<String>,
    /// Seeds of training and hold-out, each a row of the table
    #[arg(long, value_delimiter = ',', default_value = "0")]
    seeds: Vec<u64>,
    /// CPU seconds of a set
    #[arg(long, default_value_t = 60.0)]
    cpu_seconds: f64,
    /// Largest step size, instead of the product's
    #[arg(long)]
    rate: Option<f64>,
    /// Weight decay, instead of the product's
    #[arg(long)]
    decay: Option<f64>,
    /// The share of the steps in which the step size decreases, instead of the product's
    #[arg(long)]
    fall: Option<f64>,
    /// The space
    #[arg(long, default_value = "mlp")]
    space: String,
    /// Members of the ensemble
    #[arg(long, default_value_t = 1)]
    members: usize,
}

const THREADS: usize = 2;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let product = Choices::default();
    let choices = Choices {
        rate: arguments.rate.unwrap_or(product.rate),
        decay: arguments.decay.unwrap_or(product.decay),
        fall: arguments.fall.unwrap_or(product.fall),
        ..product
    };
    println!(
        "space {}, {} members, {} CPU seconds, {choices:?}\n",
        arguments.space, arguments.members, arguments.cpu_seconds
    );
    println!(
        "| set | seed | ships | MAC | steps | test rows | validation mse_z | test mse_z | fixed | ratio | seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let mut logarithms = Vec::new();
    for (name, fixed) in SETS {
        if !arguments.sets.is_empty() && !arguments.sets.iter().any(|set| set == name) {
            continue;
        }
        for &seed in &arguments.seeds {
            let path = arguments.folder.join(format!("{name}.npz"));
            let data = held_out::held_out(Dataset::read(&path, &ReadOptions::default())?, seed);
            let test = data.part_rows(Part::Test)?;
            let input = Input {
                data,
                path: Some(path),
                options: ReadOptions::default(),
            };
            let mut settings = SearchSettings::default();
            settings.space = SpaceChoice::Preset(arguments.space.clone());
            settings.extent = Extent::Time(Duration::from_secs_f64(
                arguments.cpu_seconds / THREADS as f64,
            ));
            settings.members = Some(arguments.members);
            settings.seed = seed;
            settings.threads = THREADS;
            settings.choices = choices;
            let folder = tempfile::tempdir()?;
            let began = Instant::now();
            let report = Search::new(settings).run(&input, folder.path(), &|_| {})?;
            let seconds = began.elapsed().as_secs_f64();
            let emulator = dense_codegen::file::load(&emulator_file(folder.path()))?;
            let deviation = output_deviation(&emulator);
            let error = evaluate(&emulator, &input.data, &test, &deviation, THREADS).mse_z;
            println!(
                "| {name} | {seed} | {} | {} | {} | {} | {:.2e} | {error:.2e} | {fixed:.1e} | {:.2} | {seconds:.1} |",
                report.space,
                report.macs,
                report.steps,
                test.len(),
                report.val_mse_z,
                error / fixed
            );
            logarithms.push((error / fixed).ln());
        }
    }
    let mean = logarithms.iter().sum::<f64>() / logarithms.len() as f64;
    println!("\ngeometric mean of the ratios: {:.3}", mean.exp());
    Ok(())
}
