//! Chooses the coordinate in which outputs are learnt: untransformed, logarithm, or inverse
//! hyperbolic sine.
//!
//! If a few rows are many standard deviations large, they dominate the squared error of
//! standardised outputs, and all others are lost. Only such data are considered. A quick Gaussian
//! process learns a part of the training rows in each coordinate. A transform is chosen if it
//! reduces the median relative error on the selection rows, or on a fifth of the rows where every
//! row trains, to less than half. All outputs of a curve or an image share a transform; several
//! scalars are left untransformed, since they may be unrelated.

use crate::data::{Dataset, Layout, Normalisation, Split, Transform};
use crate::error::{Result, bail};
use crate::gaussian_process::{Effort, GaussianProcess};
use crate::streams::{permutation, stream};
use crate::warnings::fill_values;
use dense_codegen::emulator::Relative;

/// Transforms are considered if a training row reaches this number of standard deviations.
const HEAVY: f32 = 20.0;
/// Upper limit of a transform's error, relative to that of untransformed outputs.
const GAIN: f64 = 0.5;

/// Returns the transform for learning these data.
#[must_use]
pub fn choose(data: &Dataset, split: &Split) -> Transform {
    // Fill values are no reason for a transform.
    let results = fill_values::without(data, &split.train);
    let plain = Normalisation::fit(data, &results);
    let heavy = plain.encode_y(data, &results);
    let is_one_group = data.layout() != Layout::Scalars || data.output_count() == 1;
    if !is_one_group || heavy.iter().all(|z| z.abs() < HEAVY) {
        return Transform::None;
    }
    // Where every row trains, a fifth of them judges what the others say.
    let (fitted, judged): (Vec<usize>, Vec<usize>) = match split.selection.is_empty() {
        false => (split.train.clone(), split.selection.clone()),
        true => {
            let order = permutation(&mut stream(0, "transform"), split.train.len());
            let rows: Vec<usize> = order.iter().map(|&place| split.train[place]).collect();
            let (judged, fitted) = rows.split_at(rows.len() / 5);
            (fitted.to_vec(), judged.to_vec())
        }
    };
    let error =
        |transform| median_error(data, &fitted, &judged, transform).unwrap_or(f64::INFINITY);
    let others = [Transform::Log, Transform::Asinh];
    let others = others.into_iter().filter(|one| check(data, *one).is_ok());
    let best = others
        .map(|one| (error(one), one))
        .min_by(|left, right| left.0.total_cmp(&right.0));
    match best {
        Some((least, transform)) if least < GAIN * error(Transform::None) => transform,
        _ => Transform::None,
    }
}

/// Checks that the training outputs permit this transform.
///
/// # Errors
/// If the logarithm was requested and an output is not positive, or if an output has an offset.
pub fn check(data: &Dataset, transform: Transform) -> Result<()> {
    if transform == Transform::None {
        return Ok(());
    }
    if data.relative().is_some_and(Relative::has_offset) {
        bail!(
            Settings,
            "{}: --transform {}: an output varies by so little beside its size that it is learnt less an offset, which has no such \
             coordinate; leave --transform out",
            data.label(),
            match transform {
                Transform::Asinh => "asinh",
                _ => "log",
            }
        );
    }
    let lowest = (0..data.rows())
        .flat_map(|row| data.y_row(row))
        .fold(f64::INFINITY, |least, &y| least.min(y));
    if transform == Transform::Log && lowest < f32::MIN_POSITIVE.into() {
        bail!(
            Settings,
            "{}: --transform log: expected positive outputs, got {lowest:e}; try asinh",
            data.label()
        );
    }
    Ok(())
}

/// Returns the median over judged rows of the error norm of a quick process that is fitted to
/// others, relative to the norm of the outputs.
fn median_error(
    data: &Dataset,
    fitted: &[usize],
    judged: &[usize],
    transform: Transform,
) -> Option<f64> {
    let normalisation = Normalisation::fit_transformed(data, fitted, transform);
    let (inputs, outputs) = (data.input_count(), data.output_count());
    let x = normalisation.encode_x(data, fitted);
    let y = normalisation.encode_y(data, fitted);
    let process = GaussianProcess::fit(&x, inputs, &y, outputs, Effort::Quick)?;
    let found = process.predict(&normalisation.encode_x(data, judged));
    let rows = found.chunks_exact(outputs).zip(judged);
    let mut errors: Vec<f64> = rows
        .map(|(z, &row)| {
            let (mut error, mut norm) = (0.0, f64::MIN_POSITIVE);
            for (found, &y) in normalisation.decode_y(z).into_iter().zip(data.y_row(row)) {
                error += (found - y).powi(2);
                norm += y.powi(2);
            }
            (error / norm).sqrt()
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    errors.get(errors.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Division, Pooling, ReadOptions};
    use rand::Rng;

    fn data(y: impl Fn(f64, f64) -> f64) -> Dataset {
        let mut random = stream(4, "transform test");
        let mut text = "a,b,y\n".to_owned();
        for _ in 0..1500 {
            let [a, b]: [f64; 2] = [0; 2].map(|_| random.random_range(0.0..1.0));
            text += &format!("{a},{b},{}\n", y(a, b));
        }
        let options = ReadOptions {
            inputs: vec!["a".into(), "b".into()],
            outputs: vec!["y".into()],
            ..ReadOptions::default()
        };
        Dataset::from_csv_bytes(text.as_bytes(), "test.csv", &options).unwrap()
    }

    fn chosen(data: &Dataset) -> Transform {
        choose(data, &Split::resolve(data, 0).unwrap())
    }

    #[test]
    fn where_every_row_trains_a_part_of_them_judges() {
        let chosen = |y: &dyn Fn(f64, f64) -> f64| {
            let data = data(y);
            let division = Division::Folds {
                hold_out: None,
                pool: Pooling::Auto,
            };
            choose(&data, &Split::divide(&data, 0, division).unwrap())
        };
        assert_eq!(chosen(&|a, b| (60.0 * a * b).exp()), Transform::Log);
        assert_eq!(chosen(&|a, b| a + b * b), Transform::None);
    }

    #[test]
    fn outputs_over_decades_are_learnt_by_their_logarithm_and_signed_ones_by_the_inverse_sine() {
        let decades = |a: f64, b: f64| (25.0 * a * b + 3.0 * (4.0 * b).sin()).exp();
        assert_eq!(chosen(&data(decades)), Transform::Log);
        let signed = |a: f64, b: f64| (25.0 * (a - 0.5) * b + 3.0 * (4.0 * b).sin()).sinh();
        let signed = data(signed);
        assert_ne!(chosen(&signed), Transform::Log);
        assert!(check(&signed, Transform::Log).is_err());
        assert_eq!(chosen(&data(|a, b| a + b * b)), Transform::None);
    }
}
