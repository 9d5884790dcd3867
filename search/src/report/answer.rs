//! The top of the report: error, speed, certainty, and the comparison with alternatives.

use super::facts::Facts;
use super::page::{missing, table};
use super::text::{bytes, decimals, escape, number, percent, seconds};
use crate::contenders::Role;
use crate::search::Verdict;
use dense_codegen::emulator::Relative;
use std::fmt::Write;

/// The first section of the page: a sentence, tiles, and the other contenders.
pub(super) fn answer(facts: &Facts) -> String {
    let metrics = &facts.metrics;
    let call = facts.measured("p50_us").map(|us| us * 1e-6);
    let speed_up = call.and_then(|call| Some(facts.simulator_seconds()? / call));
    // Outputs may have different units, and a poorly learnt output could hide behind a good one.
    let worst = metrics.worst_output();
    let (runs, part) = (facts.rows.len(), facts.part);
    let mut sentence = match worst {
        Some(worst) => format!(
            "The worst of {} outputs is {}: half of the {runs} {part} runs are predicted within {} of its standard deviation (R² \
             {}).",
            metrics.outputs.len(),
            worst.name,
            percent(worst.median_error_z),
            decimals(worst.r2, 5)
        ),
        None => format!(
            "Half of the {runs} {part} runs are predicted within {}.",
            percent(metrics.median_relative_l2)
        ),
    };
    if let Some(call) = call {
        let _ = write!(sentence, " One call takes {}", seconds(call));
        if let Some(times) = speed_up {
            let _ = write!(
                sentence,
                ", {} times faster than the simulator",
                number(times)
            );
        }
        sentence.push('.');
    }
    let _ = write!(
        sentence,
        " The 90\u{a0}% band holds {} of the values.",
        percent(metrics.coverage_90)
    );
    let mut tiles = match worst {
        Some(worst) => vec![
            (
                percent(worst.median_error_z),
                format!(
                    "of its standard deviation: median error of {}, the worst output",
                    worst.name
                ),
            ),
            (
                decimals(worst.r2, 5),
                format!(
                    "R² of {}; of all outputs together {}, mse_z {}",
                    worst.name,
                    decimals(metrics.r2, 5),
                    number(metrics.mse_z)
                ),
            ),
        ],
        None => vec![
            (
                percent(metrics.median_relative_l2),
                match facts.data.relative().is_some_and(Relative::has_offset) {
                    false => "median error: the norm of a run's error over the norm of its outputs",
                    true => {
                        "median error: the norm of a run's error over the norm of its outputs less their offsets"
                    }
                }
                .to_owned(),
            ),
            (
                decimals(metrics.r2, 5),
                format!("R²; mse_z {}", number(metrics.mse_z)),
            ),
        ],
    };
    if let Some(call) = call {
        let far = facts.measured("p99_9_us").unwrap_or(f64::NAN) * 1e-6;
        let about = format!(
            "one call, mean and std (median; 99.9\u{a0}%: {})",
            seconds(far)
        );
        tiles.push((seconds(call), about));
    }
    if let (Some(times), Some(simulator)) = (speed_up, facts.simulator_seconds()) {
        let about = format!(
            "speed-up: the simulator takes {} a call",
            seconds(simulator)
        );
        tiles.push((format!("{} ×", number(times)), about));
    }
    tiles.push((
        percent(metrics.coverage_90),
        format!(
            "of values in the 90\u{a0}% band (50\u{a0}%: {}, 99\u{a0}%: {})",
            percent(metrics.coverage_50),
            percent(metrics.coverage_99)
        ),
    ));
    let emulator = &facts.emulator;
    tiles.push((
        bytes(emulator.flash_bytes() as f64),
        format!(
            "of constants, {} of RAM; {} multiply-accumulates",
            bytes(emulator.ram_bytes() as f64),
            emulator.macs()
        ),
    ));
    if let Some((value, about)) = control(facts) {
        tiles.push((value, about));
    }
    let mut out = format!(
        "<h1>Emulator of {}: {} inputs, {} outputs</h1>\n<p class=\"answer\">{}</p>\n<div class=\"tiles\">",
        escape(facts.name()),
        emulator.input_count(),
        emulator.output_count(),
        escape(&sentence)
    );
    for (value, about) in tiles {
        let _ = write!(
            out,
            "<div class=\"tile\"><b>{}</b><span>{}</span></div>",
            escape(&value),
            escape(&about)
        );
    }
    out += "</div>\n";
    if facts.latency.is_none() {
        out += &missing(
            "The frozen code was not timed: leave out --no-latency for latency and speed-up.",
        );
    } else if facts.simulator_seconds().is_none() {
        out += &missing(
            "No speed-up: the data do not say how long a call of the simulator takes (seconds_per_call).",
        );
    }
    out + &contenders(facts)
}

fn trained(facts: &Facts) -> &[Verdict] {
    let report = facts.description.report.as_ref();
    report.map_or(&[], |report| &report.contenders)
}

/// The ratio of the searched emulator's error to the control's.
fn control(facts: &Facts) -> Option<(String, String)> {
    let error = |role: Role| {
        let found = trained(facts).iter().find(|one| one.role == role)?;
        found.val_mse_z.is_finite().then_some(found.val_mse_z)
    };
    let ratio = error(Role::Search)? / error(Role::Control)?;
    let about =
        "the control's squared error: what was searched over a fixed network, on validation rows";
    Some((format!("{} ×", number(ratio)), about.into()))
}

/// The contenders of the run, as a table.
fn contenders(facts: &Facts) -> String {
    let all = trained(facts);
    if all.len() < 2 && facts.description.plan.space.is_race() {
        return String::new();
    }
    if all.len() < 2 {
        return missing("No control: this run trained nothing beside what ships.");
    }
    let head = [
        "trained",
        "as",
        "mse_z, validation",
        "median error",
        "MAC",
        "flash",
        "seconds",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for one in all {
        let ships = if one.ships { ", ships" } else { "" };
        rows.push(vec![
            format!("{}{ships}", one.name),
            one.role.name().to_owned(),
            number(one.val_mse_z),
            percent(one.val_relative_l2),
            one.macs.to_string(),
            bytes(one.flash_bytes as f64),
            number(one.seconds),
        ]);
    }
    let numbers = [false, false, true, true, true, true, true];
    table(&rows, &numbers)
}
