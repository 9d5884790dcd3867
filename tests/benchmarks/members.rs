//! The cost of an ensemble relative to one of its members, and the difference of its members: a
//! table.
//!
//! `cargo run --release -p dense-tests --example members -- [DATA.npz ...]` searches on each file
//! (by default the bundled spectra) and judges the members in the deployed arithmetic, on test
//! rows; in a file without them, a seeded fifth of its rows is held out.
//!
//! - *MAC*, *flash*, *time*: the shipped call's, relative to those of the emulator reduced to its
//!   first, most probable, member. Calls are timed in alternation, and the smallest time of each
//!   counts.
//! - *spread*: the members' standard deviation before calibration, pooled over test rows and
//!   outputs that are not constant, in training deviations, divided by the root of `mse_z`.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use clap::Parser;
use dense_codegen::executor::Executor;
use dense_codegen::{Calibration, Emulator};
use dense_search::assemble::output_deviation;
use dense_search::contenders::SpaceChoice;
use dense_search::data::{Dataset, Part, ReadOptions};
use dense_search::metrics::evaluate;
use dense_search::search::{ControlMode, Extent, Input, Search, SearchSettings, emulator_file};
use std::collections::HashSet;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

mod held_out;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// Files of simulator runs; the bundled spectra if left out
    data: Vec<PathBuf>,
    /// The space
    #[arg(long, default_value = "micro")]
    space: String,
    /// Members of the ensemble
    #[arg(long, default_value_t = 8)]
    members: usize,
    /// Weight steps
    #[arg(long, default_value_t = 100_000, conflicts_with = "seconds")]
    steps: usize,
    /// Wall seconds of a search, instead of steps
    #[arg(long)]
    seconds: Option<f64>,
    /// Seeds of search and hold-out, each a row of the table
    #[arg(long, value_delimiter = ',', default_value = "0")]
    seeds: Vec<u64>,
    /// Training threads
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// Print each member's choices and error
    #[arg(long)]
    each: bool,
}

/// Rounds of timed calls, and calls in each.
const ROUNDS: usize = 2000;
const CALLS: usize = 16;

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    println!(
        "{}, {} members asked for\n",
        arguments.space, arguments.members
    );
    println!(
        "| set | seed | steps | members | different | first's MAC | MAC | flash | time | spread | test mse_z | first's |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    let files = if arguments.data.is_empty() {
        vec![None]
    } else {
        arguments.data.iter().map(Some).collect()
    };
    for file in files {
        for &seed in &arguments.seeds {
            let (name, data) = match file {
                None => {
                    let path = dense_tests::repository().join("search/data/thomson.npz");
                    let data = Dataset::read(&path, &ReadOptions::default())?;
                    ("thomson".into(), data)
                }
                Some(path) => (
                    path.file_stem().unwrap_or_default().to_string_lossy(),
                    Dataset::read(path, &ReadOptions::default())?,
                ),
            };
            let has_test = |parts: &[Part]| parts.contains(&Part::Test);
            let data = if data.parts().is_some_and(has_test) {
                data
            } else {
                held_out::held_out(data, seed)
            };
            let input = Input {
                data,
                path: file.cloned(),
                options: ReadOptions::default(),
            };
            println!("| {name} | {seed} {}", row(&input, seed, &arguments)?);
        }
    }
    Ok(())
}

/// Searches, judges, and returns the rest of the table's row.
fn row(input: &Input, seed: u64, arguments: &Arguments) -> anyhow::Result<String> {
    let mut settings = SearchSettings::default();
    settings.space = SpaceChoice::Preset(arguments.space.clone());
    settings.extent = match arguments.seconds {
        Some(seconds) => Extent::Time(Duration::from_secs_f64(seconds)),
        None => Extent::Steps(arguments.steps),
    };
    settings.members = Some(arguments.members);
    settings.seed = seed;
    settings.threads = arguments.threads;
    settings.control = ControlMode::None;
    let folder = tempfile::tempdir()?;
    let report = Search::new(settings).run(input, folder.path(), &|_| {})?;
    let emulator = dense_codegen::file::load(&emulator_file(folder.path()))?;
    let test = input.data.part_rows(Part::Test)?;
    let count = emulator.members().len();
    let raw = uncalibrated(&emulator, 0..count)?;
    let deviation = output_deviation(&emulator);
    let judged = |emulator: &Emulator| evaluate(emulator, &input.data, &test, &deviation, 1).mse_z;
    let error = judged(&raw);
    let members: Vec<Emulator> = (0..count)
        .map(|k| uncalibrated(&emulator, k..k + 1))
        .collect::<anyhow::Result<_>>()?;
    let x: Vec<f32> = test
        .iter()
        .flat_map(|&row| input.data.x_row(row))
        .map(|&x| x as f32)
        .collect();
    let outputs: HashSet<Vec<u32>> = members
        .iter()
        .map(|member| Executor::new(member).predict(&x, 1).mean)
        .map(|mean| mean.into_iter().map(f32::to_bits).collect())
        .collect();
    if arguments.each {
        let choices = emulator.provenance()["members"].as_array();
        for (choices, member) in choices.into_iter().flatten().zip(&members) {
            eprintln!("{choices} {} MAC {:.2e}", member.macs(), judged(member));
        }
    }
    let first = &members[0];
    let (all_us, one_us) = least_us(&emulator, first, &x[..input.data.input_count()]);
    let ratio = |all: f64, one: f64| format!("{all:.0} / {one:.0} = {:.2}", all / one);
    Ok(format!(
        "| {} | {count} | {} | {} | {:.2} | {} | {all_us:.2} / {one_us:.2} us = {:.2} | {:.2} | {error:.2e} | {:.2e} |",
        report.steps,
        outputs.len() == count,
        first.macs(),
        emulator.macs() as f64 / first.macs() as f64,
        ratio(emulator.flash_bytes() as f64, first.flash_bytes() as f64),
        all_us / one_us,
        spread(&raw, &x, &deviation) / error.sqrt(),
        judged(first),
    ))
}

/// The emulator of these members, with the members' standard deviation uncalibrated.
fn uncalibrated(emulator: &Emulator, members: std::ops::Range<usize>) -> anyhow::Result<Emulator> {
    let mut parts = emulator.clone().into_parts();
    parts.members = parts.members[members].to_vec();
    let Calibration {
        gain, floor, slope, ..
    } = &mut parts.calibration;
    *gain = 1.0;
    floor.fill(0.0);
    *slope = None;
    Ok(Emulator::new(parts)?)
}

/// The root mean square of the standard deviations, in training deviations.
fn spread(emulator: &Emulator, x: &[f32], deviation: &[f64]) -> f64 {
    let std = Executor::new(emulator).predict(x, 1).std;
    let squares: Vec<f64> = std
        .iter()
        .zip(deviation.iter().cycle())
        .filter(|(_, unit)| **unit > 0.0)
        .map(|(std, unit)| (f64::from(*std) / *unit).powi(2))
        .collect();
    (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
}

/// The smallest time of a call of each in microseconds, timed in alternation.
fn least_us(all: &Emulator, one: &Emulator, x: &[f32]) -> (f64, f64) {
    let executors = [all, one].map(Executor::new);
    // Many rows in a call, because the executor's set-up for each call is not part of the shipped
    // call.
    let rows = x.repeat(CALLS);
    let mut least = [f64::INFINITY; 2];
    for _ in 0..ROUNDS {
        for (executor, least) in executors.iter().zip(&mut least) {
            let began = Instant::now();
            black_box(executor.predict(black_box(&rows), 1));
            let us = 1e6 * began.elapsed().as_secs_f64() / CALLS as f64;
            *least = least.min(us);
        }
    }
    (least[0], least[1])
}
