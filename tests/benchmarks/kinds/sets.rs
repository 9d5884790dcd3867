//! Data sets by formula: families of what simulators answer, each with random constants.
//!
//! They are made for the priors of the race alone: no set that the search is measured on is among
//! them.

use dense_search::streams::{stream, uniform};
use rand_chacha::ChaCha8Rng;
use std::f64::consts::TAU;

/// Rows that judge.
const FRESH: usize = 500;
/// Rows that train: one of these each set.
const ROWS: [usize; 5] = [64, 160, 400, 1000, 2500];
/// Every so many sets have noise of 1 % of an output's deviation in the rows that train.
const NOISY: u64 = 5;

/// A data set: rows that train first, then fresh ones.
pub(crate) struct Set {
    pub(crate) name: String,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Rows that train.
    pub(crate) train: usize,
    /// `[rows][inputs]`, centred and of unit variance.
    pub(crate) x: Vec<f32>,
    /// `[rows][outputs]`, likewise by the rows that train.
    pub(crate) y: Vec<f32>,
}

/// A family of formulas.
struct Family {
    name: &'static str,
    /// Fewest and most inputs.
    inputs: (usize, usize),
    /// Numbers of outputs, one of which each set has.
    outputs: &'static [usize],
    /// Draws the constants and returns the formula: the output at place `t` (from 0 to 1) of
    /// number `k`, at inputs from 0 to 1.
    draw: fn(&mut ChaCha8Rng, usize) -> Formula,
}

/// `(x, t, k)`.
type Formula = Box<dyn Fn(&[f64], f64, usize) -> f64>;

const FAMILIES: [Family; 13] = [
    Family {
        name: "smooth",
        inputs: (2, 10),
        outputs: &[1, 2, 4],
        draw: smooth,
    },
    Family {
        name: "powers",
        inputs: (2, 8),
        outputs: &[1, 3, 5],
        draw: powers,
    },
    Family {
        name: "folds",
        inputs: (2, 6),
        outputs: &[1, 2, 4],
        draw: folds,
    },
    Family {
        name: "steps",
        inputs: (2, 8),
        outputs: &[1, 3, 6],
        draw: steps,
    },
    Family {
        name: "waves",
        inputs: (1, 4),
        outputs: &[1, 2, 4],
        draw: waves,
    },
    Family {
        name: "resonances",
        inputs: (2, 6),
        outputs: &[1, 2, 4],
        draw: resonances,
    },
    Family {
        name: "peaks",
        inputs: (2, 6),
        outputs: &[64, 150, 250],
        draw: peaks,
    },
    Family {
        name: "fringes",
        inputs: (2, 5),
        outputs: &[80, 150, 200],
        draw: fringes,
    },
    Family {
        name: "decays",
        inputs: (2, 8),
        outputs: &[40, 100, 200],
        draw: decays,
    },
    Family {
        name: "front",
        inputs: (2, 6),
        outputs: &[64, 128, 200],
        draw: front,
    },
    Family {
        name: "branches",
        inputs: (3, 9),
        outputs: &[24, 60, 120],
        draw: branches,
    },
    Family {
        name: "field",
        inputs: (2, 7),
        outputs: &[144, 256, 400],
        draw: field,
    },
    Family {
        name: "broadened",
        inputs: (3, 6),
        outputs: &[60, 120, 240],
        draw: broadened,
    },
];

/// Returns `of_each` sets of every family.
pub(crate) fn sets(of_each: u64) -> Vec<Set> {
    let numbers =
        (0..of_each).flat_map(|number| (0..FAMILIES.len()).map(move |place| (number, place)));
    numbers.map(|(number, place)| set(place, number)).collect()
}

fn set(place: usize, number: u64) -> Set {
    let family = &FAMILIES[place];
    let mut random = stream(number, &format!("the prior's {}", family.name));
    let (fewest, most) = family.inputs;
    let inputs = fewest + index(&mut random, most - fewest + 1);
    let outputs = family.outputs[index(&mut random, family.outputs.len())];
    let train = ROWS[(number as usize + place) % ROWS.len()];
    let formula = (family.draw)(&mut random, inputs);
    let rows = train + FRESH;
    let x: Vec<f64> = (0..rows * inputs).map(|_| uniform(&mut random)).collect();
    let mut y = Vec::with_capacity(rows * outputs);
    for x in x.chunks_exact(inputs) {
        let last = (outputs - 1).max(1) as f64;
        y.extend((0..outputs).map(|k| formula(x, k as f64 / last, k)));
    }
    let noise = match (number + place as u64).is_multiple_of(NOISY) {
        true => 0.01,
        false => 0.0,
    };
    let (x, mut y) = (encoded(&x, inputs, train), encoded(&y, outputs, train));
    for value in &mut y[..train * outputs] {
        *value += (noise * normal(&mut random)) as f32;
    }
    Set {
        name: format!("{}-{number}", family.name),
        inputs,
        outputs,
        train,
        x,
        y,
    }
}

/// Columns in deviations from the mean of the first `train` rows; a constant one is 0.
fn encoded(values: &[f64], columns: usize, train: usize) -> Vec<f32> {
    let mut all = vec![0.0; values.len()];
    for column in 0..columns {
        let of = |row: usize| values[row * columns + column];
        let mean = (0..train).map(of).sum::<f64>() / train as f64;
        let square = (0..train).map(|row| (of(row) - mean).powi(2)).sum::<f64>();
        let deviation = (square / train as f64).sqrt();
        let scale = match deviation > 1e-12 * mean.abs() {
            true => 1.0 / deviation,
            false => 0.0,
        };
        for row in 0..values.len() / columns {
            all[row * columns + column] = ((of(row) - mean) * scale) as f32;
        }
    }
    all
}

fn index(random: &mut ChaCha8Rng, count: usize) -> usize {
    ((uniform(random) * count as f64) as usize).min(count - 1)
}

fn between(random: &mut ChaCha8Rng, low: f64, high: f64) -> f64 {
    low + (high - low) * uniform(random)
}

fn normal(random: &mut ChaCha8Rng) -> f64 {
    let radius = (-2.0 * (1.0 - uniform(random)).ln()).sqrt();
    radius * (TAU * uniform(random)).cos()
}

/// A smooth function of all inputs with values of order 1: a linear part, and some products of
/// low waves of two inputs.
fn gentle(random: &mut ChaCha8Rng, inputs: usize) -> impl Fn(&[f64]) -> f64 + use<> {
    let slopes: Vec<f64> = (0..inputs)
        .map(|_| normal(random) / (inputs as f64).sqrt())
        .collect();
    let terms: Vec<[f64; 5]> = (0..3)
        .map(|_| {
            [
                0.5 * normal(random),
                between(random, 0.5, 3.0),
                between(random, 0.0, TAU),
                index(random, inputs) as f64,
                index(random, inputs) as f64,
            ]
        })
        .collect();
    move |x| {
        let line: f64 = slopes
            .iter()
            .zip(x)
            .map(|(slope, x)| slope * (2.0 * x - 1.0))
            .sum();
        let bent = terms.iter().map(|&[size, rate, phase, left, right]| {
            size * (rate * x[left as usize] + phase).sin() * (0.5 + x[right as usize])
        });
        line + bent.sum::<f64>()
    }
}

/// A gentle function of every output.
fn gentles(
    random: &mut ChaCha8Rng,
    inputs: usize,
    count: usize,
) -> Vec<impl Fn(&[f64]) -> f64 + use<>> {
    (0..count).map(|_| gentle(random, inputs)).collect()
}

/// Most outputs of families with few.
const FEW: usize = 6;

fn smooth(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let parts = gentles(random, inputs, 2 * FEW);
    Box::new(move |x, _, k| {
        let product = parts[k](x) * parts[FEW + k](x);
        parts[k](x) + 0.3 * product + (0.5 * parts[FEW + k](x)).exp()
    })
}

fn powers(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let powers: Vec<f64> = (0..FEW * inputs)
        .map(|_| between(random, -1.0, 1.0))
        .collect();
    let weights: Vec<f64> = (0..FEW).map(|_| between(random, 0.0, 0.5)).collect();
    Box::new(move |x, _, k| {
        let of = |k: usize| -> f64 {
            let powers = &powers[k * inputs..][..inputs];
            let all = powers
                .iter()
                .zip(x)
                .map(|(power, x)| (0.3 + x).powf(*power));
            all.product()
        };
        of(k) / (1.0 + weights[k] * of((k + 1) % FEW))
    })
}

fn folds(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let parts = gentles(random, inputs, 3 * FEW);
    Box::new(move |x, _, k| {
        let (left, right) = (parts[k](x), parts[FEW + k](x));
        left.max(right) + 0.5 * (parts[2 * FEW + k](x)).abs()
    })
}

fn steps(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let parts = gentles(random, inputs, 2 * FEW);
    let steep: Vec<f64> = (0..FEW).map(|_| between(random, 2.0, 12.0)).collect();
    Box::new(move |x, _, k| {
        let rise = 1.0 / (1.0 + (-steep[k] * parts[k](x)).exp());
        rise * (1.0 + 0.5 * parts[FEW + k](x)) + 0.2 * (0.7 * parts[FEW + k](x)).exp()
    })
}

fn waves(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let parts = gentles(random, inputs, 2 * FEW);
    let rates: Vec<f64> = (0..FEW).map(|_| between(random, 6.0, 25.0)).collect();
    let which = index(random, inputs);
    Box::new(move |x, _, k| {
        let phase = rates[k] * x[which] + 2.0 * parts[k](x);
        (1.0 + 0.5 * parts[FEW + k](x)) * phase.sin()
    })
}

fn resonances(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let parts = gentles(random, inputs, 2 * FEW);
    let widths: Vec<f64> = (0..FEW).map(|_| between(random, 0.15, 0.6)).collect();
    Box::new(move |x, _, k| {
        let apart = parts[k](x) - 0.3;
        let width = widths[k] * (0.3 * parts[FEW + k](x)).exp();
        width / (apart * apart + width * width)
    })
}

fn peaks(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let count = 1 + index(random, 4);
    let parts = gentles(random, inputs, 3 * count);
    let places: Vec<f64> = (0..count).map(|_| between(random, 0.2, 0.8)).collect();
    let widths: Vec<f64> = (0..count).map(|_| between(random, 0.02, 0.15)).collect();
    let is_sharp = uniform(random) < 0.5;
    Box::new(move |x, t, _| {
        let peak = |number: usize| {
            let place = places[number] + 0.12 * parts[number](x);
            let width = widths[number] * (0.4 * parts[count + number](x)).exp();
            let height = (0.5 * parts[2 * count + number](x)).exp();
            let apart = (t - place) / width;
            height
                * match is_sharp {
                    true => 1.0 / (1.0 + apart * apart),
                    false => (-0.5 * apart * apart).exp(),
                }
        };
        (0..count).map(peak).sum()
    })
}

fn fringes(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let parts = gentles(random, inputs, 2);
    let (turns, more) = (between(random, 2.0, 8.0), between(random, 2.0, 14.0));
    let which = index(random, inputs);
    let fall = between(random, 0.5, 4.0);
    Box::new(move |x, t, _| {
        let phase = TAU * t * (turns + more * x[which] + 0.3 * parts[0](x));
        (-fall * t * (1.0 + 0.3 * parts[1](x))).exp() * (1.0 + 0.8 * phase.cos())
    })
}

fn decays(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let count = 1 + index(random, 3);
    let parts = gentles(random, inputs, 2 * count);
    let rates: Vec<f64> = (0..count).map(|_| between(random, 1.0, 12.0)).collect();
    Box::new(move |x, t, _| {
        let decay = |number: usize| {
            let rate = rates[number] * (0.6 * parts[number](x)).exp();
            (0.5 * parts[count + number](x)).exp() * (-rate * t).exp()
        };
        (0..count).map(decay).sum()
    })
}

fn front(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let parts = gentles(random, inputs, 4);
    let steep = between(random, 8.0, 40.0);
    Box::new(move |x, t, _| {
        let apart = t - 0.5 - 0.2 * parts[0](x);
        let rise = 0.5 + 0.5 * (steep * (0.3 * parts[1](x)).exp() * apart).tanh();
        (0.4 * parts[2](x)).exp() * (1.0 - rise) + rise * (0.5 + 0.3 * parts[3](x) * t)
    })
}

/// A softened least of three smooth branches over `t`, as of dispersion relations.
fn branches(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let parts = gentles(random, inputs, 6);
    let sharp = between(random, 3.0, 20.0);
    Box::new(move |x, t, _| {
        let branch = |number: usize| {
            let rise = (0.4 * parts[2 * number](x)).exp() * (0.6 + number as f64);
            rise * t + 0.5 * parts[2 * number + 1](x) + 1.0 - 0.4 * number as f64
        };
        let sum: f64 = (0..3).map(|number| (-sharp * branch(number)).exp()).sum();
        -sum.ln() / sharp
    })
}

/// A square map with two bumps and a rotated wave.
fn field(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let parts = gentles(random, inputs, 8);
    let width = between(random, 0.1, 0.35);
    Box::new(move |x, t, _| {
        // Rows of twenty positions.
        let (u, v) = ((t * 20.0).fract(), t);
        let bump = |number: usize| {
            let (a, b) = (
                0.5 + 0.2 * parts[3 * number](x),
                0.5 + 0.2 * parts[3 * number + 1](x),
            );
            let square = ((u - a).powi(2) + (v - b).powi(2)) / (width * width);
            (0.4 * parts[3 * number + 2](x)).exp() * (-0.5 * square).exp()
        };
        bump(0) - 0.6 * bump(1) + 0.3 * (3.0 * u * parts[6](x) + 2.0 * v + parts[7](x)).sin()
    })
}

/// Two lines of different origin on a slope, broadened together: a thermal width, a shift and a
/// ratio.
fn broadened(random: &mut ChaCha8Rng, inputs: usize) -> Formula {
    let parts = gentles(random, inputs, 4);
    let place = between(random, 0.3, 0.7);
    Box::new(move |x, t, _| {
        let width = 0.05 * (0.8 * parts[0](x)).exp();
        let shift = 0.05 * parts[1](x);
        let line = |at: f64| (-0.5 * ((t - at - shift) / width).powi(2)).exp() / width;
        let share = 1.0 / (1.0 + (-parts[2](x)).exp());
        let lines = share * line(place) + (1.0 - share) * line(place + 0.15);
        lines * (0.5 * parts[3](x)).exp() + 0.5 * (1.0 + t).powf(parts[3](x))
    })
}
