//! Input rows as an emulator meets them in the field: inside its box, at the edges, outside, and
//! not finite.

use dense_codegen::emulator::{Emulator, InputVariable};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// Special values of floating-point arithmetic.
const SPECIAL: [f32; 11] = [
    0.0,
    -0.0,
    1e-45,
    -1e-45,
    1e-39,
    f32::MIN_POSITIVE,
    f32::MAX,
    f32::MIN,
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
];

/// Returns `count` rows, one after the other. Of ten, six are inside; the others are at edges,
/// outside, inside but for one special value, or special throughout.
pub fn random_rows(emulator: &Emulator, count: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let inputs = emulator.inputs();
    let mut rows = Vec::with_capacity(count * inputs.len());
    for row in 0..count {
        let odd_one = rng.random_range(0..inputs.len());
        rows.extend(
            inputs
                .iter()
                .enumerate()
                .map(|(index, input)| match row % 10 {
                    0..6 => inside(input, rng),
                    6 => edge(input, rng),
                    7 => outside(input, rng),
                    8 if index != odd_one => inside(input, rng),
                    _ => *SPECIAL.choose(rng).expect("there are special numbers"),
                }),
        );
    }
    rows
}

/// Uniform in the box, or in its logarithm for a logarithmic input.
fn inside(input: &InputVariable, rng: &mut ChaCha8Rng) -> f32 {
    at(input, rng.random_range(0.0..=1.0))
}

fn edge(input: &InputVariable, rng: &mut ChaCha8Rng) -> f32 {
    if rng.random() {
        input.low as f32
    } else {
        input.high as f32
    }
}

/// Up to two widths of the box outside it.
fn outside(input: &InputVariable, rng: &mut ChaCha8Rng) -> f32 {
    let distance = rng.random_range(0.01..2.0);
    at(
        input,
        if rng.random() {
            1.0 + distance
        } else {
            -distance
        },
    )
}

/// The value at `fraction` of the way from low to high.
fn at(input: &InputVariable, fraction: f64) -> f32 {
    let between = |low: f64, high: f64| low + (high - low) * fraction;
    let value = if input.logarithmic {
        between(input.low.ln(), input.high.ln()).exp()
    } else {
        between(input.low, input.high)
    };
    value as f32
}
