//! Exported models compared with the f64 interpreter: [`engines`] run them, [`operations`] has one
//! emulator for each operation, and [`Errors`] measures the difference.

pub mod engines;
pub mod operations;

use crate::tolerance::AT_RADIUS;
use dense_codegen::Emulator;
use dense_codegen::interpreter::{Order, Prediction, interpret_f32, interpret_f64};
use dense_runtime::status::Status;
use engines::Outputs;

/// The differences of an engine's outputs from the f64 interpreter.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// The largest error of the mean over the rows inside the box, in units of the row's largest
    /// mean or of the output's unit, whichever is larger; infinite if it is NaN.
    pub mean: f64,
    /// The largest error of the standard deviation, in the same units.
    pub std: f64,
    /// The number of wrong rows. In a wrong row, `in_domain` differs from whether the deployed
    /// status is ok (rows whose distance from the training points is within rounding
    /// ([`AT_RADIUS`]) of the radius, or with a result near the largest float, do not count); or an
    /// input is not finite and a result is not NaN.
    pub wrong_rows: usize,
}

impl Errors {
    /// Compares the outputs of a model of the whole prediction for these rows.
    ///
    /// # Panics
    /// An output is missing or has another length.
    #[must_use]
    pub fn of(emulator: &Emulator, rows: &[f32], outputs: &Outputs) -> Self {
        let (columns, count) = (emulator.input_count(), emulator.output_count());
        let rows: Vec<_> = rows.chunks_exact(columns).collect();
        let output = |name: &str, size: usize| {
            let values = outputs.get(name);
            let values = values.unwrap_or_else(|| panic!("no output {name}"));
            assert_eq!(values.len(), rows.len() * size, "count of {name}");
            values.chunks_exact(size)
        };
        let (means, deviations) = (output("mean", count), output("std", count));
        let mut errors = Self::default();
        let answers = means.zip(deviations).zip(output("in_domain", 1));
        for (x, ((mean, std), in_domain)) in rows.into_iter().zip(answers) {
            let exact = interpret_f64(emulator, x);
            let status = deployed_status(emulator, x);
            let guarded = status.outside == 0 && status.non_finite == 0;
            let trained = status.is_ok();
            let nan = || mean.iter().chain(std).all(|value| value.is_nan());
            let right = (in_domain == [1.0]) == trained && (in_domain == [0.0]) != trained;
            let silent = status.non_finite != 0 && !nan();
            let at_overflow = at_overflow(&exact);
            let undecided = guarded && (at_radius(emulator, x) || at_overflow);
            errors.wrong_rows += usize::from(silent || !(right || undecided));
            if in_box(&status) && !at_overflow {
                errors.mean = errors
                    .mean
                    .max(error(emulator, &exact.mean, &exact.mean, mean));
                errors.std = errors
                    .std
                    .max(error(emulator, &exact.mean, &exact.std, std));
            }
        }
        errors
    }
}

/// Whether the inputs are in the trained box, near a training point if the emulator knows them, and
/// their result is finite.
#[must_use]
pub fn in_box(status: &Status) -> bool {
    status.non_finite == 0 && status.outside == 0 && !status.overflow
}

/// The status of deployed code.
#[must_use]
pub fn deployed_status(emulator: &Emulator, x: &[f32]) -> Status {
    interpret_f32(emulator, x, Order::Fused).status
}

/// Whether a result is so near the largest float that its overflow depends on the way it is
/// computed: a hyperbolic sine by exponentials overflows at half of it.
#[must_use]
pub fn at_overflow(exact: &Prediction<f64>) -> bool {
    let sizes = exact.mean.iter().chain(&exact.std).map(|value| value.abs());
    let largest = sizes.fold(0.0, f64::max) / f64::from(f32::MAX);
    (0.25..4.0).contains(&largest)
}

/// Whether finite inputs are so near the radius around training points that rounding may decide.
fn at_radius(emulator: &Emulator, x: &[f32]) -> bool {
    let far_at = |factor: f32| {
        let mut coverage = emulator.local().coverage.clone()?;
        coverage.square_radius *= factor;
        Some(coverage.is_far_in_f64(emulator.inputs(), x))
    };
    far_at(1.0 - AT_RADIUS) != far_at(1.0 + AT_RADIUS)
}

/// The largest error of one row in the units of [`Errors::mean`].
#[must_use]
pub fn error(emulator: &Emulator, mean: &[f64], exact: &[f64], got: &[f32]) -> f64 {
    let scale = mean
        .iter()
        .fold(0.0, |largest: f64, y| largest.max(y.abs()));
    let units = &emulator.calibration().unit;
    let errors = got.iter().zip(exact).zip(units);
    errors
        .map(|((&got, exact), &unit)| (f64::from(got) - exact).abs() / scale.max(unit.into()))
        .map(|error| if error.is_nan() { f64::INFINITY } else { error })
        .fold(0.0, f64::max)
}
