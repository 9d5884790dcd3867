//! Prints the measurements, for people and for programs.

use super::engine::at;
use super::floor::Floor;
use super::run::{Contestant, Measured};
use serde_json::{Value, json};

/// Prints everything.
pub(crate) fn print(all: &mut [Measured], floor: &Floor, timer_ns: f64) {
    println!(
        "clock {:.2} GHz; reading it takes {timer_ns:.0} ns, subtracted; vectors of eight reach {:.0} % of two a cycle",
        floor.clock,
        100.0 * floor.reached(),
    );
    for width in &floor.widths {
        println!(
            "vectors of {}: {:.1} multiply-accumulates a ns; L2 {:.0} bytes a ns, {:.1} a cycle",
            width.lanes,
            width.peak,
            width.l2,
            width.l2 / floor.clock,
        );
    }
    for Measured {
        network,
        macs,
        weight_bytes,
        contestants,
    } in all
    {
        println!(
            "\n{}: {macs} multiply-accumulates, {:.0} KiB of weights",
            network.name(),
            *weight_bytes as f64 / 1024.0,
        );
        let mut bounds = Vec::new();
        let mut over = String::new();
        for width in &floor.widths {
            let (arithmetic, memory) = floor.bounds(width, *macs, *weight_bytes);
            println!(
                "floor of vectors of {}: {:.3} us (arithmetic {:.3}, memory {:.3})",
                width.lanes,
                arithmetic.max(memory) / 1e3,
                arithmetic / 1e3,
                memory / 1e3,
            );
            bounds.push(arithmetic.max(memory));
            over += &format!(" over floor of {} |", width.lanes);
        }
        println!(
            "\n| engine | min us |{over} p50 us | p99.9 us | p99.9 over p50 | batch of 64, us a row | largest error |"
        );
        println!(
            "|---|---|---|---|---|---|---|{}",
            "---|".repeat(bounds.len())
        );
        for contestant in contestants.iter_mut() {
            row(contestant, &bounds);
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

fn row(contestant: &mut Contestant, bounds: &[f64]) {
    if let Some(failure) = &contestant.failure {
        println!("| {} | failed: {failure} |", contestant.name);
        return;
    }
    let [min, p50, p99_9] = [0.0, 0.5, 0.999].map(|part| at(&mut contestant.readings, part) / 1e3);
    let batch = at(&mut contestant.batches, 0.0) / 1e3;
    let or_none = |text: String, known: bool| if known { text } else { "-".to_owned() };
    let known = contestant.error.is_some();
    let over = bounds.iter().map(|bound| {
        let over = or_none(format!("{:.2}", 1e3 * min / bound), known);
        format!(" {over} |")
    });
    let over: String = over.collect();
    println!(
        "| {} | {min:.3} |{over} {p50:.3} | {p99_9:.3} | {:.2} | {} | {} |",
        contestant.name,
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
        let bounds: Vec<_> = floor
            .widths
            .iter()
            .map(|width| floor.bounds(width, measured.macs, measured.weight_bytes))
            .collect();
        let floors: Vec<_> = bounds
            .iter()
            .map(|(arithmetic, memory)| arithmetic.max(*memory) / 1e3)
            .collect();
        let engines = measured.contestants.iter_mut().map(|contestant| {
            let [min, p50, p99_9] =
                [0.0, 0.5, 0.999].map(|part| at(&mut contestant.readings, part) / 1e3);
            let cycles = contestant.repeated.map(|ns| ns * floor.clock);
            // A missing measurement is NaN, which JSON writes as null.
            json!({
                "engine": contestant.name,
                "failure": contestant.failure,
                "min_us": min,
                "p50_us": p50,
                "p99_9_us": p99_9,
                "over_floor": floors.iter().map(|floor| min / floor).collect::<Vec<_>>(),
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
            "floor_us": floors,
            "arithmetic_us": bounds.iter().map(|bound| bound.0 / 1e3).collect::<Vec<_>>(),
            "memory_us": bounds.iter().map(|bound| bound.1 / 1e3).collect::<Vec<_>>(),
            "engines": engines,
        })
    });
    let networks: Vec<_> = networks.collect();
    json!({
        "valid": valid,
        "clock_ghz": floor.clock,
        "lanes": floor.widths.iter().map(|width| width.lanes).collect::<Vec<_>>(),
        "peak_macs_per_ns": floor.widths.iter().map(|width| width.peak).collect::<Vec<_>>(),
        "peak_share": floor.reached(),
        "l2_bytes_per_ns": floor.widths.iter().map(|width| width.l2).collect::<Vec<_>>(),
        "networks": networks,
    })
}
