//! A Gaussian process as a teacher: what it says at fresh inputs is more rows to train on, where few rows were simulated.
//!
//! Only data that a process predicts well have one. A quick fit on a part of the rows says whether a whole one is worth
//! its time; the whole one then has to predict the selection rows well. A network that was trained on the rows alone is the
//! other teacher: process and network err in different places, and the mean of both ([`Lesson::shared`]) errs less than
//! either. Whether their pupil is better than that network is not foretold: what is better on the selection rows ships
//! ([`crate::search`]).

use crate::components::Learnt;
use crate::gaussian_process::{Effort, GaussianProcess};
use crate::streams::{stream, uniform};

/// More training rows have no teacher: networks are better there, and the process would read but a part of the rows.
const ROWS: usize = 1500;
/// What the quick fit has to reach on the selection rows, in training deviations squared, for a whole one.
const PROMISING: f64 = 1e-2;
/// What the whole fit has to reach for a pupil.
const GOOD: f64 = 1e-3;
/// How often the mean squared difference of process and network on the selection rows a row's may be, before the network
/// is believed less there. Nine: three root mean squares.
const FAR: f64 = 9.0;
/// Fresh inputs,
const FRESH: usize = 2048;
/// but no more than have so many outputs together: process, network, mean and pupil have a copy each.
const FRESH_NUMBERS: usize = 1 << 24;

/// Encoded rows beyond the simulated ones: `x: [rows][inputs]`, `y: [rows][outputs]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// The inputs.
    pub x: Vec<f32>,
    /// What the teacher says that is learnt there ([`Learnt::y`]).
    pub y: Vec<f32>,
    /// What it says they are on the selection rows.
    pub selection: Vec<f32>,
    /// The teacher's mean squared error on the selection rows, in training deviations.
    pub error: f64,
}

impl Lesson {
    /// Returns the lesson of two teachers, the process and a network: of their means the one with the least error on the
    /// selection rows. Where the network is further from the process than it ever is on rows like those (three root mean
    /// squares), its share falls by the square of the distance.
    ///
    /// `fresh` and `selection` are what the network says at [`Lesson::x`] and on the selection rows, `truth` what these are.
    #[must_use]
    pub fn shared(&self, fresh: &[f32], selection: &[f32], truth: &[f32], outputs: usize) -> Self {
        let share = share_of_process(&self.selection, selection, truth);
        if share == 1.0 {
            return self.clone();
        }
        let far = FAR * mean_square(&self.selection, selection);
        let mean = |process: &[f32], network: &[f32]| -> Vec<f32> {
            let rows = process
                .chunks_exact(outputs)
                .zip(network.chunks_exact(outputs));
            let row = |(process, network): (&[f32], &[f32])| {
                let apart = mean_square(process, network);
                let network_share = match apart > far {
                    true => (1.0 - share) * far / apart,
                    false => 1.0 - share,
                };
                let pairs = process.iter().copied().zip(network.iter().copied());
                let mean = pairs
                    .map(|(p, n)| f64::from(p) + network_share * (f64::from(n) - f64::from(p)));
                mean.map(|y| y as f32).collect::<Vec<_>>()
            };
            rows.flat_map(row).collect()
        };
        let selection = mean(&self.selection, selection);
        Self {
            x: self.x.clone(),
            y: mean(&self.y, fresh),
            error: mean_square(&selection, truth),
            selection,
        }
    }
}

/// Returns the share of the process in the weighted mean of it and a network that is nearest to the truth: one where they
/// are equal, or where the network is not finite.
fn share_of_process(process: &[f32], network: &[f32], truth: &[f32]) -> f64 {
    let (mut along, mut length) = (0.0, 0.0);
    for ((process, network), truth) in process.iter().zip(network).zip(truth) {
        let apart = f64::from(process - network);
        along += apart * f64::from(truth - network);
        length += apart * apart;
    }
    match length.is_finite() && length > 0.0 {
        true => (along / length).clamp(0.0, 1.0),
        false => 1.0,
    }
}

/// Returns the mean squared difference of as many numbers.
#[must_use]
pub fn mean_square(found: &[f32], truth: &[f32]) -> f64 {
    let squares = found.iter().zip(truth);
    let sum: f64 = squares.map(|(a, b)| f64::from(a - b).powi(2)).sum();
    sum / truth.len() as f64
}

/// Returns what a teacher fitted to the rows `train` says at inputs drawn by the seed, or `None` where it is no good.
#[must_use]
pub fn lesson(
    learnt: Learnt<'_>,
    train: &[usize],
    selection: &[usize],
    seed: u64,
) -> Option<Lesson> {
    if train.len() > ROWS {
        return None;
    }
    let encoded = |rows: &[usize]| (learnt.x(rows), learnt.y(rows));
    let ((x, y), (judged_x, judged_y)) = (encoded(train), encoded(selection));
    let (inputs, outputs) = (learnt.data.input_count(), learnt.count());
    let fit = |effort| GaussianProcess::fit(&x, inputs, &y, outputs, effort);
    let quick = fit(Effort::Quick)?.predict(&judged_x);
    if mean_square(&quick, &judged_y) > PROMISING {
        return None;
    }
    let process = fit(Effort::Whole)?;
    let selection = process.predict(&judged_x);
    let error = mean_square(&selection, &judged_y);
    if error > GOOD {
        return None;
    }
    let x = fresh_inputs(learnt, seed);
    Some(Lesson {
        y: process.predict(&x),
        x,
        selection,
        error,
    })
}

/// Inputs evenly likely in the trained box, in the logarithm where an input is logarithmic.
fn fresh_inputs(learnt: Learnt<'_>, seed: u64) -> Vec<f32> {
    let (data, normalisation) = (learnt.data, learnt.normalisation);
    let fresh = FRESH.min((FRESH_NUMBERS / learnt.count()).max(1));
    let mut random = stream(seed, "teacher's inputs");
    let mut x = Vec::with_capacity(fresh * data.input_count());
    for _ in 0..fresh {
        for (k, input) in data.inputs().iter().enumerate() {
            let share = uniform(&mut random);
            let (low, high) = match input.logarithmic {
                true => (input.low.ln(), input.high.ln()),
                false => (input.low, input.high),
            };
            let value = (low + share * (high - low)) as f32;
            x.push((value - normalisation.centre()[k]) * normalisation.scale()[k]);
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Normalisation, ReadOptions, Split};

    fn csv(rows: usize, y: impl Fn(f64, f64) -> f64) -> Dataset {
        let mut random = stream(9, "teacher test");
        let mut draw = || uniform(&mut random);
        let mut text = "a,b,y\n".to_owned();
        for _ in 0..rows {
            let (a, b) = (draw(), draw());
            text += &format!("{a},{b},{}\n", y(a, b));
        }
        let options = ReadOptions {
            inputs: vec!["a".into(), "b".into()],
            outputs: vec!["y".into()],
            ..ReadOptions::default()
        };
        Dataset::from_csv_bytes(text.as_bytes(), "test.csv", &options).unwrap()
    }

    fn taught(data: &Dataset, seed: u64) -> Option<Lesson> {
        let split = Split::resolve(data, 1).unwrap();
        let normalisation = Normalisation::fit(data, &split.train);
        let learnt = Learnt {
            data,
            normalisation: &normalisation,
            components: None,
        };
        lesson(learnt, &split.train, &split.selection, seed)
    }

    #[test]
    fn a_smooth_function_is_taught_to_its_truth_and_the_same_by_the_same_seed() {
        let truth = |a: f64, b: f64| (3.0 * a).sin() + a * b;
        let data = csv(120, truth);
        let lesson = taught(&data, 1).unwrap();
        assert!(lesson.error < 1e-6, "{:e}", lesson.error);
        assert_eq!(lesson, taught(&data, 1).unwrap());
        assert_ne!(lesson.x, taught(&data, 2).unwrap().x);
        let split = Split::resolve(&data, 1).unwrap();
        let n = Normalisation::fit(&data, &split.train);
        let mut worst = 0.0f64;
        for (x, y) in lesson.x.chunks_exact(2).zip(&lesson.y) {
            let physical = |k: usize| f64::from(x[k] / n.scale()[k] + n.centre()[k]);
            let (a, b) = (physical(0), physical(1));
            assert!((-1e-3..1.001).contains(&a) && (-1e-3..1.001).contains(&b));
            let z = (truth(a, b) - n.output_offset()[0]) / n.output_scale()[0];
            worst = worst.max((z - f64::from(*y)).abs());
        }
        // At the box's corners the process reaches beyond its rows.
        assert!(worst < 0.05, "{worst}");
    }

    #[test]
    fn two_teachers_that_err_apart_err_less_together_and_a_useless_one_is_left_out() {
        let mut random = stream(4, "two teachers");
        let mut draw = |width: f64| ((uniform(&mut random) - 0.5) * width) as f32;
        let truth: Vec<f32> = (0..500).map(|_| draw(2.0)).collect();
        let mut erring = |width| truth.iter().map(|y| y + draw(width)).collect::<Vec<f32>>();
        let (process, network, useless) = (erring(0.1), erring(0.1), erring(100.0));
        let lesson = Lesson {
            x: Vec::new(),
            y: process.clone(),
            error: mean_square(&process, &truth),
            selection: process.clone(),
        };
        let share = share_of_process(&process, &network, &truth);
        assert!((share - 0.5).abs() < 0.1, "{share}");
        let shared = lesson.shared(&network, &network, &truth, 5);
        assert!(shared.error < 0.6 * lesson.error);
        assert_eq!(shared.y, shared.selection);
        assert!(share_of_process(&process, &useless, &truth) > 0.999);
        let alone = lesson.shared(&useless, &useless, &truth, 5);
        assert!(alone.error < 1.01 * lesson.error);
        // Off the selection rows a network may be anything.
        let mut astray = network.clone();
        astray[..5].fill(1e3);
        let shared = lesson.shared(&astray, &network, &truth, 5);
        assert!(mean_square(&shared.y[..5], &process[..5]) < 1e-4);
        assert!(mean_square(&shared.y[5..], &truth[5..]) < 0.6 * lesson.error);
        let broken = vec![f32::NAN; truth.len()];
        for network in [&broken, &process] {
            assert_eq!(lesson.shared(network, network, &truth, 5), lesson);
        }
    }

    #[test]
    fn noise_has_no_teacher() {
        let hash = |a: f64, b: f64| ((a * 7919.0).sin() * 43758.5 + b * 9973.0).fract();
        assert_eq!(taught(&csv(150, hash), 1), None);
    }

    #[test]
    fn many_rows_have_no_teacher() {
        assert_eq!(taught(&csv(2500, |a, b| a + b), 1), None);
    }
}
