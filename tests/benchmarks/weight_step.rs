//! A weight step of ours compared with PyTorch's: forward, loss, backward, optimiser, on the same
//! list of architectures.
//!
//! `cargo run --release -p dense-tests --example weight_step -- DATA.npz --python PYTHON`, where
//! PYTHON has torch and numpy. The two alternate, as the machine's speed drifts; each figure is a
//! median over steps, each ratio one of two neighbours.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use clap::Parser;
use dense_search::candle_core::{DType, Device};
use dense_search::contenders::contenders;
use dense_search::data::{Dataset, Normalisation, ReadOptions, Split};
use dense_search::optimiser::AdamW;
use dense_search::space::presets::{MicroSizes, PaperWidths, paper};
use dense_search::space::{Architecture, Candidate, Shape, Space};
use dense_search::streams::{permutation, stream};
use dense_search::supernetwork::SuperNetwork;
use dense_search::training::{Rows, weight_step};
use dense_search::variables::NetworkVariables;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// A .npz with one curve of outputs, and a split
    data: PathBuf,
    /// A Python with torch and numpy; only ours is timed if left out
    #[arg(long)]
    python: Option<PathBuf>,
    /// Steps in a block
    #[arg(long, default_value_t = 150)]
    steps: usize,
    /// Blocks of each
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// One of paper, small and micro alone
    #[arg(long)]
    only: Option<String>,
    /// Threads of each
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let data = Dataset::read(&arguments.data, &ReadOptions::default())?;
    let output = Shape::Sequence {
        length: data.output_count(),
        channels: 1,
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(arguments.threads)
        .build()?;
    println!(
        "{}: medians over {} steps, {} threads",
        data.label(),
        arguments.steps,
        arguments.threads
    );
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| only == name);
    let small = PaperWidths {
        dense: 64,
        channels: 8,
    };
    for (name, widths) in [("paper", PaperWidths::default()), ("small", small)] {
        if !wanted(name) {
            continue;
        }
        let space = paper(data.input_count(), output, widths)?;
        let architectures = drawn(&space, arguments.steps);
        println!(
            "paper, {} channels, FC {}, batch 32, mean MAC {:.2} M",
            widths.channels,
            widths.dense,
            mean_macs(&space, &architectures)? / 1e6
        );
        let mut ratios = Vec::new();
        for _ in 0..arguments.turns {
            let ours = pool.install(|| timed(&space, &data, &architectures, 32))?;
            print!("  ours {ours:8.3} ms");
            if let Some(python) = &arguments.python {
                let peer = peer(python, &arguments, widths, &names(&space, &architectures))?;
                ratios.push(ours / peer);
                print!("   PyTorch {peer:8.3} ms   ratio {:.3}", ours / peer);
            }
            println!();
        }
        if !ratios.is_empty() {
            println!("  median ratio {:.3}", median(ratios));
        }
    }
    if !wanted("micro") {
        return Ok(());
    }
    let space = contenders("micro", &data, 1, MicroSizes::default())?
        .swap_remove(0)
        .space;
    let architectures = drawn(&space, arguments.steps);
    let macs = mean_macs(&space, &architectures)?;
    for _ in 0..arguments.turns {
        let ours = pool.install(|| timed(&space, &data, &architectures, 64))?;
        println!("micro, batch 64, mean MAC {macs:.0}: ours {ours:.3} ms");
    }
    Ok(())
}

/// Architectures sampled from uniform network variables.
fn drawn(space: &Space, count: usize) -> Vec<Architecture> {
    let mut random = stream(0, "weight step");
    let uniform = NetworkVariables::uniform(space);
    (0..count).map(|_| uniform.sample(&mut random)).collect()
}

fn mean_macs(space: &Space, architectures: &[Architecture]) -> Result<f64, Box<dyn Error>> {
    let mut sum = 0.0;
    for architecture in architectures {
        sum += space.architecture_macs(architecture)? as f64;
    }
    Ok(sum / architectures.len() as f64)
}

/// The median milliseconds of a weight step, one for each architecture, starting from fresh
/// weights.
fn timed(
    space: &Space,
    data: &Dataset,
    architectures: &[Architecture],
    batch: usize,
) -> Result<f64, dense_search::supernetwork::Error> {
    let split = Split::resolve(data, 0).expect("the data have rows to train on");
    let normalisation = Normalisation::fit(data, &split.train);
    let rows = Rows::new(
        normalisation.encode_x(data, &split.train),
        data.input_count(),
        normalisation.encode_y(data, &split.train),
        data.output_count(),
        &Device::Cpu,
    )?;
    let network = SuperNetwork::new(space, 0, DType::F32, &Device::Cpu)?;
    let mut optimiser = AdamW::new(network.variables(), 0.0)?;
    let order = permutation(&mut stream(0, "rows"), rows.count());
    let mut batches = order.chunks_exact(batch).cycle();
    let mut times = Vec::new();
    for architecture in architectures {
        let chosen = batches
            .next()
            .expect("there are more rows than a batch has");
        let began = Instant::now();
        let rows = rows.chosen(chosen)?;
        weight_step(&network, &mut optimiser, &rows, architecture, 1e-3)?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    Ok(median(times))
}

/// The median milliseconds of PyTorch's weight step.
fn peer(
    python: &Path,
    arguments: &Arguments,
    widths: PaperWidths,
    names: &[Vec<String>],
) -> Result<f64, Box<dyn Error>> {
    let list = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&list, names)?;
    let output = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/dense_torch.py"))
        .arg(&arguments.data)
        .args([
            "--steps-only",
            &arguments.steps.to_string(),
            "--act",
            "silu",
        ])
        .args(["--threads", &arguments.threads.to_string()])
        .args([
            "--channels",
            &widths.channels.to_string(),
            "--fc",
            &widths.dense.to_string(),
        ])
        .arg("--archs")
        .arg(list.path())
        .output()?;
    if !output.status.success() {
        return Err(format!(
            "the peer failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        )
        .into());
    }
    let text = String::from_utf8(output.stdout)?;
    let figures: serde_json::Value = serde_json::from_str(text.lines().last().unwrap_or_default())?;
    figures["ms_step"]
        .as_f64()
        .ok_or_else(|| "the peer printed no ms_step".into())
}

/// The architectures in the peer's notation, without the two fixed layers that it omits.
fn names(space: &Space, architectures: &[Architecture]) -> Vec<Vec<String>> {
    let named = |architecture: &Architecture| {
        let groups = space.groups().iter().zip(architecture.choices());
        let searched = groups.filter(|(group, _)| group.candidates.len() > 1);
        let name = |candidate| match candidate {
            Candidate::Conv { kernel } => format!("conv{kernel}"),
            Candidate::TransposedConv { kernel, .. } => format!("tconv{kernel}"),
            _ => "zero".to_owned(),
        };
        searched
            .map(|(group, &choice)| name(group.candidates[choice]))
            .collect()
    };
    architectures.iter().map(named).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
