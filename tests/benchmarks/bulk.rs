//! A million rows: the memory and the speed of `dense-search predict`, compared with ONNX Runtime
//! on the same number of threads.
//!
//! `cargo build --release`, then
//! `cargo run --release -p dense-tests --example bulk -- [--peers PYTHON]`, with PYTHON from the
//! virtual environment that `tests/peers/make_venv FOLDER` creates.
//!
//! First, the program reads a `.csv` and writes a `.npz`, and its peak resident memory is measured.
//! Then, without reading and writing, rows in memory go block by block through the executor, and
//! through ONNX Runtime in the block size that is fastest for it; the best of several alternating
//! rounds counts. Ours computes guard, mean, standard deviation and status; the model computes its
//! own outputs, the mean alone unless another model is given.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use anyhow::{Context, bail};
use clap::Parser;
use dense_codegen::emulator::Emulator;
use dense_codegen::executor::Executor;
use dense_codegen::onnx::{self, Batch, What};
use dense_tests::repository;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Rows of a block of the executor, about the number that `predict` uses for 250 outputs.
const BLOCK: usize = 512;

#[derive(Parser)]
struct Arguments {
    /// The python of a virtual environment with the peers
    #[arg(long)]
    peers: Option<PathBuf>,
    /// A run's folder; a short search on the bundled data if left out
    #[arg(long)]
    run: Option<PathBuf>,
    /// A model of the same emulator for ONNX Runtime [default: the mean]
    #[arg(long)]
    model: Option<PathBuf>,
    /// Rows
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// Threads of both
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Rounds without reading and writing
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let run = match &arguments.run {
        Some(run) => run.clone(),
        None => searched(folder.path())?,
    };
    let emulator = dense_codegen::file::load(&run.join("emulator.safetensors"))?;
    println!(
        "{} rows, {} inputs, {} outputs, {} MAC a call, {} threads",
        arguments.rows,
        emulator.input_count(),
        emulator.output_count(),
        emulator.macs(),
        arguments.threads
    );
    let x = inputs(&emulator, arguments.rows);
    whole(&arguments, &emulator, &run, &x, folder.path())?;
    let model = folder.path().join("model.onnx");
    let model = match &arguments.model {
        Some(model) => model,
        None => {
            onnx::write(&emulator, What::Mean, Batch::Any, &model)?;
            &model
        }
    };
    let (mut ours, mut theirs) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..arguments.rounds {
        ours = ours.min(compute(&emulator, &x, arguments.threads));
        if let Some(python) = &arguments.peers {
            theirs = theirs.min(peer(
                &arguments,
                &emulator,
                python,
                model,
                &x,
                folder.path(),
            )?);
        }
    }
    let speed = |seconds: f64| arguments.rows as f64 / seconds;
    println!("computing alone       {:>9.0} rows/s", speed(ours));
    if arguments.peers.is_some() {
        println!("ONNX Runtime          {:>9.0} rows/s", speed(theirs));
        println!("ours over ONNX Runtime {:>8.2}", theirs / ours);
    }
    Ok(())
}

/// The program, built beside this one.
fn program() -> anyhow::Result<Command> {
    let here = std::env::current_exe()?;
    let folder = here.parent().and_then(Path::parent).context("no folder")?;
    let program = folder.join("dense-search");
    if !program.exists() {
        bail!("{}: not there; `cargo build --release`", program.display());
    }
    Ok(Command::new(program))
}

fn searched(folder: &Path) -> anyhow::Result<PathBuf> {
    let run = folder.join("run");
    let data = repository().join("search/data/thomson.npz");
    let mut search = program()?;
    search.arg("search").arg(data).arg("--out").arg(&run);
    if !search.args(["--steps", "3000"]).output()?.status.success() {
        bail!("the search failed: {search:?}");
    }
    Ok(run)
}

/// Rows in the trained box, each value by a formula of its row.
fn inputs(emulator: &Emulator, rows: usize) -> Vec<f32> {
    let input = |row: usize, column: usize| {
        let input = &emulator.inputs()[column];
        let share = (row as f64 * (0.618 + 0.1 * column as f64)).fract();
        (input.low + share * (input.high - input.low)) as f32
    };
    (0..rows)
        .flat_map(|row| (0..emulator.input_count()).map(move |column| input(row, column)))
        .collect()
}

/// Runs the program on a file.
fn whole(
    arguments: &Arguments,
    emulator: &Emulator,
    run: &Path,
    x: &[f32],
    folder: &Path,
) -> anyhow::Result<()> {
    let (file, answers) = (folder.join("x.csv"), folder.join("answers.npz"));
    let mut text = BufWriter::new(File::create(&file)?);
    let names = emulator.inputs().iter().map(|input| input.name.as_str());
    writeln!(text, "{}", names.collect::<Vec<_>>().join(","))?;
    for row in x.chunks_exact(emulator.input_count()) {
        let cells: Vec<_> = row.iter().map(|value| format!("{value:?}")).collect();
        writeln!(text, "{}", cells.join(","))?;
    }
    text.flush()?;
    let threads = arguments.threads.to_string();
    let began = Instant::now();
    let mut child = program()?
        .arg("predict")
        .args([run, &file])
        .arg("-o")
        .arg(&answers)
        .args(["--threads", &threads])
        .stdout(Stdio::null())
        .spawn()?;
    let status = format!("/proc/{}/status", child.id());
    let mut peak = f64::NAN;
    let ended = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        peak = kib.map_or(peak, |kib| kib / 1024.0);
        if let Some(ended) = child.try_wait()? {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    if !ended.success() {
        bail!("predict failed");
    }
    let seconds = began.elapsed().as_secs_f64();
    println!(
        "predict, .csv to .npz {:>9.0} rows/s, {seconds:.1} s, {} bytes written, at most {peak:.0} MiB resident",
        arguments.rows as f64 / seconds,
        fs::metadata(&answers)?.len(),
    );
    fs::remove_file(&answers)?;
    Ok(())
}

/// Seconds of the executor for all rows.
fn compute(emulator: &Emulator, x: &[f32], threads: usize) -> f64 {
    let executor = Executor::new(emulator);
    let block = BLOCK * emulator.input_count();
    let share = x.len().div_ceil(block).div_ceil(threads) * block;
    let began = Instant::now();
    std::thread::scope(|scope| {
        for rows in x.chunks(share) {
            let executor = &executor;
            scope.spawn(move || {
                for block in rows.chunks(block) {
                    std::hint::black_box(executor.predict(block, 1));
                }
            });
        }
    });
    began.elapsed().as_secs_f64()
}

/// Seconds of ONNX Runtime for all rows, in its fastest block size; its means must equal ours.
fn peer(
    arguments: &Arguments,
    emulator: &Emulator,
    python: &Path,
    model: &Path,
    x: &[f32],
    folder: &Path,
) -> anyhow::Result<f64> {
    const COMPARED: usize = 1000;
    let numbers = |name: &str, values: &[f32]| -> anyhow::Result<PathBuf> {
        let path = folder.join(name);
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        fs::write(&path, bytes)?;
        Ok(path)
    };
    let few = &x[..x.len().min(COMPARED * emulator.input_count())];
    let mean = Executor::new(emulator).predict(few, 1).mean;
    let output = Command::new(python)
        .arg(repository().join("tests/peers/predict_onnx.py"))
        .args([model, &numbers("x", x)?, &numbers("mean", &mean)?])
        .args([emulator.input_count(), arguments.threads].map(|number| number.to_string()))
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8(output.stdout)?;
    if !output.status.success() {
        bail!("ONNX Runtime: {said}");
    }
    let line = text.lines().last().unwrap_or_default();
    println!("  ONNX Runtime: {line}");
    let seconds = line.split_whitespace().next().unwrap_or_default();
    seconds
        .parse()
        .with_context(|| format!("seconds: {line:?}"))
}
