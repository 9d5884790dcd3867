//! The coordinate in which outputs are learnt and their errors are of similar size, and the
//! conversion of its variances to the units of the outputs.
//!
//! ```text
//! l(y) = y / unit    ln y    asinh(y / u)
//! step = 1 / l'(y) = unit    |y|     sqrt(y^2 + u^2)
//! ```
//!
//! A variance q in the coordinate is q step^2 in the unit of the output, with the step at the mean.
//! This is q unit^2 for untransformed outputs and `(slope mean)^2` with `slope = sqrt(q)` for the
//! logarithm. For asinh, `floor unit^2 = q u^2` is added to the latter.

use crate::data::{Normalisation, Transform};

/// The coordinate of each output.
#[derive(Clone, Copy)]
pub(super) struct Coordinate<'a> {
    transform: Transform,
    /// Variances are divided by the squares of these units, `[outputs]`.
    unit: &'a [f32],
    /// Outputs are divided by these units before asinh, `[outputs]`.
    learnt_unit: &'a [f64],
}

impl<'a> Coordinate<'a> {
    /// Returns the coordinate of this normalisation; `unit`, `[outputs]`, is the emulator's.
    pub(super) fn of(normalisation: &'a Normalisation, unit: &'a [f32]) -> Self {
        Self {
            transform: normalisation.transform(),
            unit,
            learnt_unit: normalisation.unit(),
        }
    }

    /// Whether outputs are learnt untransformed.
    pub(super) fn is_plain(self) -> bool {
        self.transform == Transform::None
    }

    /// Returns the change of output `j` near `y` for a change of one in its coordinate; never 0.
    pub(super) fn step(self, j: usize, y: f64) -> f64 {
        match self.transform {
            Transform::None => self.unit[j].into(),
            Transform::Log => y.abs().max(f32::MIN_POSITIVE.into()),
            Transform::Asinh => y.hypot(self.learnt_unit[j]),
        }
    }

    /// Returns the error of output `j` in its coordinate.
    pub(super) fn error(self, j: usize, mean: f64, y: f64) -> f64 {
        let logarithm = |y: f64| y.max(f32::MIN_POSITIVE.into()).ln();
        let asinh = |y: f64| (y / self.learnt_unit[j]).asinh();
        match self.transform {
            Transform::None => (y - mean) / f64::from(self.unit[j]),
            Transform::Log => logarithm(y) - logarithm(mean),
            Transform::Asinh => asinh(y) - asinh(mean),
        }
    }

    /// Converts variances of the coordinate, `[outputs]`, to the floors and slopes of the deployed
    /// formula.
    pub(super) fn deployed(self, variance: Vec<f32>) -> (Vec<f32>, Option<Vec<f32>>) {
        let slope = || Some(variance.iter().map(|variance| variance.sqrt()).collect());
        match self.transform {
            Transform::None => (variance, None),
            Transform::Log => (vec![0.0; variance.len()], slope()),
            Transform::Asinh => {
                let ratios = self.learnt_unit.iter().zip(self.unit);
                let pairs = variance.iter().zip(ratios);
                let floor = pairs.map(|(variance, (own, unit))| {
                    variance * (own / f64::from(*unit)).powi(2) as f32
                });
                (floor.collect(), slope())
            }
        }
    }
}
