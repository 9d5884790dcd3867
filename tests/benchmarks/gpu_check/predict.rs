//! (predict) Compares batches of one member with the device's limits.

use crate::{Arguments, drawn, spaces, wait};
use dense_search::candle_core::{DType, Device, Tensor};
use dense_search::data::Dataset;
use dense_search::nodes::Pass;
use dense_search::space::Architecture;
use dense_search::supernetwork::SuperNetwork;
use std::time::Instant;

/// Times batches of one member, relative to the device's rates.
pub(crate) fn time(arguments: &Arguments, data: &Dataset, device: &Device) -> anyhow::Result<()> {
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
