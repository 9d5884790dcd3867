//! What was measured, for people and for programs.

use super::engine::at;
use super::floor::Floor;
use super::run::{Contestant, Measured};
use serde_json::{Value, json};

/// Prints everything.
pub(crate) fn print(all: &mut [Measured], floor: &Floor, timer_ns: f64) {
    println!(
        "clock {:.2} GHz; peak {:.1} multiply-accumulates a ns, {:.0} % of two vectors a cycle; L2 {:.0} bytes a ns, \
         {:.1} a cycle; reading the clock takes {timer_ns:.0} ns, subtracted",
        floor.clock,
        floor.peak,
        100.0 * floor.reached(),
        floor.l2,
        floor.l2 / floor.clock,
    );
    for Measured {
        network,
        macs,
        weight_bytes,
        contestants,
    } in all
    {
        let (arithmetic, memory) = floor.bounds(*macs, *weight_bytes);
        let bound = arithmetic.max(memory);
        println!(
            "\n{}: {macs} multiply-accumulates, {:.0} KiB of weights; floor {:.3} us (arithmetic {:.3}, memory {:.3})\n",
            network.name(),
            *weight_bytes as f64 / 1024.0,
            bound / 1e3,
            arithmetic / 1e3,
            memory / 1e3,
        );
        println!(
            "| engine | min us | over floor | p50 us | p99.9 us | p99.9 over p50 | batch of 64, us a row | largest error |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        for contestant in contestants.iter_mut() {
            row(contestant, bound);
        }
        for contestant in contestants {
            let [back_to_back, chained] = contestant.repeated.map(|ns| ns * floor.clock);
            if back_to_back.is_finite() {
                println!(
                    "\n{}: {back_to_back:.0} cycles a call back to back, {chained:.0} chained",
                    contestant.name
                );
            }
        }
    }
}

fn row(contestant: &mut Contestant, bound: f64) {
    if let Some(failure) = &contestant.failure {
        println!("| {} | failed: {failure} |", contestant.name);
        return;
    }
    let [min, p50, p99_9] = [0.0, 0.5, 0.999].map(|part| at(&mut contestant.readings, part) / 1e3);
    let batch = at(&mut contestant.batches, 0.0) / 1e3;
    let or_none = |text: String, known: bool| if known { text } else { "-".to_owned() };
    println!(
        "| {} | {min:.3} | {} | {p50:.3} | {p99_9:.3} | {:.2} | {} | {} |",
        contestant.name,
        or_none(
            format!("{:.2}", 1e3 * min / bound),
            contestant.error.is_some()
        ),
        p99_9 / p50,
        or_none(format!("{batch:.3}"), batch.is_finite()),
        contestant
            .error
            .map_or("-".to_owned(), |error| format!("{error:.1e}")),
    );
}

/// Everything as one object.
pub(crate) fn json(all: &mut [Measured], floor: &Floor, valid: bool) -> Value {
    let networks = all.iter_mut().map(|measured| {
        let (arithmetic, memory) = floor.bounds(measured.macs, measured.weight_bytes);
        let engines = measured.contestants.iter_mut().map(|contestant| {
            let [min, p50, p99_9] =
                [0.0, 0.5, 0.999].map(|part| at(&mut contestant.readings, part) / 1e3);
            let cycles = contestant.repeated.map(|ns| ns * floor.clock);
            // What was not measured is not a number, which JSON writes as null.
            json!({
                "engine": contestant.name,
                "failure": contestant.failure,
                "min_us": min,
                "p50_us": p50,
                "p99_9_us": p99_9,
                "over_floor": 1e3 * min / arithmetic.max(memory),
                "batch_us_per_row": at(&mut contestant.batches, 0.0) / 1e3,
                "largest_error": contestant.error,
                "cycles_back_to_back": cycles[0],
                "cycles_chained": cycles[1],
            })
        });
        let engines: Vec<_> = engines.collect();
        json!({
            "network": measured.network.name(),
            "macs": measured.macs,
            "weight_bytes": measured.weight_bytes,
            "floor_us": arithmetic.max(memory) / 1e3,
            "arithmetic_us": arithmetic / 1e3,
            "memory_us": memory / 1e3,
            "engines": engines,
        })
    });
    let networks: Vec<_> = networks.collect();
    json!({
        "valid": valid,
        "clock_ghz": floor.clock,
        "peak_macs_per_ns": floor.peak,
        "peak_share": floor.reached(),
        "l2_bytes_per_ns": floor.l2,
        "networks": networks,
    })
}
