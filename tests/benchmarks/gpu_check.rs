//! The GPU beside the CPU, and beside what its chip can do: docs/gpu.md says how it is built and run.
//!
//! `gpu_check [--only agree|search|step|predict] [--python PYTHON --peer dense_torch_gpu.py]`: (agree) losses and gradients
//! against the CPU's in f64; (search) the same search on the bundled data on both; (step) milliseconds of a weight step
//! beside PyTorch's, PYTHON having torch and numpy; (predict) batches beside the device's measured rates. Exit code 1
//! where (agree) or (search) fails.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use anyhow::{Context, ensure};
use clap::Parser;
use dense_search::assemble::output_deviation;
use dense_search::candle_core::{DType, Device, Tensor, Var};
use dense_search::commands::{demo, search};
use dense_search::contenders::contenders;
use dense_search::data::{Dataset, Normalisation, Part, ReadOptions, Split};
use dense_search::device::DeviceName;
use dense_search::metrics::evaluate;
use dense_search::nodes::{Epilogue, Form, Grid, Pass, Plan};
use dense_search::optimiser::AdamW;
use dense_search::space::presets::{MicroSizes, PaperWidths, paper};
use dense_search::space::{Activation, Architecture, Candidate, Identity, Placement, Shape, Space};
use dense_search::streams::{permutation, stream};
use dense_search::supernetwork::SuperNetwork;
use dense_search::training::{Rows, weight_step};
use dense_search::variables::NetworkVariables;
use rand::Rng;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Largest error of a node or a gradient over its largest value: sums of up to 100,000 products in f32, whose terms cancel;
/// the CPU's own in f32 reach 3e-5.
const NODE: f64 = 1e-4;
/// Most of `|loss - reference| / |reference|`: sums of fewer than 10,000 products in f32.
const LOSS: f64 = 1e-5;
/// Most of `||g - reference|| / ||reference||` of a variable's gradient: f32 through 16 nodes, and back.
const GRADIENT: f64 = 1e-4;
/// The GPU's test error over the CPU's after the same steps, at most: other rounding, other networks.
const ACCURACY: f64 = 1.5;

#[derive(Parser)]
struct Arguments {
    /// One check alone
    #[arg(long)]
    only: Option<String>,
    /// A Python with torch and numpy; ours alone is timed if left out
    #[arg(long)]
    python: Option<PathBuf>,
    /// The peer's script
    #[arg(long, default_value = "tests/peers/dense_torch_gpu.py")]
    peer: PathBuf,
    /// Weight steps of the search
    #[arg(long, default_value_t = 4000)]
    steps: usize,
    /// Turns of the timed steps
    #[arg(long, default_value_t = 5)]
    turns: usize,
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

fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let device = arguments.device.open()?;
    let data = demo::bundled()?;
    let wanted = |name: &str| arguments.only.as_deref().is_none_or(|only| only == name);
    let mut good = true;
    if wanted("agree") {
        good &= nodes(&device)?;
        for (name, space) in spaces(&data)? {
            good &= agree(name, &space, &data, &device)?;
        }
    }
    if wanted("search") {
        good &= searches(arguments)?;
    }
    if wanted("step") {
        steps(arguments, &data, &device)?;
    }
    if wanted("predict") {
        predict(arguments, &data, &device)?;
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

/// Architectures of uniform network variables.
fn drawn(space: &Space, count: usize) -> Vec<Architecture> {
    let mut random = stream(0, "weight step");
    let uniform = NetworkVariables::uniform(space);
    (0..count).map(|_| uniform.sample(&mut random)).collect()
}

/// The encoded training rows.
fn encoded(data: &Dataset) -> anyhow::Result<(Vec<f32>, Vec<f32>)> {
    let split = Split::resolve(data, 0)?;
    let normalisation = Normalisation::fit(data, &split.train);
    Ok((
        normalisation.encode_x(data, &split.train),
        normalisation.encode_y(data, &split.train),
    ))
}

/// Waits until the device has done what it was given.
fn wait(device: &Device) -> anyhow::Result<()> {
    Ok(device.synchronize()?)
}

/// A loss, and the gradients by the variables that were used, in their order, `None` for the others.
type Evaluation = (f64, Vec<Option<Vec<f64>>>);

fn evaluation(
    network: &SuperNetwork,
    [x, y]: [&Tensor; 2],
    architecture: &Architecture,
) -> anyhow::Result<Evaluation> {
    let loss = network.loss(x, y, architecture, Pass::ForwardAndBackward)?;
    let gradients = network.gradients(&loss)?;
    let numbers = |tensor: &Tensor| -> anyhow::Result<Vec<f64>> {
        Ok(tensor.flatten_all()?.to_dtype(DType::F64)?.to_vec1()?)
    };
    let variables = network.variables();
    let gradients = variables
        .iter()
        .map(|variable| gradients.get(variable).map(numbers).transpose());
    Ok((
        numbers(&loss)?[0],
        gradients.collect::<anyhow::Result<_>>()?,
    ))
}

/// The largest relative errors of loss and gradients.
fn error(found: &Evaluation, truth: &Evaluation) -> (f64, f64) {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let mut worst = 0.0f64;
    for (found, truth) in found.1.iter().zip(&truth.1) {
        let relative = match (found, truth) {
            (None, None) => continue,
            (Some(found), Some(truth)) if found.len() == truth.len() => {
                let both = found.iter().zip(truth);
                let difference = norm(&mut both.map(|(f, t)| f - t));
                difference / norm(&mut truth.iter().copied()).max(1e-12)
            }
            _ => f64::INFINITY,
        };
        worst = if relative.is_nan() {
            f64::INFINITY
        } else {
            worst.max(relative)
        };
    }
    ((found.0 - truth.0).abs() / truth.0.abs(), worst)
}

/// (agree) Nodes of random shapes, in one and two dimensions, with the gradients by all that they read.
fn nodes(device: &Device) -> anyhow::Result<bool> {
    const CASES: usize = 400;
    let mut random = stream(0, "nodes on a GPU");
    let began = Instant::now();
    let (mut worst, mut worst_case) = (0.0f64, String::new());
    for case in 0..CASES {
        let flat = random.random_bool(0.5);
        let mut grid = |most: usize| Grid {
            height: if flat {
                1
            } else {
                random.random_range(1..most)
            },
            width: random.random_range(1..most),
        };
        let (input, mut output, half, mut stride) = (grid(9), grid(9), grid(4), grid(4));
        let kernel = Grid {
            height: 2 * half.height - 1,
            width: 2 * half.width - 1,
        };
        match random.random_range(0..3) {
            0 => output = input,
            // As in the published space.
            1 => {
                stride = Grid {
                    height: 1,
                    width: 2,
                };
                output = Grid {
                    width: 2 * input.width,
                    ..input
                };
            }
            _ => {}
        }
        let plan = match random.random_range(0..5) {
            0 => None,
            1 => Some(Plan::resize(input, output)),
            2 => Some(Plan::convolution(input, output, kernel)),
            _ => Some(Plan::transposed(input, output, kernel, stride)),
        };
        let resize = plan
            .as_ref()
            .is_some_and(|plan| *plan == Plan::resize(input, output));
        let identity = match resize || random.random_bool(0.5) {
            true => Identity::Beside,
            false => Identity::Absent,
        };
        let widths = [1, 3, 4, 16, 32, 64, 68];
        let inputs = widths[random.random_range(0..widths.len())];
        let outputs = match identity {
            Identity::Beside => inputs,
            Identity::Absent => widths[random.random_range(0..widths.len())],
        };
        // Every twentieth fills a device: there the kernels have larger blocks. Without kinks, as one of so many numbers may
        // lie so near to one that rounding decides its slope.
        let large = case % 20 == 0;
        let batch = match large {
            true => 33_000 / input.positions() + 1,
            false => random.random_range(1..6),
        };
        let activations = [
            None,
            Some(Activation::Silu),
            Some(Activation::Tanh),
            Some(Activation::Relu),
        ];
        let epilogue = Epilogue {
            activation: activations[random.random_range(0..if large { 3 } else { 4 })],
            placement: [Placement::After, Placement::OnBranch][random.random_range(0..2)],
            identity,
        };
        let mut numbers = |dims: &[usize]| -> anyhow::Result<Tensor> {
            let values: Vec<f32> = (0..dims.iter().product())
                .map(|_| random.random_range(-1.0..1.0))
                .collect();
            Ok(Tensor::from_vec(values, dims, &Device::Cpu)?)
        };
        let on = |grid: Grid, channels| match (flat, &plan) {
            (_, None) => vec![batch, channels],
            (true, _) => vec![batch, grid.width, channels],
            _ => vec![batch, grid.height, grid.width, channels],
        };
        let weights = match (&plan, flat) {
            (None, _) => vec![inputs, outputs],
            (_, true) => vec![kernel.width, inputs, outputs],
            _ => vec![kernel.height, kernel.width, inputs, outputs],
        };
        let tensors = [
            numbers(&on(input, inputs))?,
            numbers(&weights)?,
            numbers(&[outputs])?,
            numbers(&on(output, outputs))?,
        ];
        let plan = plan.map(Arc::new);
        let run = |form: Form, device: &Device, dtype| -> anyhow::Result<Vec<Vec<f64>>> {
            let place = |tensor: &Tensor| tensor.to_dtype(dtype)?.to_device(device);
            let [x, weight, bias] = [0, 1, 2].map(|k| Var::from_tensor(&place(&tensors[k])?));
            let (x, weight, bias) = (x?, weight?, bias?);
            let pass = Pass::ForwardAndBackward;
            let y = match &plan {
                None => form.dense(&x, &weight, Some(&bias), epilogue, pass)?,
                Some(plan) if resize => form.identity(plan, &x, epilogue, pass)?,
                Some(plan) => form.correlate(plan, &x, &weight, &bias, epilogue, pass)?,
            };
            let gradients = form.backward(&(&y * place(&tensors[3])?)?.sum_all()?)?;
            let mut all = vec![y];
            for variable in [&x, &weight, &bias] {
                all.extend(gradients.get(variable).cloned());
            }
            let values = all
                .iter()
                .map(|tensor| tensor.flatten_all()?.to_dtype(DType::F64)?.to_vec1());
            Ok(values.collect::<Result<_, _>>()?)
        };
        let truth = run(Form::Fused, &Device::Cpu, DType::F64)?;
        let found = run(Form::of(device), device, DType::F32)?;
        ensure!(
            truth.len() == found.len(),
            "case {case}: other gradients than the CPU's"
        );
        for (part, (truth, found)) in truth.iter().zip(&found).enumerate() {
            let largest = truth.iter().fold(1.0, |most: f64, v| most.max(v.abs()));
            let both = truth.iter().zip(found);
            let difference = both.fold(0.0, |most: f64, (t, f)| match (t - f).abs() {
                difference if difference <= most => most,
                difference if difference.is_nan() => f64::INFINITY,
                difference => difference,
            });
            if difference / largest > worst {
                worst = difference / largest;
                let kind = plan
                    .as_ref()
                    .map_or("dense", |_| if resize { "resize" } else { "correlate" });
                worst_case = format!(
                    "case {case}, {} of {kind}, {input:?} to {output:?}, {kernel:?}, {stride:?}, batch {batch}, {weights:?}, {epilogue:?}",
                    ["values", "dx", "dw", "db"][part]
                );
            }
        }
    }
    let good = worst <= NODE;
    println!(
        "agree: {CASES} random nodes and their gradients, largest error {worst:.1e} of the largest value (at most {NODE:.0e}; {:.1} s): {}",
        began.elapsed().as_secs_f64(),
        if good { "yes" } else { "NO" }
    );
    if !good {
        println!("  {worst_case}");
    }
    Ok(good)
}

/// Draws the biases, which start at 0: a network of zeros would not say where they are added.
fn draw_biases(network: &SuperNetwork) -> anyhow::Result<()> {
    let mut random = stream(0, "biases");
    for variable in network.variables() {
        if let [count] = *variable.dims() {
            let values: Vec<f32> = (0..count).map(|_| random.random_range(-0.5..0.5)).collect();
            let values = Tensor::new(values, variable.device())?;
            variable.set(&values.to_dtype(variable.dtype())?)?;
        }
    }
    Ok(())
}

/// (agree) Losses and gradients of sampled architectures.
fn agree(name: &str, space: &Space, data: &Dataset, device: &Device) -> anyhow::Result<bool> {
    const ARCHITECTURES: usize = 32;
    const BATCH: usize = 32;
    let began = Instant::now();
    let (x, y) = encoded(data)?;
    let tensors = |device: &Device, dtype: DType| -> anyhow::Result<[Tensor; 2]> {
        let first = |values: &[f32], columns: usize| {
            Tensor::from_slice(&values[..BATCH * columns], (BATCH, columns), device)?
                .to_dtype(dtype)
        };
        Ok([
            first(&x, data.input_count())?,
            first(&y, data.output_count())?,
        ])
    };
    let networks = [
        (DType::F64, Device::Cpu, None),
        (DType::F32, Device::Cpu, None),
        (DType::F32, device.clone(), None),
        (DType::F32, device.clone(), Some(Form::Composite)),
    ];
    let networks = networks
        .into_iter()
        .map(|(dtype, device, form)| {
            let network = SuperNetwork::new(space, 0, dtype, &device)?;
            draw_biases(&network)?;
            let network = match form {
                Some(form) => network.in_form(form),
                None => network,
            };
            Ok((network, tensors(&device, dtype)?))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let (mut worst, mut repeats) = ([(0.0f64, 0.0f64); 3], true);
    for architecture in drawn(space, ARCHITECTURES) {
        let found = networks
            .iter()
            .map(|(network, [x, y])| evaluation(network, [x, y], &architecture))
            .collect::<anyhow::Result<Vec<_>>>()?;
        for (worst, found_one) in worst.iter_mut().zip(&found[1..]) {
            let (loss, gradient) = error(found_one, &found[0]);
            *worst = (worst.0.max(loss), worst.1.max(gradient));
        }
        let (network, [x, y]) = &networks[2];
        repeats &= evaluation(network, [x, y], &architecture)? == found[2];
    }
    let good = repeats && worst[1..].iter().all(|w| w.0 <= LOSS && w.1 <= GRADIENT);
    println!(
        "agree: {name}, {ARCHITECTURES} architectures, batch {BATCH}, against the CPU in f64 (at most {LOSS:.0e} loss, \
         {GRADIENT:.0e} gradient; repeated bits {repeats}; {:.1} s): {}",
        began.elapsed().as_secs_f64(),
        if good { "yes" } else { "NO" }
    );
    let names = ["CPU, f32", "GPU, kernels", "GPU, candle's operations"];
    for (name, (loss, gradient)) in names.iter().zip(worst) {
        println!("  {name:26} loss {loss:.1e}   gradient {gradient:.1e}");
    }
    Ok(good)
}

/// (search) The same search on both devices.
fn searches(arguments: &Arguments) -> anyhow::Result<bool> {
    let mut errors = Vec::new();
    for device in [DeviceName::Cpu, arguments.device] {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let plan = search::Plan {
            extent: search::Extent::Steps(arguments.steps),
            threads,
            device,
            teacher: search::TeacherName::None,
            ..search::Plan::default()
        };
        let input = search::Input {
            data: demo::bundled()?,
            path: None,
            options: ReadOptions::default(),
        };
        let folder = tempfile::tempdir()?;
        let began = Instant::now();
        let report = search::run(&input, &plan, folder.path(), &AtomicBool::new(false))?;
        let seconds = began.elapsed().as_secs_f64();
        let emulator = dense_codegen::file::load(&search::emulator_file(folder.path()))?;
        let rows = input.data.part_rows(Part::Test)?;
        let deviation = output_deviation(&emulator);
        let mse = evaluate(&emulator, &input.data, &rows, &deviation, threads).mse_z;
        println!(
            "search: micro, {} steps, 4 members, {device}: val_mse_z {:.5e}, test mse_z {mse:.5e}, {seconds:.1} s, {} MAC",
            arguments.steps, report.val_mse_z, report.macs
        );
        errors.push(mse);
    }
    let good = errors[1] <= ACCURACY * errors[0];
    println!(
        "search: the GPU's test error over the CPU's {:.5} (at most {ACCURACY}): {}",
        errors[1] / errors[0],
        if good { "yes" } else { "NO" }
    );
    Ok(good)
}

/// (step) Milliseconds of a weight step.
fn steps(arguments: &Arguments, data: &Dataset, device: &Device) -> anyhow::Result<()> {
    const BATCH: usize = 32;
    const ARCHITECTURES: usize = 150;
    let space = &spaces(data)?[0].1;
    let architectures = drawn(space, ARCHITECTURES);
    let (x, y) = encoded(data)?;
    let rows = Rows::new(x, data.input_count(), y, data.output_count(), device)?;
    let order = permutation(&mut stream(0, "rows"), rows.count());
    let network = SuperNetwork::new(space, 0, DType::F32, device)?;
    let mut optimiser = AdamW::new(network.variables(), 0.0)?;
    let mut batches = order.chunks_exact(BATCH).cycle();
    let mut step = |architecture| -> anyhow::Result<()> {
        let chosen = batches.next().context("more rows than a batch has")?;
        let rows = rows.chosen(chosen)?;
        weight_step(&network, &mut optimiser, &rows, architecture, 1e-3)?;
        Ok(())
    };
    for _ in 0..2 {
        architectures.iter().try_for_each(&mut step)?;
    }
    wait(device)?;
    // A device that is busy, and a step that does not wait for it: nothing is read back.
    let busy = Tensor::ones((8192, 8192), DType::F32, device)?;
    busy.matmul(&busy)?;
    wait(device)?;
    let began = Instant::now();
    for _ in 0..4 {
        busy.matmul(&busy)?;
    }
    step(&architectures[0])?;
    let issued = began.elapsed().as_secs_f64() * 1e3;
    wait(device)?;
    let done = began.elapsed().as_secs_f64() * 1e3;
    println!(
        "step: behind {done:.1} ms of other work a step is issued in {issued:.2} ms: nothing waits for the device: {}",
        if issued < 0.5 * done { "yes" } else { "NO" }
    );
    let mut each = Vec::new();
    for architecture in &architectures {
        let began = Instant::now();
        step(architecture)?;
        wait(device)?;
        each.push(began.elapsed().as_secs_f64() * 1e3);
    }
    println!(
        "step: paper, 64 channels, FC 256, batch {BATCH}, {ARCHITECTURES} architectures: median {:.3} ms with a wait a step",
        median(&mut each)
    );
    let names = tempfile::NamedTempFile::new()?;
    serde_json::to_writer(&names, &peer_names(space, &architectures))?;
    let mut all: [Vec<f64>; 3] = Default::default();
    for _ in 0..arguments.turns {
        let mut blocks = Vec::new();
        for _ in 0..3 {
            wait(device)?;
            let began = Instant::now();
            architectures.iter().try_for_each(&mut step)?;
            let issued = began.elapsed().as_secs_f64() * 1e3 / ARCHITECTURES as f64;
            wait(device)?;
            blocks.push(began.elapsed().as_secs_f64() * 1e3 / ARCHITECTURES as f64);
            all[0].push(issued);
        }
        let ours = median(&mut blocks);
        print!("  a block of steps, one wait: ours {ours:.3} ms a step");
        if let Some(python) = &arguments.python {
            for (k, tf32) in [false, true].into_iter().enumerate() {
                let peer = peer(python, &arguments.peer, names.path(), tf32)?;
                all[k + 1].push(ours / peer.0);
                let kind = if tf32 { "TF32" } else { "f32" };
                print!(
                    "   PyTorch {kind} {:.3} ms (median with waits {:.3}) ratio {:.3}",
                    peer.0,
                    peer.1,
                    ours / peer.0
                );
            }
        }
        println!();
    }
    println!("  the host issues a step in {:.3} ms", median(&mut all[0]));
    if !all[1].is_empty() {
        println!(
            "  median ratio: PyTorch f32 {:.3}, TF32 convolutions {:.3}",
            median(&mut all[1]),
            median(&mut all[2])
        );
    }
    Ok(())
}

/// PyTorch's milliseconds: of a block's step, and the median of steps with a wait each.
fn peer(python: &Path, script: &Path, names: &Path, tf32: bool) -> anyhow::Result<(f64, f64)> {
    let mut command = Command::new(python);
    command.arg(script).arg("--archs").arg(names);
    if tf32 {
        command.arg("--tf32");
    }
    let output = command.output()?;
    ensure!(
        output.status.success(),
        "the peer failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    let figures: serde_json::Value = serde_json::from_str(text.lines().last().unwrap_or_default())?;
    let figure = |name: &str| figures[name].as_f64().context("the peer printed no time");
    Ok((figure("block_ms")?, figure("median_ms")?))
}

/// The architectures in the peer's names, without the two fixed layers that it does not list.
fn peer_names(space: &Space, architectures: &[Architecture]) -> Vec<Vec<String>> {
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

/// (predict) Batches of one member beside the device's rates.
fn predict(arguments: &Arguments, data: &Dataset, device: &Device) -> anyhow::Result<()> {
    let space = &spaces(data)?[0].1;
    let mut architectures = drawn(space, 150);
    let macs = |a: &Architecture| space.architecture_macs(a).unwrap_or(0);
    architectures.sort_by_key(macs);
    let member = &architectures[architectures.len() / 2];
    let macs = macs(member) as f64;
    let seconds = |work: &mut dyn FnMut() -> anyhow::Result<()>| -> anyhow::Result<f64> {
        work()?;
        wait(device)?;
        let began = Instant::now();
        work()?;
        wait(device)?;
        let once = began.elapsed().as_secs_f64();
        let times = (0.2 / once).clamp(3.0, 500.0) as usize;
        let began = Instant::now();
        for _ in 0..times {
            work()?;
        }
        wait(device)?;
        Ok(began.elapsed().as_secs_f64() / times as f64)
    };
    let n = 8192;
    let random = |rows: usize, columns: usize| -> anyhow::Result<Tensor> {
        Ok(Tensor::rand(-1f32, 1f32, (rows, columns), device)?)
    };
    let (a, b) = (random(n, n)?, random(n, n)?);
    let product = seconds(&mut || Ok(a.matmul(&b).map(drop)?))?;
    let rate = (n as f64).powi(3) / product;
    let network = SuperNetwork::new(space, 0, DType::F32, device)?;
    network.forward(&random(64, data.input_count())?, member, Pass::Forward)?;
    let large = random(1 << 14, 1 << 14)?;
    let copy = seconds(&mut || Ok(large.copy().map(drop)?))?;
    let bandwidth = 2.0 * 4.0 * large.elem_count() as f64 / copy;
    drop(large);
    println!(
        "predict: measured {:.1} T multiply-accumulates/s (f32 product of {n}, no TF32), {:.2} TB/s (device copy, read + write)",
        rate / 1e12,
        bandwidth / 1e12
    );
    let inputs = data.input_count();
    let weights: usize = space
        .groups()
        .iter()
        .enumerate()
        .map(|(g, _)| {
            let parameters = network.parameters(g, member.choices()[g]).iter();
            parameters
                .map(|parameter| parameter.var.elem_count())
                .sum::<usize>()
        })
        .sum();
    let nodes: usize = space.groups().iter().map(|group| group.output.size()).sum();
    println!(
        "predict: paper, member of {macs} MAC (the median of 150), {weights} weights, {nodes} numbers in its nodes"
    );
    println!(
        "  batch    us/sample   FMA floor  memory floor (ends)  (with nodes)   over the larger floor"
    );
    for &batch in &arguments.batches {
        let x = random(batch, inputs)?;
        let time = seconds(&mut || Ok(network.forward(&x, member, Pass::Forward).map(drop)?))?;
        let each = |seconds: f64| seconds / batch as f64 * 1e6;
        let fma = batch as f64 * macs / rate;
        let ends = 4.0 * (batch * (inputs + data.output_count()) + weights) as f64 / bandwidth;
        let through = ends + 8.0 * (batch * nodes) as f64 / bandwidth;
        println!(
            "  {batch:6} {:11.4} {:11.4} {:13.4} {:13.4} {:16.2}",
            each(time),
            each(fma),
            each(ends),
            each(through),
            time / fma.max(ends)
        );
    }
    Ok(())
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
