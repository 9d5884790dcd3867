//! The coordinate in which outputs are learnt, in which their errors are of a size too, and what a floor there becomes in the
//! outputs' own units.
//!
//! ```text
//! l(y) = y / unit    ln y    asinh(y / u)
//! step = 1 / l'(y) = unit    |y|     sqrt(y^2 + u^2)
//! ```
//!
//! A variance q of the coordinate is q step^2 in the output's unit, with the step at the mean: q unit^2 where outputs are learnt
//! as they are, `(slope mean)^2` with `slope = sqrt(q)` for the logarithm, and for asinh `floor unit^2 = q u^2` beside that.

use crate::data::{Normalisation, Transform};

/// The coordinate of each output.
#[derive(Clone, Copy)]
pub(super) struct Coordinate<'a> {
    transform: Transform,
    /// What variances are divided by, `[outputs]`.
    unit: &'a [f32],
    /// What outputs are divided by before their inverse hyperbolic sine, `[outputs]`.
    learnt_unit: &'a [f32],
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

    /// Whether outputs are learnt as they are.
    pub(super) fn is_plain(self) -> bool {
        self.transform == Transform::None
    }

    /// Returns by how much output `j` changes near `y` where its coordinate changes by one; never 0.
    pub(super) fn step(self, j: usize, y: f32) -> f32 {
        match self.transform {
            Transform::None => self.unit[j],
            Transform::Log => y.abs().max(f32::MIN_POSITIVE),
            Transform::Asinh => y.hypot(self.learnt_unit[j]),
        }
    }

    /// Returns the error of output `j` in its coordinate.
    pub(super) fn error(self, j: usize, mean: f32, y: f32) -> f32 {
        let logarithm = |y: f32| y.max(f32::MIN_POSITIVE).ln();
        let asinh = |y: f32| (y / self.learnt_unit[j]).asinh();
        match self.transform {
            Transform::None => (y - mean) / self.unit[j],
            Transform::Log => logarithm(y) - logarithm(mean),
            Transform::Asinh => asinh(y) - asinh(mean),
        }
    }

    /// Returns floors and slopes of the deployed formula, of which these are the variances of the coordinate, `[outputs]`.
    pub(super) fn deployed(self, variance: Vec<f32>) -> (Vec<f32>, Option<Vec<f32>>) {
        let slope = || Some(variance.iter().map(|variance| variance.sqrt()).collect());
        match self.transform {
            Transform::None => (variance, None),
            Transform::Log => (vec![0.0; variance.len()], slope()),
            Transform::Asinh => {
                let ratios = self.learnt_unit.iter().zip(self.unit);
                let pairs = variance.iter().zip(ratios);
                let floor = pairs.map(|(variance, (own, unit))| variance * (own / unit).powi(2));
                (floor.collect(), slope())
            }
        }
    }
}
