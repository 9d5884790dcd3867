//! The effect of each choice of the training on validation rows: the table of
//! docs/measurements/choices.md.
//!
//! `cargo run --release -p dense-tests --example choices -- FOLDER --space mlp-residual` changes
//! one choice at a time, trains the network for a fixed number of steps on each set, and prints the
//! geometric mean over sets and seeds of the validation loss relative to that of the product's
//! choices. Test rows are not read.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use clap::Parser;
use dense_search::assemble::data_order;
use dense_search::candle_core::{self, Device, Tensor, Var};
use dense_search::contenders::{Contender, contenders};
use dense_search::data::{Dataset, Normalisation, ReadOptions, Split};
use dense_search::nodes::Pass;
use dense_search::space::presets::MicroSizes;
use dense_search::space::{Function, Space};
use dense_search::training::{Choices, Members, Rows, Settings, Trainer};
use std::path::PathBuf;

/// The program's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// The folder with the sets, NAME.npz
    folder: PathBuf,
    /// Sets to train on
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "ots_epw,seis_dispersion,xray_reflectivity,ignition_scalars,bench_borehole,halo_power"
    )]
    sets: Vec<String>,
    /// Seeds of the weights and batches
    #[arg(long, value_delimiter = ',', default_value = "0")]
    seeds: Vec<u64>,
    /// Weight steps
    #[arg(long, default_value_t = 16_000)]
    steps: usize,
    /// Changes whose name contains this, beside the product's choices; all if left out
    #[arg(long, default_value = "")]
    changes: String,
    /// mlp-residual or mlp-basis
    #[arg(long, default_value = "mlp-residual")]
    space: String,
}

/// One changed choice.
#[derive(Clone, Copy)]
enum Change {
    None,
    Steps(Choices),
    Activation(Function),
    /// Initial weights are larger by this factor.
    Start(f64),
    /// The head's basis starts at random.
    RandomBasis,
    /// The step size is constant; the weights of this last share of the steps are averaged.
    Average(f64),
}

fn changes() -> Vec<(String, Change)> {
    let default = Choices::default();
    let mut all = vec![("the product's choices".to_owned(), Change::None)];
    for activation in [Function::Tanh, Function::Relu] {
        all.push((
            format!("{activation:?} for SiLU"),
            Change::Activation(activation),
        ));
    }
    all.push((
        "weights start sqrt(3) times as large".into(),
        Change::Start(3f64.sqrt()),
    ));
    all.push(("weights start half as large".into(), Change::Start(0.5)));
    all.push(("the basis starts at random".into(), Change::RandomBasis));
    for decay in [0.0, 1e-3, 3e-2, 1e-1, 3e-1] {
        all.push((
            format!("decay {decay}"),
            Change::Steps(Choices { decay, ..default }),
        ));
    }
    for rate in [1e-3, 4e-3, 8e-3] {
        all.push((
            format!("rate {rate}"),
            Change::Steps(Choices { rate, ..default }),
        ));
    }
    for batch in [32, 128] {
        all.push((
            format!("batch {batch}"),
            Change::Steps(Choices { batch, ..default }),
        ));
    }
    for fall in [0.2, 0.7, 1.0] {
        let percent = 100.0 * fall;
        all.push((
            format!("the rate falls over the last {percent} %"),
            Change::Steps(Choices { fall, ..default }),
        ));
    }
    all.push((
        "constant rate, mean weights of the last 40 %".into(),
        Change::Average(0.4),
    ));
    all
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    println!(
        "{}, {} steps, seeds {:?}, sets {}\n",
        arguments.space,
        arguments.steps,
        arguments.seeds,
        arguments.sets.join(", ")
    );
    println!("| choice | validation loss over the product's |");
    println!("|---|---|");
    let mut reference = Vec::new();
    for (name, change) in changes() {
        if !reference.is_empty() && !name.contains(&arguments.changes) {
            continue;
        }
        let mut losses = Vec::new();
        for set in &arguments.sets {
            let path = arguments.folder.join(format!("{set}.npz"));
            let data = Dataset::read(&path, &ReadOptions::default())?;
            for &seed in &arguments.seeds {
                losses.push(validation_loss(&data, &arguments, change, seed)?);
            }
        }
        if reference.is_empty() {
            reference.clone_from(&losses);
        }
        let logarithms = losses
            .iter()
            .zip(&reference)
            .map(|(loss, reference)| (loss / reference).ln());
        let mean = (logarithms.sum::<f64>() / losses.len() as f64).exp();
        println!("| {name} | {mean:.2} |");
    }
    Ok(())
}

fn validation_loss(
    data: &Dataset,
    arguments: &Arguments,
    change: Change,
    seed: u64,
) -> anyhow::Result<f64> {
    let Contender {
        mut space, members, ..
    } = contenders(&arguments.space, data, 1, MicroSizes::default())?.swap_remove(0);
    let mut choices = Choices::default();
    match change {
        Change::Steps(changed) => choices = changed,
        Change::Average(_) => choices.fall = 0.0,
        Change::Activation(activation) => space = with_activation(&space, activation)?,
        _ => {}
    }
    let split = Split::resolve(data, seed)?;
    let normalisation = Normalisation::fit(data, &split.train);
    let order = data_order(space.output());
    let rows = |rows: &[usize]| {
        let y = normalisation.encode_y(data, rows);
        let y = y.chunks_exact(order.len());
        let y = y
            .flat_map(|y| order.iter().map(|&place| y[place]))
            .collect();
        Rows::new(
            normalisation.encode_x(data, rows),
            data.input_count(),
            y,
            order.len(),
            &Device::Cpu,
        )
    };
    choices = choices.for_rows(split.train.len());
    let settings = Settings {
        steps: Some(arguments.steps),
        members: members.clone(),
        seed,
        choices,
    };
    let mut trainer = Trainer::new(
        &space,
        rows(&split.train)?,
        rows(&split.selection)?,
        settings,
    )?;
    match change {
        Change::Start(factor) => {
            for var in weights(&trainer) {
                var.set(&(var.as_tensor() * factor)?)?;
            }
        }
        Change::RandomBasis => {
            let drawn = dense_search::supernetwork::SuperNetwork::new(
                &space,
                seed,
                candle_core::DType::F32,
                &Device::Cpu,
            )?;
            for (var, drawn) in trainer.network().variables().iter().zip(drawn.variables()) {
                var.set(drawn.as_tensor())?;
            }
        }
        _ => {}
    }
    let mut sum: Option<(f64, Vec<Tensor>)> = None;
    while !trainer.is_done() {
        trainer.step()?;
        let done = trainer.steps_taken() as f64 / arguments.steps as f64;
        if let Change::Average(share) = change
            && done > 1.0 - share
            && trainer.steps_taken().is_multiple_of(10)
        {
            let now = trainer
                .network()
                .variables()
                .into_iter()
                .map(|var| var.as_tensor().copy());
            let now = now.collect::<candle_core::Result<Vec<_>>>()?;
            sum = Some(match sum {
                None => (1.0, now),
                Some((count, sum)) => {
                    let sums = sum.iter().zip(now).map(|(sum, now)| sum + now);
                    (count + 1.0, sums.collect::<candle_core::Result<_>>()?)
                }
            });
        }
    }
    if let Some((count, sum)) = sum {
        for (var, sum) in trainer.network().variables().iter().zip(sum) {
            var.set(&(sum / count)?)?;
        }
    }
    let Members::Given(members) = members else {
        anyhow::bail!(
            "--space {}: expected mlp-residual or mlp-basis",
            arguments.space
        );
    };
    let judged = rows(&split.validation)?;
    let network = trainer.network();
    let loss = network.loss(judged.x(), judged.y(), &members[0], Pass::Forward)?;
    Ok(f64::from(loss.to_scalar::<f32>()?))
}

/// The weights, without the biases and the basis of the head.
fn weights(trainer: &Trainer) -> Vec<Var> {
    let network = trainer.network();
    let heads: Vec<_> = network
        .low_rank_heads()
        .iter()
        .map(|head| head.id())
        .collect();
    let mut all = network.variables();
    all.retain(|var| var.rank() > 1 && !heads.contains(&var.id()));
    all
}

fn with_activation(space: &Space, activation: Function) -> anyhow::Result<Space> {
    let mut groups = space.groups().to_vec();
    for group in &mut groups {
        group.activation = group.activation.map(|_| activation);
    }
    Ok(Space::new(space.name(), space.inputs(), groups)?)
}
