//! (agree) Compares nodes of random shapes with the CPU's in f64.

use anyhow::ensure;
use dense_search::candle_core::{DType, Device, Tensor, Var};
use dense_search::nodes::{Epilogue, Form, Grid, Pass, Plan};
use dense_search::space::{Function, Identity, Placement};
use dense_search::streams::stream;
use rand::Rng;
use std::sync::Arc;
use std::time::Instant;

/// The largest error of a node or a gradient, relative to its largest value: sums of up to 100,000
/// products in f32, with cancellation; the CPU's own in f32 reach 3e-5.
const NODE: f64 = 1e-4;

/// Compares nodes of random shapes, in one and two dimensions, and their gradients with respect to
/// all operands.
pub(crate) fn agree(device: &Device) -> anyhow::Result<bool> {
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
        let identity = if resize || random.random_bool(0.5) {
            Identity::Beside
        } else {
            Identity::Absent
        };
        let widths = [1, 3, 4, 16, 32, 64, 68];
        let inputs = widths[random.random_range(0..widths.len())];
        let outputs = match identity {
            Identity::Beside => inputs,
            Identity::Absent => widths[random.random_range(0..widths.len())],
        };
        // Every twentieth fills a device, where the kernels have larger blocks. It has no kinks:
        // among so many values one may lie so near to a kink that rounding decides its slope.
        let large = case % 20 == 0;
        let batch = if large {
            33_000 / input.positions() + 1
        } else {
            random.random_range(1..6)
        };
        let activations = [
            None,
            Some(Function::Silu),
            Some(Function::Tanh),
            Some(Function::Sine),
            Some(Function::Relu),
        ];
        let epilogue = Epilogue {
            activation: activations[random.random_range(0..if large { 4 } else { 5 })],
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
