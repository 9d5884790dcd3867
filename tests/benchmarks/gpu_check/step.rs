//! (step) Milliseconds of a weight step of the published space, compared with PyTorch's, on curves
//! and on images.

use crate::{Arguments, Encoded, drawn, encoded, median, output, wait, waves};
use anyhow::{Context, ensure};
use dense_search::candle_core::{DType, Device, Tensor};
use dense_search::data::Dataset;
use dense_search::optimiser::AdamW;
use dense_search::space::presets::{PaperWidths, paper};
use dense_search::space::{Architecture, Candidate, Shape, Space};
use dense_search::streams::{permutation, stream};
use dense_search::supernetwork::SuperNetwork;
use dense_search::training::weight_step;
use dense_search::transfer;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// The data and the space of a timing.
pub(crate) struct Case {
    name: &'static str,
    space: Space,
    widths: PaperWidths,
    rows: Encoded,
    batch: usize,
}

/// The bundled curves, and images of the requested size.
pub(crate) fn cases(arguments: &Arguments, data: &Dataset) -> anyhow::Result<Vec<Case>> {
    // Values do not affect a step's time: the fewest rows that give every batch its own.
    const IMAGES: usize = 64;
    let &[channels, height, width] = &arguments.image[..] else {
        anyhow::bail!("--image: expected channels, height and width, as 12x192x96");
    };
    let image = Shape::Image {
        height,
        width,
        channels,
    };
    let widths = PaperWidths {
        channels: arguments.channels,
        ..PaperWidths::default()
    };
    Ok(vec![
        Case {
            name: "curves",
            space: paper(data.input_count(), output(data), widths)?,
            widths,
            rows: encoded(data)?,
            batch: 32,
        },
        Case {
            name: "images",
            space: paper(5, image, widths)?,
            widths,
            rows: waves(5, image.size(), IMAGES),
            batch: 8,
        },
    ])
}

/// Times the steps of a case; returns whether none of them read from the device.
pub(crate) fn time(case: &Case, arguments: &Arguments, device: &Device) -> anyhow::Result<bool> {
    let Case { space, batch, .. } = case;
    let architectures = drawn(space, arguments.architectures);
    let rows = case.rows.on(device)?;
    let order = permutation(&mut stream(0, "rows"), rows.count());
    let network = SuperNetwork::new(space, 0, DType::F32, device)?;
    let mut optimiser = AdamW::new(network.variables(), 0.0)?;
    let mut batches = order.chunks_exact(*batch).cycle();
    let mut step = |architecture| -> anyhow::Result<()> {
        let chosen = batches.next().context("more rows than a batch has")?;
        let rows = rows.chosen(chosen)?;
        weight_step(&network, &mut optimiser, &rows, architecture, 1e-3)?;
        Ok(())
    };
    let reads = transfer::reads();
    for _ in 0..2 {
        architectures.iter().try_for_each(&mut step)?;
    }
    let reads = transfer::reads() - reads;
    println!(
        "step: paper, {}, {}, {} channels, FC {}, batch {batch}, {} architectures: {reads} reads of the device in {} steps: {}",
        case.name,
        space.output(),
        case.widths.channels,
        case.widths.dense,
        architectures.len(),
        2 * architectures.len(),
        if reads == 0 { "yes" } else { "NO" }
    );
    wait(device)?;
    if !device.is_cpu() {
        issue(device, || step(&architectures[0]))?;
    }
    let mut each = Vec::new();
    for architecture in &architectures {
        let began = Instant::now();
        step(architecture)?;
        wait(device)?;
        each.push(began.elapsed().as_secs_f64() * 1e3);
    }
    println!("  median {:.3} ms with a wait a step", median(&mut each));
    let variables = network.variables();
    let weights = variables.iter().map(|variable| variable.elem_count());
    let peer = Peer {
        arguments,
        case,
        architectures: &architectures,
        weights: weights.sum(),
    };
    let mut all: [Vec<f64>; 3] = Default::default();
    for _ in 0..arguments.turns {
        let mut blocks = Vec::new();
        for _ in 0..3 {
            wait(device)?;
            let began = Instant::now();
            architectures.iter().try_for_each(&mut step)?;
            let each = |began: Instant| {
                began.elapsed().as_secs_f64() * 1e3 / arguments.architectures as f64
            };
            all[0].push(each(began));
            wait(device)?;
            blocks.push(each(began));
        }
        let ours = median(&mut blocks);
        print!("  a block of steps, one wait: ours {ours:.3} ms a step");
        if let Some(python) = &arguments.python {
            for (k, tf32) in [false, true].into_iter().enumerate() {
                let (block, with_waits) = peer.time(python, tf32)?;
                all[k + 1].push(ours / block);
                let kind = if tf32 { "TF32" } else { "f32" };
                print!(
                    "   PyTorch {kind} {block:.3} ms (median with waits {with_waits:.3}) ratio {:.3}",
                    ours / block
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
    Ok(reads == 0)
}

/// Prints whether a step waits for a busy device: it does not, unless something is read back.
fn issue(device: &Device, step: impl FnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
    let busy = Tensor::ones((8192, 8192), DType::F32, device)?;
    busy.matmul(&busy)?;
    wait(device)?;
    let began = Instant::now();
    for _ in 0..4 {
        busy.matmul(&busy)?;
    }
    step()?;
    let issued = began.elapsed().as_secs_f64() * 1e3;
    wait(device)?;
    let done = began.elapsed().as_secs_f64() * 1e3;
    println!(
        "  behind {done:.1} ms of other work a step is issued in {issued:.2} ms: nothing waits for the device: {}",
        if issued < 0.5 * done { "yes" } else { "NO" }
    );
    Ok(())
}

/// PyTorch's network with the same weights.
struct Peer<'a> {
    arguments: &'a Arguments,
    case: &'a Case,
    architectures: &'a [Architecture],
    weights: usize,
}

impl Peer<'_> {
    /// PyTorch's milliseconds: for a step in a block of steps, and the median of steps with a wait
    /// each.
    fn time(&self, python: &Path, tf32: bool) -> anyhow::Result<(f64, f64)> {
        let Case {
            space,
            widths,
            rows,
            batch,
            ..
        } = self.case;
        let names = tempfile::NamedTempFile::new()?;
        serde_json::to_writer(&names, &names_of(space, self.architectures))?;
        let (channels, axes) = match space.output() {
            Shape::Vector(numbers) => (1, vec![numbers]),
            Shape::Sequence { length, channels } => (channels, vec![length]),
            Shape::Image {
                height,
                width,
                channels,
            } => (channels, vec![height, width]),
        };
        let count = rows.x.len() / rows.inputs;
        let mut command = Command::new(python);
        command
            .arg(&self.arguments.peer)
            .arg("--archs")
            .arg(names.path());
        for (option, value) in [
            ("--inputs", rows.inputs),
            ("--outputs", channels),
            ("--channels", widths.channels),
            ("--fc", widths.dense),
            ("--batch", *batch),
            ("--rows", count),
        ] {
            command.args([option, &value.to_string()]);
        }
        let sizes: Vec<_> = axes.iter().map(usize::to_string).collect();
        command.args(["--size", &sizes.join("x")]);
        command.args(["--device", &self.arguments.device.to_string()]);
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
        let last = text.lines().last().unwrap_or_default();
        let figures: serde_json::Value = serde_json::from_str(last)?;
        ensure!(
            figures["params"] == self.weights,
            "the peer has {} weights, we have {}: another network",
            figures["params"],
            self.weights
        );
        let figure = |name: &str| figures[name].as_f64().context("the peer printed no time");
        Ok((figure("block_ms")?, figure("median_ms")?))
    }
}

/// The architectures in the peer's notation, without the two fixed layers that it omits.
fn names_of(space: &Space, architectures: &[Architecture]) -> Vec<Vec<String>> {
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
