//! Estimates that depend on the position of the inputs: how large the errors are, and whether a
//! training point is near.
//!
//! Both use standardised coordinates of the inputs that the guard has checked,
//! `u_j = (c(x_j) - centre_j) scale_j`, with `c = ln` (of at least the smallest normal float) where
//! input j is logarithmic, else the identity. An emulator with neither estimate does not call this
//! module.

use crate::dispatch::vectorised;
use crate::elementary;
use crate::fma::{Arithmetic, Native};
use crate::status::Status;

/// The standardisation of the inputs to coordinates near one; `[IN]` each.
#[derive(Clone, Copy, Debug)]
pub struct Coordinates<'a> {
    /// Which inputs are logarithmic.
    pub logarithmic: &'a [bool],
    /// Subtracted from the input or its logarithm.
    pub centre: &'a [f32],
    /// The factor of the difference.
    pub scale: &'a [f32],
}

impl<'a> Coordinates<'a> {
    /// Yields the coordinates of `x` in order.
    #[inline(always)]
    fn of(self, x: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
        let numbers = self.centre.iter().zip(self.scale);
        let inputs = x.iter().zip(self.logarithmic).zip(numbers);
        inputs.map(
            #[inline(always)]
            |((&x, &logarithmic), (&centre, &scale))| {
                // Does not depend on the row: which inputs are logarithmic is a constant of the
                // emulator.
                let coordinate = if logarithmic {
                    let positive = if x >= f32::MIN_POSITIVE {
                        x
                    } else {
                        f32::MIN_POSITIVE
                    };
                    elementary::ln::<Native>(positive)
                } else {
                    x
                };
                (coordinate - centre) * scale
            },
        )
    }
}

/// The size of the errors at an input, relative to their mean:
/// `exp(constant + sum_j (linear_j + square_j u_j) u_j)`, with the exponent clamped to `least` and
/// `most`.
#[derive(Clone, Copy, Debug)]
pub struct ErrorScale<'a> {
    /// The coordinates u.
    pub coordinates: Coordinates<'a>,
    /// `[IN]`
    pub linear: &'a [f32],
    /// `[IN]`
    pub square: &'a [f32],
    /// The exponent at the centre.
    pub constant: f32,
    /// The smallest exponent.
    pub least: f32,
    /// The largest exponent.
    pub most: f32,
}

vectorised! {
    /// Returns the factor of the standard deviations at `x`. Never panics; executes the same
    /// instructions for every input.
    ///
    /// *Shapes*: `x: [IN]`, finite.
    #[inline]
    pub fn error_scale(scale: ErrorScale<'_>, x: &[f32]) -> f32 {
        let mut exponent = scale.constant;
        let coefficients = scale.linear.iter().zip(scale.square);
        for (u, (&linear, &square)) in scale.coordinates.of(x).zip(coefficients) {
            exponent = Native::fma(Native::fma(square, u, linear), u, exponent);
        }
        // Far outside, where the sum may overflow to NaN, the largest scale is taken.
        let below = if exponent < scale.most { exponent } else { scale.most };
        let within = if below > scale.least { below } else { scale.least };
        elementary::exp::<Native>(within)
    }
}

/// Centres whose distances are computed at once.
pub const LANES: usize = 8;
/// The largest number of inputs.
const INPUTS: usize = 64;

/// The region of the training points, for a box with holes: the points within a radius of some
/// centre.
///
/// Distances are Euclidean between `w_i = sum_j whitening_ij u_j`, coordinates in which the
/// training points have unit variance.
#[derive(Clone, Copy, Debug)]
pub struct Coverage<'a> {
    /// The coordinates u.
    pub coordinates: Coordinates<'a>,
    /// `[IN][IN]`
    pub whitening: &'a [f32],
    /// Centres in blocks of eight, `[blocks][IN][LANES]`.
    pub centres: &'a [f32],
    /// The square of the radius.
    pub square_radius: f32,
}

vectorised! {
    /// Sets the status if every input was finite and `x` is farther than the radius from every
    /// centre. Never panics; executes the same instructions for every input.
    ///
    /// *Shapes*: `x: [IN]`, as the guard leaves it, at most 64.
    #[inline]
    pub fn far_from_data(coverage: Coverage<'_>, x: &[f32], status: &mut Status) {
        let (mut u, mut w) = ([0.0_f32; INPUTS], [0.0_f32; INPUTS]);
        for (u, coordinate) in u.iter_mut().zip(coverage.coordinates.of(x)) {
            *u = coordinate;
        }
        let inputs = x.len().clamp(1, INPUTS);
        for (w, row) in w.iter_mut().zip(coverage.whitening.chunks_exact(inputs)) {
            for (&factor, &u) in row.iter().zip(&u) {
                *w = Native::fma(factor, u, *w);
            }
        }
        // Squares are not negative, so their bits are in their order, and those of NaN are above
        // those of infinity: a NaN, far outside, is not near. The compiler would turn a comparison
        // of floats into branches.
        let mut nearest = [f32::INFINITY.to_bits(); LANES];
        for block in coverage.centres.as_chunks::<LANES>().0.chunks_exact(inputs) {
            let mut squares = [0.0_f32; LANES];
            for (centres, &w) in block.iter().zip(&w) {
                for lane in 0..LANES {
                    let distance = w - centres[lane];
                    squares[lane] = Native::fma(distance, distance, squares[lane]);
                }
            }
            for lane in 0..LANES {
                nearest[lane] = nearest[lane].min(squares[lane].to_bits());
            }
        }
        let least = f32::from_bits(nearest.into_iter().fold(u32::MAX, u32::min));
        status.far = (least > coverage.square_radius) & (status.non_finite == 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COORDINATES: Coordinates<'static> = Coordinates {
        logarithmic: &[false, true],
        centre: &[1.0, 0.0],
        scale: &[2.0, 1.0],
    };

    #[test]
    fn errors_scale_by_the_exponential_of_a_polynomial_within_its_limits() {
        let scale = ErrorScale {
            coordinates: COORDINATES,
            linear: &[0.5, 0.0],
            square: &[0.0, 0.25],
            constant: 0.1,
            least: -0.5,
            most: 1.5,
        };
        let e = core::f32::consts::E;
        let near = |x: &[f32], exponent: f32| {
            let found = error_scale(scale, x);
            assert!(
                (found / exponent.exp() - 1.0).abs() < 1e-5,
                "{x:?}: {found}"
            );
        };
        near(&[1.0, 1.0], 0.1);
        near(&[1.5, 1.0], 0.6);
        near(&[1.0, e * e], 1.1);
        near(&[-9.0, 1.0], -0.5);
        near(&[f32::MAX, f32::MAX], 1.5);
        // The difference of two infinities.
        let scale = ErrorScale {
            linear: &[0.0, 0.0],
            square: &[1.0e38, -1.0e38],
            ..scale
        };
        assert!((error_scale(scale, &[3.0e38, 1e30]) / 1.5_f32.exp() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn near_is_within_the_radius_of_some_centre() {
        // Nine centres along the first coordinate, the last of them alone in its block, padded.
        let mut centres = [0.0; 32];
        for (centre, at) in (0..16).map(|centre| (centre, centre.min(8) as f32)) {
            centres[centre / 8 * 16 + centre % 8] = at;
        }
        let coverage = Coverage {
            coordinates: COORDINATES,
            whitening: &[1.0, 0.0, 0.0, 2.0],
            centres: &centres,
            square_radius: 0.25,
        };
        let is_far = |x: &[f32], non_finite| {
            let mut status = Status {
                non_finite,
                ..Status::default()
            };
            far_from_data(coverage, x, &mut status);
            status.far
        };
        let at = |u: f32, v: f32| is_far(&[1.0 + u / 2.0, v.exp()], 0);
        for centre in 0..9 {
            assert!(!at(centre as f32, 0.0) && !at(centre as f32, 0.24));
            assert!(at(centre as f32, 0.26) && at(centre as f32, -0.26));
        }
        assert!(!at(8.49, 0.0) && at(8.51, 0.0) && at(-0.51, 0.0));
        assert!(is_far(&[f32::MAX, 1.0], 0) && is_far(&[1.0, -5.0], 0) && !is_far(&[1.0, -5.0], 2));
    }
}
