//! Times calls of the emulators on this machine in one thread, and prints two tables.

use dense_runtime::predict::Predict;
use std::hint::black_box;
use std::time::Instant;

mod emulators;

/// Readings of each kind.
const READINGS: usize = 20_000;
/// Calls in a reading of smallest times, so that reading the clock does not count.
const CALLS: usize = 16;

fn main() {
    println!("| network | ordinary, min us | subnormal inputs, min us | ratio |");
    println!("|---|---|---|---|");
    macro_rules! subnormal {
        ($name:ident) => {
            subnormal(stringify!($name), &emulators::$name::model::Emulator);
        };
    }
    emulators::each!(subnormal);
    println!("\n| in turn | min us | p50 us | p99.9 us | max us | p99.9 / p50 |");
    println!("|---|---|---|---|---|---|");
    jitter("decoder", &emulators::decoder::model::Emulator);
}

/// The smallest time of a call with ordinary inputs and with subnormal ones, in alternation.
fn subnormal<const IN: usize, const OUT: usize, P: Predict<IN, OUT>>(name: &str, emulator: &P) {
    let mut call = call(emulator);
    let ordinary: [f32; IN] = std::array::from_fn(|j| 0.5 - 0.2 * j as f32);
    let subnormal: [f32; IN] = std::array::from_fn(|j| 1.0e-42 - 0.4e-42 * j as f32);
    let [mut least, mut least_subnormal] = [f64::INFINITY; 2];
    for _ in 0..READINGS / CALLS {
        least = least.min(elapsed_us(|| (0..CALLS).for_each(|_| call(&ordinary))));
        least_subnormal =
            least_subnormal.min(elapsed_us(|| (0..CALLS).for_each(|_| call(&subnormal))));
    }
    let calls = CALLS as f64;
    println!(
        "| {name} | {:.3} | {:.3} | {:.3} |",
        least / calls,
        least_subnormal / calls,
        least_subnormal / least
    );
}

/// Single calls, and a plain loop of the same duration, in alternation.
fn jitter<const IN: usize, const OUT: usize, P: Predict<IN, OUT>>(name: &str, emulator: &P) {
    let mut call = call(emulator);
    let x: [f32; IN] = std::array::from_fn(|j| 0.5 - 0.2 * j as f32);
    let mut least = |work: &mut dyn FnMut()| {
        (0..1000)
            .map(|_| elapsed_us(&mut *work))
            .fold(f64::INFINITY, f64::min)
    };
    let of_call = least(&mut || call(&x));
    let of_thousand = least(&mut || plain(1000));
    let steps = (1000.0 * of_call / of_thousand) as usize;
    let mut readings: [Vec<f64>; 2] = Default::default();
    for _ in 0..READINGS {
        readings[0].push(elapsed_us(|| call(&x)));
        readings[1].push(elapsed_us(|| plain(steps)));
    }
    for (what, mut readings) in [name, "plain loop"].into_iter().zip(readings) {
        readings.sort_by(f64::total_cmp);
        let at = |fraction: f64| readings[((READINGS - 1) as f64 * fraction).round() as usize];
        println!(
            "| {what} | {:.3} | {:.3} | {:.3} | {:.3} | {:.3} |",
            at(0.0),
            at(0.5),
            at(0.999),
            at(1.0),
            at(0.999) / at(0.5)
        );
    }
}

/// One call of the emulator.
fn call<const IN: usize, const OUT: usize, P: Predict<IN, OUT>>(
    emulator: &P,
) -> impl FnMut(&[f32; IN]) {
    let mut workspace = P::WORKSPACE;
    let (mut mean, mut std) = ([0.0; OUT], [0.0; OUT]);
    move |x| {
        black_box(emulator.predict(&mut workspace, black_box(x), &mut mean, &mut std));
        black_box((&mut mean, &mut std));
    }
}

/// A chain of products and sums that touches no memory.
fn plain(steps: usize) {
    let mut value = black_box(1.0_f32);
    for _ in 0..black_box(steps) {
        value = value * 0.75 + 0.25;
    }
    black_box(value);
}

fn elapsed_us(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e6
}
