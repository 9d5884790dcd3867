//! Estimates that depend on the position of the inputs: how large the errors are there, and whether
//! a training point is near. Most emulators have neither.
//!
//! With coordinates `u_j = (c(x_j) - centre_j) scale_j`, `c = ln` (of at least the smallest normal
//! float) for a logarithmic input, else the identity, the members' standard deviation is multiplied
//! by
//!
//! ```text
//! exp(min(max(constant + sum_j (linear_j + square_j u_j) u_j, least), most))
//! ```
//!
//! and an input is far from the training points where
//! `min_k sum_i (w_i - centres_ki)^2 > square_radius`, with `w_i = sum_j whitening_ij u_j`. Sums
//! start with their first term and continue in the order of j and i. This code shares nothing with
//! the runtime's functions.

use crate::emulator::InputVariable;
use crate::error::refuse;
use crate::graph::Real;
use crate::{Error, Result};

/// The largest magnitude of the exponent, so that the scale stays far from the limits of single
/// precision.
const LARGEST_EXPONENT: f32 = 20.0;
/// The largest number of centres: each costs a distance in every call.
pub const CENTRES_AT_MOST: usize = 4096;

/// The estimates of an emulator that depend on the position of the inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Local {
    /// How the errors vary over the box; if absent, they are the same everywhere.
    pub error_scale: Option<ErrorScale>,
    /// The region of the training points, in a box with holes.
    pub coverage: Option<Coverage>,
}

/// The standardisation of the inputs to coordinates near one, `[IN]` each.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinates {
    /// Subtracted from the input, or from its logarithm.
    pub centre: Vec<f32>,
    /// The factor of the difference.
    pub scale: Vec<f32>,
}

/// The exponent of the error scale.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorScale {
    /// The coordinates u.
    pub coordinates: Coordinates,
    /// `[IN]`
    pub linear: Vec<f32>,
    /// `[IN]`
    pub square: Vec<f32>,
    /// The exponent at the centre.
    pub constant: f32,
    /// The limits of the exponent: the smallest and the largest.
    pub limits: [f32; 2],
}

/// The neighbourhood of the training points.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// The coordinates u.
    pub coordinates: Coordinates,
    /// `[IN][IN]`
    pub whitening: Vec<f32>,
    /// `[centres][IN]`
    pub centres: Vec<f32>,
    /// The square of the radius.
    pub square_radius: f32,
}

impl Local {
    /// Multiply-accumulates of a call for the estimates.
    #[must_use]
    pub fn macs(&self) -> u64 {
        let scale = self.error_scale.iter().map(|scale| 2 * scale.linear.len());
        let coverage = self.coverage.iter();
        let coverage = coverage.map(|coverage| coverage.whitening.len() + coverage.centres.len());
        scale.chain(coverage).sum::<usize>() as u64
    }

    /// The number of constants that the shipped call reads for them.
    #[must_use]
    pub fn numbers(&self) -> usize {
        let scale = self.error_scale.iter();
        let coverage = self.coverage.iter();
        scale
            .map(|scale| 4 * scale.linear.len())
            .chain(coverage.map(|coverage| {
                2 * coverage.coordinates.centre.len()
                    + coverage.whitening.len()
                    + coverage.blocks().len()
            }))
            .sum()
    }

    /// Checks that all sizes and values suit deployed code.
    pub(crate) fn check(&self, inputs: usize) -> Result<()> {
        if let Some(scale) = &self.error_scale {
            scale.check(inputs)?;
        }
        match &self.coverage {
            Some(coverage) => coverage.check(inputs),
            None => Ok(()),
        }
    }
}

impl Coordinates {
    fn check(&self, inputs: usize) -> Result<()> {
        let Self { centre, scale } = self;
        numbers("coordinates", inputs, centre)?;
        numbers("coordinates", inputs, scale)
    }

    /// The coordinates of finite inputs.
    fn of<R: Real>(&self, inputs: &[InputVariable], x: &[f32]) -> Vec<R> {
        let coordinate = |(j, &x): (usize, &f32)| {
            let c = if inputs[j].logarithmic {
                R::from_f32(x.max(f32::MIN_POSITIVE)).ln()
            } else {
                R::from_f32(x)
            };
            c.sub(R::from_f32(self.centre[j]))
                .mul(R::from_f32(self.scale[j]))
        };
        x.iter().enumerate().map(coordinate).collect()
    }
}

impl ErrorScale {
    fn check(&self, inputs: usize) -> Result<()> {
        self.coordinates.check(inputs)?;
        numbers("error scale", inputs, &self.linear)?;
        numbers("error scale", inputs, &self.square)?;
        let [least, most] = self.limits;
        let within = |exponent: f32| exponent.abs() <= LARGEST_EXPONENT;
        if !(within(least) && within(most) && least <= most && self.constant.is_finite()) {
            return refuse(
                "error scale",
                format!(
                    "a finite constant, and limits between -{LARGEST_EXPONENT} and {LARGEST_EXPONENT} in order"
                ),
                format!("{} and {least} to {most}", self.constant),
            );
        }
        Ok(())
    }

    /// The factor of the standard deviations at finite inputs.
    pub(crate) fn at<R: Real>(&self, inputs: &[InputVariable], x: &[f32]) -> R {
        let mut exponent = R::from_f32(self.constant);
        for (j, u) in self.coordinates.of::<R>(inputs, x).into_iter().enumerate() {
            let slope = R::from_f32(self.square[j]).fma(u, R::from_f32(self.linear[j]));
            exponent = slope.fma(u, exponent);
        }
        let [least, most] = self.limits.map(R::from_f32);
        // NaN counts as large.
        let below = if exponent < most { exponent } else { most };
        let within = if below > least { below } else { least };
        within.exp()
    }
}

impl Coverage {
    /// The number of centres.
    #[must_use]
    pub fn count(&self) -> usize {
        self.centres.len() / self.coordinates.centre.len().max(1)
    }

    fn check(&self, inputs: usize) -> Result<()> {
        self.coordinates.check(inputs)?;
        numbers("coverage", inputs * inputs, &self.whitening)?;
        let count = self.count();
        if !(1..=CENTRES_AT_MOST).contains(&count) {
            return refuse("coverage", format!("1 to {CENTRES_AT_MOST} centres"), count);
        }
        numbers("coverage", inputs * count, &self.centres)?;
        if !(self.square_radius > 0.0 && self.square_radius.is_finite()) {
            return refuse("coverage", "a positive radius", self.square_radius);
        }
        Ok(())
    }

    /// Whether finite inputs are farther than the radius from every centre.
    pub(crate) fn is_far<R: Real>(&self, inputs: &[InputVariable], x: &[f32]) -> bool {
        let zero = R::from_f32(0.0);
        let u = self.coordinates.of::<R>(inputs, x);
        let rows = self.whitening.chunks_exact(x.len());
        let w: Vec<R> = rows
            .map(|row| {
                row.iter()
                    .zip(&u)
                    .fold(zero, |sum, (&factor, &u)| R::from_f32(factor).fma(u, sum))
            })
            .collect();
        let near = |centre: &[f32]| {
            let square = centre.iter().zip(&w).fold(zero, |sum, (&centre, &w)| {
                let distance = w.sub(R::from_f32(centre));
                distance.fma(distance, sum)
            });
            square <= R::from_f32(self.square_radius)
        };
        !self.centres.chunks_exact(x.len()).any(near)
    }

    /// Returns whether a finite input is far, in double precision.
    ///
    /// *Shapes*: `x: [IN]`, with IN equal to `inputs`.
    #[must_use]
    pub fn is_far_in_f64(&self, inputs: &[InputVariable], x: &[f32]) -> bool {
        self.is_far::<f64>(inputs, x)
    }

    /// The centres in the runtime's order, `[blocks][IN][8]`; the last block is padded with the
    /// last centre.
    pub(crate) fn blocks(&self) -> Vec<f32> {
        const LANES: usize = dense_runtime::local::LANES;
        let inputs = self.coordinates.centre.len();
        let last = self.count() - 1;
        let mut blocks = Vec::new();
        for first in (0..=last).step_by(LANES) {
            for input in 0..inputs {
                blocks.extend(
                    (0..LANES).map(|lane| self.centres[(first + lane).min(last) * inputs + input]),
                );
            }
        }
        blocks
    }
}

/// Checks the number of values, and that they are finite.
fn numbers(part: &str, expected: usize, values: &[f32]) -> Result<(), Error> {
    if values.len() != expected || !values.iter().all(|value| value.is_finite()) {
        return refuse(
            part,
            format!("{expected} finite numbers"),
            format!("{} or others", values.len()),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
