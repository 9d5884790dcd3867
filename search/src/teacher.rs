//! A Gaussian process as a teacher: with few simulated rows, its predictions at fresh inputs serve
//! as additional training rows.
//!
//! Only data that a process predicts well have a teacher. A quick fit on a part of the rows
//! determines whether a whole one is worth its time; the whole one must then predict the selection
//! rows well. The other teacher is a network trained on the rows alone. Process and network err in
//! different places, and their mean ([`Lesson::shared`]) has a smaller error than either. Whether
//! the pupil beats that network is not known beforehand: the better one on the selection rows ships
//! ([`crate::search`]).

use crate::components::Learnt;
use crate::gaussian_process::{Effort, GaussianProcess, Processes};
use crate::streams::{stream, uniform};

/// With more training rows there is no teacher: networks are better then, and the process would use
/// only a part of the rows.
const ROWS: usize = 1500;
/// Maximum error of the quick fit on the selection rows, in squared training deviations, for a
/// whole fit.
const PROMISING: f64 = 1e-2;
/// Maximum error of the whole fit for training a pupil.
const GOOD: f64 = 1e-3;
/// The network gets less weight in a row if its squared difference from the process exceeds this
/// multiple of the mean on the selection rows. Nine: three root mean squares.
const FAR: f64 = 9.0;
/// Seconds of one thread that whole fits may take, as estimated from the sizes.
const SECONDS: f64 = 10.0;
/// Number of fresh inputs,
const FRESH: usize = 2048;
/// limited to this total number of outputs: process, network, mean and pupil each hold a copy.
const FRESH_NUMBERS: usize = 1 << 24;

/// Encoded rows in addition to the simulated ones: `x: [rows][inputs]`, `y: [rows][outputs]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    /// The inputs.
    pub x: Vec<f32>,
    /// The teacher's predictions of the targets ([`Learnt::y`]) at these inputs.
    pub y: Vec<f32>,
    /// The teacher's predictions on the selection rows.
    pub selection: Vec<f32>,
    /// The teacher's mean squared error on the selection rows, in units of training deviations.
    pub error: f64,
}

impl Lesson {
    /// Returns the lesson of two teachers, process and network: their weighted mean with the
    /// smallest error on the selection rows. If the network differs from the process by more than
    /// is usual on these rows (three root mean squares), its weight falls with the square of the
    /// distance.
    ///
    /// `fresh` and `selection` are the network's predictions at [`Lesson::x`] and on the selection
    /// rows; `truth` are the true values of the latter.
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

/// Returns the weight of the process in the mean of process and network that is nearest to the
/// truth: one if they are equal, or if the network is not finite.
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

/// Returns the mean squared difference of two slices of equal length.
#[must_use]
pub fn mean_square(found: &[f32], truth: &[f32]) -> f64 {
    let squares = found.iter().zip(truth);
    let sum: f64 = squares.map(|(a, b)| f64::from(a - b).powi(2)).sum();
    sum / truth.len() as f64
}

/// Returns the predictions of a teacher fitted to the rows `train`, at inputs drawn with the seed,
/// or `None` if its error is too large.
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
    let quick = GaussianProcess::fit(&x, inputs, &y, outputs, Effort::Quick)?;
    let quick = quick.predict(&judged_x);
    if mean_square(&quick, &judged_y) > PROMISING {
        return None;
    }
    let (low, high) = encoded_box(learnt);
    let process = Processes::fit(&x, &y, outputs, (&low, &high), SECONDS)?;
    let selection = process.predict(&judged_x);
    let error = mean_square(&selection, &judged_y);
    if error > GOOD {
        return None;
    }
    let fresh = FRESH.min((FRESH_NUMBERS / learnt.count()).max(1));
    let x = fresh_inputs(learnt, seed, fresh);
    Some(Lesson {
        y: process.predict(&x),
        x,
        selection,
        error,
    })
}

/// Returns the corners of the trained box in the encoded inputs, `[inputs]` each.
#[must_use]
pub fn encoded_box(learnt: Learnt<'_>) -> (Vec<f32>, Vec<f32>) {
    let (data, normalisation) = (learnt.data, learnt.normalisation);
    let encoded = |k: usize, value: f64| {
        (value as f32 - normalisation.centre()[k]) * normalisation.scale()[k]
    };
    let inputs = data.inputs().iter().enumerate();
    let sides = inputs.map(|(k, input)| match input.logarithmic {
        true => (encoded(k, input.low.ln()), encoded(k, input.high.ln())),
        false => (encoded(k, input.low), encoded(k, input.high)),
    });
    sides.unzip()
}

/// Returns `fresh` encoded inputs drawn uniformly in the trained box, or in its logarithm for
/// logarithmic inputs, `[fresh][inputs]`.
#[must_use]
pub fn fresh_inputs(learnt: Learnt<'_>, seed: u64, fresh: usize) -> Vec<f32> {
    let (low, high) = encoded_box(learnt);
    let mut random = stream(seed, "teacher's inputs");
    let mut x = Vec::with_capacity(fresh * low.len());
    for _ in 0..fresh {
        for (low, high) in low.iter().zip(&high) {
            let share = uniform(&mut random);
            let (low, high) = (f64::from(*low), f64::from(*high));
            x.push((low + share * (high - low)) as f32);
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
        // At the corners of the box the process extrapolates beyond its rows.
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
        // Away from the selection rows, the network's predictions are arbitrary.
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
