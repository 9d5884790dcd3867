//! Costs: error against work, the latency of the frozen code, and the contents of flash.

use super::facts::Facts;
use super::page::{Page, figure, grid, missing};
use super::plot::{Axis, Plot, SIZE};
use super::scale::Scale;
use super::text::{bytes, seconds};
use crate::search::Judged;
use std::collections::BTreeMap;

/// Bars of the histogram.
const BARS: usize = 48;

pub(super) fn section(facts: &Facts, page: &mut Page) {
    let mut lines = String::new();
    let mut figures = Vec::new();
    match pareto(facts) {
        Some(picture) => figures.push(picture),
        None => lines += &missing("Error against cost is not known: the run has no pareto.json."),
    }
    match latency(facts) {
        Some(picture) => figures.push(picture),
        None => {
            lines +=
                &missing("The frozen code was not timed: leave out --no-latency for its histogram.")
        }
    }
    figures.push(flash(facts));
    let about = "Of the shipped call: guard, all members, mean and standard deviation.";
    page.section(
        "What it costs",
        about,
        &format!("{lines}{}", grid(&figures)),
    );
}

/// Error against work of every row of the Pareto table.
fn pareto(facts: &Facts) -> Option<String> {
    let rows = facts.pareto.as_ref().map(|table| &table.rows);
    let rows = rows.filter(|rows| !rows.is_empty())?;
    let report = facts.description.report.as_ref();
    let mut plot = Plot::new(
        Axis::new(
            Scale::decades(rows.iter().map(|row| row.macs as f64)),
            "work (multiply-accumulates)",
        ),
        Axis::new(
            Scale::decades(rows.iter().map(|row| row.val_mse_z)),
            match report.map(|report| report.judged) {
                Some(Judged::OutOfFold) => "mse_z, estimated (1)",
                _ => "mse_z on validation rows (1)",
            },
        ),
    );
    let mut front: Vec<_> = rows
        .iter()
        .map(|row| (row.macs as f64, row.val_mse_z))
        .collect();
    front.sort_by(|a, b| a.0.total_cmp(&b.0));
    plot.line("quiet thin", front.iter().copied());
    plot.points("a", 4.0, front);
    for row in rows {
        let (x, y) = (row.macs as f64, row.val_mse_z);
        if row.ships {
            plot.points("b", 5.5, [(x, y)]);
        }
        plot.note(x, y, &row.row.to_string());
    }
    Some(figure(
        &plot.svg("Error against work"),
        "Error against work.",
        "Numbers are rows of the Pareto table, each of which can be frozen.",
        &[("a", "of the run"), ("b", "ships")],
    ))
}

/// The distribution of the latency of single calls of the frozen code.
fn latency(facts: &Facts) -> Option<String> {
    let readings = facts.latency.as_ref()?["readings_us"].as_array()?;
    let mut readings: Vec<f64> = readings
        .iter()
        .filter_map(serde_json::Value::as_f64)
        .collect();
    readings.sort_by(f64::total_cmp);
    let at = |share: f64| readings[((readings.len() - 1) as f64 * share).round() as usize];
    let scale = Scale::decades([*readings.first()?, at(0.999) * 1.1]);
    let mut counts = [0usize; BARS];
    for reading in &readings {
        let bar = (BARS as f64 * scale.at(*reading)) as usize;
        counts[bar.min(BARS - 1)] += 1;
    }
    let most = counts.iter().copied().max().unwrap_or(1).max(1) as f64;
    let share = |count: f64| 100.0 * count / readings.len() as f64;
    let mut plot = Plot::new(
        Axis::new(scale, "time of a call (µs)"),
        Axis::new(Scale::between(0.0, 1.15 * share(most), false), "calls (%)"),
    );
    let edge = |bar: usize| scale.value(bar as f64 / BARS as f64);
    let bars = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    plot.bars(
        "a",
        bars.map(|(bar, &count)| [edge(bar), edge(bar + 1), 0.0, share(count as f64)]),
    );
    plot.mark(at(0.5), "median", 0);
    plot.mark(at(0.999), "99.9 %", 0);
    let read = format!(
        "{} readings of single calls with other inputs each, on this machine and one thread. Slowest: {}, in the last bar.",
        readings.len(),
        seconds(1e-6 * at(1.0))
    );
    Some(figure(
        &plot.svg("Latency"),
        "Latency of the frozen code.",
        &read,
        &[],
    ))
}

/// Bytes of constants, by operation group.
fn flash(facts: &Facts) -> String {
    let mut parts: BTreeMap<String, f64> = BTreeMap::new();
    let mut known = 0;
    for (_, parameter) in facts.emulator.graph().parameters().iter() {
        let size = 4 * dense_codegen::pack::stored_length(parameter);
        known += size;
        let group = parameter.name().split('/').next().unwrap_or_default();
        let group = match group {
            _ if parameter.name().contains('/') => group,
            _ => "scales",
        };
        *parts.entry(group.to_owned()).or_default() += size as f64;
    }
    let all = facts.emulator.flash_bytes();
    parts.insert("calibration".into(), all.saturating_sub(known) as f64);
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1));
    let largest = parts.first().map_or(1.0, |part| part.1);
    let unit = |size: f64| size / 1e3;
    let names = parts
        .iter()
        .enumerate()
        .map(|(place, part)| (place as f64, part.0.clone()));
    let mut plot = Plot::sized(
        Axis::new(
            Scale::between(0.0, 1.3 * unit(largest), false),
            "constants (kB)",
        ),
        Axis::new(
            Scale::between(parts.len() as f64 - 0.5, -0.5, false),
            "part of the network (name)",
        ),
        [SIZE[0], (70.0 + 20.0 * parts.len() as f64).max(SIZE[1])],
    )
    .named(names.collect());
    for (place, (_, size)) in parts.iter().enumerate() {
        let place = place as f64;
        plot.bars("a", [[0.0, unit(*size), place - 0.36, place + 0.36]]);
        plot.beside(unit(*size), place, &bytes(*size));
    }
    let read = format!(
        "{} in all, weights as the kernels read them; members share what they have in common.",
        bytes(all as f64)
    );
    figure(
        &plot.svg("What is in flash"),
        "What is in flash.",
        &read,
        &[],
    )
}
