//! A step of the engine compared with JAX's: the fixed gated network of a rival, 88 wide with four
//! blocks and a basis of 48, on batches of 64, AdamW included, on one core.
//!
//! `cargo run --release -p dense-tests --example engine_step -- DATA.npz --jax PYTHON --peer
//! GATED_JAX.py`, where PYTHON has jax and numpy. The two alternate, as the machine's speed drifts.
//! Each figure of ours is a median over steps, JAX's the mean that the peer prints; each ratio is
//! one of two neighbours. The peak is that of a loop of multiply-adds in registers.
#![expect(
    unsafe_code,
    reason = "the peak is measured by instructions that not every processor has"
)]
#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use clap::Parser;
use dense_search::candle_core::{DType, Device};
use dense_search::data::{Dataset, Normalisation, ReadOptions, Split};
use dense_search::engine::{Data, Divided, Engine, Instructions, Lanes};
use dense_search::space::{
    Architecture, Candidate, Function, Group, Identity, Placement, Shape, Space,
};
use dense_search::streams::{permutation, stream};
use dense_search::supernetwork::SuperNetwork;
use std::error::Error;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

#[derive(Parser)]
struct Arguments {
    /// A .npz with a split
    data: PathBuf,
    /// A Python with jax and numpy; only ours is timed if left out
    #[arg(long, requires = "peer")]
    jax: Option<PathBuf>,
    /// The rival's program
    #[arg(long)]
    peer: Option<PathBuf>,
    /// Rows of a batch
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Steps in a block
    #[arg(long, default_value_t = 2000)]
    steps: usize,
    /// Blocks of each
    #[arg(long, default_value_t = 5)]
    turns: usize,
    /// Seconds of a block of the rival
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Threads that divide each batch, in ours alone
    #[arg(long, default_value_t = 1)]
    threads: usize,
    /// SOAP instead of AdamW, in ours alone
    #[arg(long)]
    soap: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let data = Dataset::read(&arguments.data, &ReadOptions::default())?;
    let form = Instructions::available()[0];
    let peak = peak(form);
    let space = rival(data.input_count(), data.output_count())?;
    let architecture = Architecture::new(vec![0; space.groups().len()]);
    let macs = space.architecture_macs(&architecture)?;
    println!(
        "{}: {macs} MAC, batch {}, {form:?}",
        data.label(),
        arguments.batch
    );
    let mut ratios = Vec::new();
    for _ in 0..arguments.turns {
        let ours = timed(&space, &data, &architecture, &arguments)?;
        // Forward, gradient of the inputs, gradient of the weights: two operations a product.
        let rate = 6.0 * macs as f64 * arguments.batch as f64 / ours / 1e6;
        print!("  ours {ours:.4} ms, {rate:.1} GFLOP/s");
        if let Some(peak) = peak {
            print!(", {:.0} % of {peak:.1}", 100.0 * rate / peak);
        }
        if let (Some(python), Some(program)) = (&arguments.jax, &arguments.peer) {
            let peer = peer(python, program, &arguments)?;
            ratios.push(ours / peer);
            print!("   JAX {peer:.4} ms   ratio {:.3}", ours / peer);
        }
        println!();
    }
    if !ratios.is_empty() {
        println!("  median ratio {:.3}", median(ratios));
    }
    Ok(())
}

/// The rival's network: its head is a basis where there are more than 20 outputs.
fn rival(inputs: usize, outputs: usize) -> Result<Space, dense_search::space::Error> {
    let group = |name: &str, output, identity, candidate, activation| Group {
        name: name.to_owned(),
        output,
        identity,
        candidates: vec![candidate],
        activation,
        own_activations: Default::default(),
        placement: Placement::After,
    };
    let (inner, silu) = (Shape::Vector(88), Some(Function::Silu));
    let mut groups = vec![group(
        "first",
        inner,
        Identity::Absent,
        Candidate::Dense,
        silu,
    )];
    for block in 1..=4 {
        let name = format!("block-{block}");
        groups.push(group(
            &name,
            inner,
            Identity::Beside,
            Candidate::Gated,
            silu,
        ));
    }
    let head = match outputs > 20 {
        true => Candidate::LowRank { rank: 48 },
        false => Candidate::Dense,
    };
    let output = Shape::Vector(outputs);
    groups.push(group("head", output, Identity::Absent, head, None));
    Space::new("rival", inputs, groups)
}

/// The median milliseconds of a step, from fresh weights.
fn timed(
    space: &Space,
    data: &Dataset,
    architecture: &Architecture,
    arguments: &Arguments,
) -> Result<f64, Box<dyn Error>> {
    let split = Split::resolve(data, 0)?;
    let normalisation = Normalisation::fit(data, &split.train);
    let (x, y) = (
        normalisation.encode_x(data, &split.train),
        normalisation.encode_y(data, &split.train),
    );
    let rows = Data { x: &x, y: &y };
    let network = SuperNetwork::new(space, 0, DType::F32, &Device::Cpu)?;
    let mut engine = Engine::new(&network, 0.01)?.ok_or("the engine has all layers")?;
    let owned = Arc::new([x.clone(), y.clone()]);
    let lanes = |core| {
        let (is_soap, threads) = (arguments.soap, arguments.threads);
        Lanes::new(core, is_soap, owned, threads, Divided::Batches)
    };
    let mut lanes = match arguments.threads > 1 {
        true => Some(lanes(engine.core())?),
        false => None,
    };
    let mut soap = arguments.soap.then(|| engine.core().soap());
    let order = permutation(&mut stream(0, "rows"), split.train.len());
    let mut batches = order.chunks_exact(arguments.batch).cycle();
    let mut times = Vec::new();
    for _ in 0..arguments.steps {
        let chosen = batches.next().ok_or("fewer rows than a batch has")?;
        let began = Instant::now();
        match (&mut lanes, &mut soap) {
            (Some(lanes), _) => lanes.step(chosen, architecture.choices(), 1e-3),
            (None, None) => engine.step(rows, chosen, architecture, 1e-3),
            (None, Some(soap)) => {
                let core = engine.core();
                core.soap_step(soap, rows, chosen, architecture.choices(), 1e-3)
            }
        };
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    // Every tenth step of SOAP improves its bases, which a median would leave out.
    Ok(match arguments.soap {
        true => times.iter().sum::<f64>() / times.len() as f64,
        false => median(times),
    })
}

/// The milliseconds of the rival's step.
fn peer(python: &Path, program: &Path, arguments: &Arguments) -> Result<f64, Box<dyn Error>> {
    let output = Command::new(python)
        .arg(program)
        .arg(&arguments.data)
        .arg(arguments.seconds.to_string())
        .args(["--batch", &arguments.batch.to_string()])
        .output()?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(format!("the peer failed:\n{text}").into());
    }
    let text = String::from_utf8(output.stdout)?;
    let figures: serde_json::Value = serde_json::from_str(text.lines().last().unwrap_or_default())?;
    let milliseconds = figures["ms_step"].as_f64();
    milliseconds.ok_or_else(|| "the peer printed no ms_step".into())
}

/// The most GFLOP/s of one core by these instructions; none for the portable ones.
fn peak(form: Instructions) -> Option<f64> {
    const ROUNDS: usize = 100_000;
    let timed = |work: &dyn Fn(), lanes: usize| {
        let rates = (0..30).map(|_| {
            let began = Instant::now();
            work();
            (ROUNDS * SUMS * lanes * 2) as f64 / began.elapsed().as_secs_f64() / 1e9
        });
        rates.fold(0.0, f64::max)
    };
    match form {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: `Instructions::available` has found the instructions.
        Instructions::Avx512 => Some(timed(&|| unsafe { sixteen(ROUNDS) }, 16)),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Instructions::Avx2 => Some(timed(&|| unsafe { eight(ROUNDS) }, 8)),
        _ => None,
    }
}

/// Independent sums: more than two units with a latency of four cycles need.
const SUMS: usize = 12;

/// # Safety
/// The processor has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn eight(rounds: usize) {
    use std::arch::x86_64::*;
    let (factor, term) = black_box((0.5_f32, 0.25_f32));
    let (factor, term) = (_mm256_set1_ps(factor), _mm256_set1_ps(term));
    let mut sums = [term; SUMS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, factor, term);
        }
    }
    black_box(sums);
}

/// # Safety
/// The processor has AVX-512.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn sixteen(rounds: usize) {
    use std::arch::x86_64::*;
    let (factor, term) = black_box((0.5_f32, 0.25_f32));
    let (factor, term) = (_mm512_set1_ps(factor), _mm512_set1_ps(term));
    let mut sums = [term; SUMS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, term);
        }
    }
    black_box(sums);
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
