//! Compares the GPU with the CPU, and with the limits of its chip: docs/gpu.md explains how to
//! build and run it.
//!
//! `gpu_check [--only agree|search|step|predict] [--python PYTHON --peer dense_torch_gpu.py]`:
//! (agree) losses and gradients against the CPU's in f64; (search) the same search on the bundled
//! data on both; (step) milliseconds of a weight step of the published space on curves and on
//! images, compared with PyTorch's, PYTHON having torch and numpy; (predict) batches compared with
//! the device's measured rates. Exit code 1 if (agree) or (search) fails, or a step reads from the
//! device.
//!
//! With `--device cpu` and smaller sizes, (agree) and (step) run without a GPU:
//! docs/measurements/gpu.md has the commands.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

mod architectures;
mod nodes;
mod predict;
mod rows;
mod search;
mod step;

use clap::Parser;
use dense_search::candle_core::Device;
use dense_search::contenders::contenders;
use dense_search::data::{Dataset, ReadOptions};
use dense_search::device::DeviceName;
use dense_search::space::presets::{MicroSizes, PaperWidths, paper};
use dense_search::space::{Architecture, Shape, Space};
use dense_search::streams::stream;
use dense_search::variables::NetworkVariables;
use rows::{Encoded, encoded, waves};
use std::path::PathBuf;
use std::process::ExitCode;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// Run this check alone
    #[arg(long)]
    only: Option<String>,
    /// A Python with torch and numpy; only ours is timed if left out
    #[arg(long)]
    python: Option<PathBuf>,
    /// The peer's script
    #[arg(long, default_value = "tests/peers/dense_torch_gpu.py")]
    peer: PathBuf,
    /// Weight steps of the search
    #[arg(long, default_value_t = 4000)]
    steps: usize,
    /// Rounds of the timed steps
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// Architectures of the timed steps
    #[arg(long, default_value_t = 150)]
    architectures: usize,
    /// Channels of the published space where its steps are timed
    #[arg(long, default_value_t = PaperWidths::default().channels)]
    channels: usize,
    /// Channels, height and width of the images whose steps are timed
    #[arg(long, value_delimiter = 'x', default_value = "12x192x96")]
    image: Vec<usize>,
    /// Batch sizes of the predictions
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "64,256,1024,4096,16384,65536"
    )]
    batches: Vec<usize>,
    /// The device
    #[arg(long, default_value = "cuda:0")]
    device: DeviceName,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("gpu_check: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// The bundled spectra.
fn bundled() -> anyhow::Result<Dataset> {
    let path = dense_tests::repository().join("search/data/thomson.npz");
    Ok(Dataset::read(&path, &ReadOptions::default())?)
}

fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let device = arguments.device.open()?;
    let data = bundled()?;
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| only == name);
    let mut good = true;
    if wanted("agree") {
        good &= nodes::agree(&device)?;
        let curves = encoded(&data)?;
        for (name, space) in spaces(&data)? {
            good &= architectures::agree(name, &space, &curves, &device)?;
        }
        let space = small_images()?;
        let images = waves(space.inputs(), space.output().size(), 64);
        good &= architectures::agree("images", &space, &images, &device)?;
    }
    if wanted("search") {
        good &= search::agree(arguments)?;
    }
    if wanted("step") {
        for case in step::cases(arguments, &data)? {
            good &= step::time(&case, arguments, &device)?;
        }
    }
    if wanted("predict") {
        predict::time(arguments, &data, &device)?;
    }
    Ok(good)
}

fn output(data: &Dataset) -> Shape {
    Shape::Sequence {
        length: data.output_count(),
        channels: 1,
    }
}

fn spaces(data: &Dataset) -> anyhow::Result<Vec<(&'static str, Space)>> {
    let small = PaperWidths {
        dense: 64,
        channels: 8,
    };
    let full = PaperWidths::default();
    Ok(vec![
        ("paper", paper(data.input_count(), output(data), full)?),
        ("small", paper(data.input_count(), output(data), small)?),
        (
            "micro",
            contenders("micro", data, 1, MicroSizes::default())?
                .swap_remove(0)
                .space,
        ),
    ])
}

/// The published space on images small enough for the CPU's f64, with axes of different lengths.
fn small_images() -> anyhow::Result<Space> {
    let output = Shape::Image {
        height: 24,
        width: 13,
        channels: 3,
    };
    let widths = PaperWidths {
        dense: 32,
        channels: 8,
    };
    Ok(paper(5, output, widths)?)
}

/// Architectures sampled from uniform network variables.
fn drawn(space: &Space, count: usize) -> Vec<Architecture> {
    let mut random = stream(0, "weight step");
    let uniform = NetworkVariables::uniform(space);
    (0..count).map(|_| uniform.sample(&mut random)).collect()
}

/// Waits until the device has finished its work.
fn wait(device: &Device) -> anyhow::Result<()> {
    Ok(device.synchronize()?)
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
