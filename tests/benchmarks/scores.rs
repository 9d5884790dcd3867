//! What the product ships for each data set, beside the best classical regressor and the better fixed network: a table.
//!
//! `cargo run --release -p dense-tests --example scores -- FOLDER --time 300 --seeds 0,1`: a seeded fifth of each set's rows is
//! held out and scored once; the rest keeps its split. The search and the control (`--space mlp`) have half of the time
//! each, and what is better on the validation rows counts as shipped: no test row chooses.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use clap::Parser;
use dense_codegen::Emulator;
use dense_codegen::executor::Executor;
use dense_search::assemble::output_deviation;
use dense_search::budget::Budget;
use dense_search::commands::search::{
    self, Extent, Input, Plan, Report, TeacherName, TransformName,
};
use dense_search::contenders::SpaceChoice;
use dense_search::data::{Dataset, Part, ReadOptions, Split, Transform};
use dense_search::device::DeviceName;
use dense_search::metrics::{Metrics, evaluate};
use dense_search::training::Choices;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

mod held_out;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The sets, the test error of the best classical regressor, and that of the better fixed network after one CPU minute in
/// PyTorch; none where standardised errors say nothing.
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
    /// Seeds of training and hold-out, each a row of the table
    #[arg(long, value_delimiter = ',', default_value = "0")]
    seeds: Vec<u64>,
    /// Wall seconds of search and control together
    #[arg(long, default_value_t = 300.0)]
    time: f64,
    /// The space that is searched
    #[arg(long, default_value = "micro")]
    space: String,
    /// Members of an ensemble
    #[arg(long, default_value_t = 4)]
    members: usize,
    /// Threads
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// No teacher
    #[arg(long)]
    no_teacher: bool,
}

/// A run, judged.
struct Judged {
    report: Report,
    metrics: Metrics,
    rank: Option<f64>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    println!(
        "space {} and mlp, {} members, {} s together, {} threads, {}\n",
        arguments.space,
        arguments.members,
        arguments.time,
        arguments.threads,
        if arguments.no_teacher {
            "no teacher"
        } else {
            "teacher: auto"
        }
    );
    println!(
        "| set | seed | ships | MAC | test mse_z | over classical | over fixed | search | control | ratio | control's MAC | rel. L2 | coverage 50/90/99 | 90 % allowed | Spearman | seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    let mut logarithms = [(); 3].map(|()| Vec::new());
    for (name, others) in SETS {
        if !arguments.sets.is_empty() && !arguments.sets.iter().any(|set| set == name) {
            continue;
        }
        for &seed in &arguments.seeds {
            let path = arguments.folder.join(format!("{name}.npz"));
            let data = held_out::held_out(Dataset::read(&path, &ReadOptions::default())?, seed);
            let input = Input {
                data,
                path: Some(path),
                options: ReadOptions::default(),
            };
            let began = Instant::now();
            let searched = judged(&input, &arguments, &arguments.space, seed)?;
            let control = judged(&input, &arguments, "mlp", seed)?;
            let seconds = began.elapsed().as_secs_f64();
            let chosen_by = |judged: &Judged| match judged.report.transform {
                Transform::None => judged.report.val_mse_z,
                _ => judged.report.val_relative_l2,
            };
            let ships = match chosen_by(&searched) <= chosen_by(&control) {
                true => &searched,
                false => &control,
            };
            let (metrics, report) = (&ships.metrics, &ships.report);
            let over = |other: Option<f64>| {
                other.map_or("-".to_owned(), |other| {
                    format!("{:.2}", metrics.mse_z / other)
                })
            };
            let ratio = searched.metrics.mse_z / control.metrics.mse_z;
            println!(
                "| {name} | {seed} | {} | {} | {:.2e} | {} | {} | {:.2e} | {:.2e} | {ratio:.2} | {} | {:.2e} | {:.2}/{:.2}/{:.2} | {:.2} | {} | {seconds:.0} |",
                report.space,
                report.macs,
                metrics.mse_z,
                over(others.map(|(classical, _)| classical)),
                over(others.map(|(_, fixed)| fixed)),
                searched.metrics.mse_z,
                control.metrics.mse_z,
                control.report.macs,
                metrics.median_relative_l2,
                metrics.coverage_50,
                metrics.coverage_90,
                metrics.coverage_99,
                tolerance(&input.data, seed)?,
                ships
                    .rank
                    .map_or("-".to_owned(), |rank| format!("{rank:.2}")),
            );
            if let Some((classical, fixed)) = others {
                let ratios = [metrics.mse_z / classical, metrics.mse_z / fixed, ratio];
                for (logarithms, ratio) in logarithms.iter_mut().zip(ratios) {
                    logarithms.push(ratio.ln());
                }
            }
        }
    }
    let names = ["over classical", "over fixed", "search over control"];
    for (name, logarithms) in names.iter().zip(&logarithms) {
        let mean = logarithms.iter().sum::<f64>() / logarithms.len().max(1) as f64;
        println!("\n{name}, geometric mean: {:.3}", mean.exp());
    }
    Ok(())
}

/// Runs one space for half of the time, and judges what it ships on the rows held out.
fn judged(input: &Input, arguments: &Arguments, space: &str, seed: u64) -> anyhow::Result<Judged> {
    let plan = Plan {
        space: SpaceChoice::Preset(space.to_owned()),
        extent: Extent::Time(Duration::from_secs_f64(0.5 * arguments.time)),
        members: arguments.members,
        seed,
        threads: arguments.threads,
        choices: Choices::default(),
        device: DeviceName::Cpu,
        transform: TransformName::Auto,
        budget: Budget::default(),
        teacher: match arguments.no_teacher {
            true => TeacherName::None,
            false => TeacherName::Auto,
        },
    };
    let folder = tempfile::tempdir()?;
    let report = search::run(input, &plan, folder.path(), &AtomicBool::new(false))?;
    let emulator = dense_codegen::file::load(&search::emulator_file(folder.path()))?;
    let test = input.data.part_rows(Part::Test)?;
    let deviation = output_deviation(&emulator);
    Ok(Judged {
        metrics: evaluate(&emulator, &input.data, &test, &deviation, plan.threads),
        rank: rank_correlation(&emulator, &input.data, &test, &deviation),
        report,
    })
}

/// By how much the coverage of the 90 % band may miss 0.90.
fn tolerance(data: &Dataset, seed: u64) -> anyhow::Result<f64> {
    let split = Split::resolve(data, seed)?;
    let over = |rows: usize| 1.0 / rows as f64;
    let spread = 0.09 * (over(split.test.len()) + over(split.calibration.len()));
    let independent: f64 = if data.layout() == dense_search::data::Layout::Scalars {
        1.0
    } else {
        2.0
    };
    Ok((2.5 * spread.sqrt() / independent.sqrt()).max(0.03))
}

/// Spearman's correlation of a row's mean squared deviation with its mean squared error, in training deviations; `None`
/// for a single output, whose rows have one error each.
fn rank_correlation(
    emulator: &Emulator,
    data: &Dataset,
    rows: &[usize],
    deviation: &[f32],
) -> Option<f64> {
    let outputs = data.output_count();
    if outputs == 1 {
        return None;
    }
    let x: Vec<f32> = rows
        .iter()
        .flat_map(|&row| data.x_row(row))
        .map(|&x| x as f32)
        .collect();
    let found = Executor::new(emulator).predict(&x, 1);
    let (mut errors, mut spreads) = (Vec::new(), Vec::new());
    for (k, &row) in rows.iter().enumerate() {
        let (mut error, mut spread) = (0.0, 0.0);
        for (j, (&y, &unit)) in data.y_row(row).iter().zip(deviation).enumerate() {
            if unit > 0.0 {
                let (mean, std) = (found.mean[k * outputs + j], found.std[k * outputs + j]);
                error += f64::from((mean - y) / unit).powi(2);
                spread += f64::from(std / unit).powi(2);
            }
        }
        errors.push(error);
        spreads.push(spread);
    }
    let (left, right) = (ranks(&errors), ranks(&spreads));
    let mean = (rows.len() as f64 - 1.0) / 2.0;
    let product = |a: &[f64], b: &[f64]| -> f64 {
        a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    Some(product(&left, &right) / (product(&left, &left) * product(&right, &right)).sqrt())
}

/// Each number's place in ascending order.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    for (rank, place) in order.into_iter().enumerate() {
        ranks[place] = rank as f64;
    }
    ranks
}
