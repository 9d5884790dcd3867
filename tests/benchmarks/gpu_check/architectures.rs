//! (agree) Compares losses and gradients of sampled architectures with the CPU's in f64.

use crate::{Encoded, drawn};
use dense_search::candle_core::{DType, Device, Tensor};
use dense_search::nodes::{Form, Pass};
use dense_search::space::{Architecture, Space};
use dense_search::streams::stream;
use dense_search::supernetwork::SuperNetwork;
use rand::Rng;
use std::time::Instant;

/// Upper bound of `|loss - reference| / |reference|`: sums of fewer than 10,000 products in f32.
const LOSS: f64 = 1e-5;
/// Upper bound of `||g - reference|| / ||reference||` of a variable's gradient, in f32 through 16
/// nodes and back: by our nodes, and by candle's operations, which reach 1.1e-4 on a CPU, 3.4e-5 on
/// a GPU.
const GRADIENT: [f64; 2] = [1e-4, 2e-4];

/// A loss, and the gradients with respect to the variables in order, `None` for those not used.
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

/// Draws random biases instead of 0: with zeros, a bias added in the wrong place would go
/// unnoticed.
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

/// Compares losses and gradients of sampled architectures.
pub(crate) fn agree(
    name: &str,
    space: &Space,
    rows: &Encoded,
    device: &Device,
) -> anyhow::Result<bool> {
    const ARCHITECTURES: usize = 32;
    const BATCH: usize = 32;
    let began = Instant::now();
    let tensors = |device: &Device, dtype: DType| -> anyhow::Result<[Tensor; 2]> {
        let first = |values: &[f32], columns: usize| {
            Tensor::from_slice(&values[..BATCH * columns], (BATCH, columns), device)?
                .to_dtype(dtype)
        };
        Ok([first(&rows.x, rows.inputs)?, first(&rows.y, rows.outputs)?])
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
    let mut judged = worst[1..].iter().zip(GRADIENT);
    let good = repeats && judged.all(|(w, gradient)| w.0 <= LOSS && w.1 <= gradient);
    let [ours, candles] = GRADIENT;
    println!(
        "agree: {name}, {ARCHITECTURES} architectures, batch {BATCH}, against the CPU in f64 (at most {LOSS:.0e} loss, \
         {ours:.0e} gradient, {candles:.0e} by candle's operations; repeated bits {repeats}; {:.1} s): {}",
        began.elapsed().as_secs_f64(),
        if good { "yes" } else { "NO" }
    );
    let of_device = match device {
        Device::Cpu => "CPU again, fused",
        _ => "GPU, kernels",
    };
    let names = ["CPU, f32, fused", of_device, "there, candle's operations"];
    for (name, (loss, gradient)) in names.iter().zip(worst) {
        println!("  {name:26} loss {loss:.1e}   gradient {gradient:.1e}");
    }
    Ok(good)
}
