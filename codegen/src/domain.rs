//! The semantics of the domain guard: whether an input lies in the trained box, and how far
//! outside.
//!
//! The box is kept in single precision, rounded outward, so that no point of the trained range
//! counts as outside. The decision is made on `x` itself and is exact. The distance is measured in
//! widths of the range, along the coordinate c(x) = ln x (of at least the smallest normal float)
//! for a logarithmic input, c(x) = x otherwise:
//!
//! ```text
//! excess = max(c(low) - c(x), c(x) - c(high)) / (c(high) - c(low))
//! ```
//!
//! Every term is halved first, so that no difference overflows; the coordinates of the limits are
//! kept in single precision. This code shares nothing with the runtime's guard.

use crate::emulator::InputVariable;
use crate::graph::Real;
use dense_runtime::status::Status;

/// The trained range of one input, in the form of deployed code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The largest single-precision float not above the lower limit.
    pub low: f32,
    /// The smallest single-precision float not below the upper limit.
    pub high: f32,
    /// Whether distances are measured between logarithms.
    pub logarithmic: bool,
}

impl Range {
    /// The range of an emulator's input, whose limits are in order and within single precision.
    pub(crate) fn of(input: &InputVariable) -> Self {
        Self {
            low: rounded_down(input.low),
            high: -rounded_down(-input.high),
            logarithmic: input.logarithmic,
        }
    }

    /// The limits' coordinates in single precision.
    pub(crate) fn coordinates(&self) -> [f32; 2] {
        let coordinate = |limit: f32| {
            if self.logarithmic {
                f64::from(limit).ln() as f32
            } else {
                limit
            }
        };
        [self.low, self.high].map(coordinate)
    }

    /// The range in the runtime's type.
    pub(crate) fn deployed(&self) -> dense_runtime::domain::Range {
        use dense_runtime::domain::Range as Deployed;
        if self.logarithmic {
            Deployed::logarithmic(self.low, self.high, self.coordinates())
        } else {
            Deployed::linear(self.low, self.high)
        }
    }

    /// The distance of a finite `x` from the range, in widths of the range; 0 inside.
    fn excess<R: Real>(&self, x: f32) -> R {
        let (zero, half) = (R::from_f32(0.0), R::from_f32(0.5));
        let x = if self.logarithmic {
            R::from_f32(x.max(f32::MIN_POSITIVE)).ln().mul(half)
        } else {
            R::from_f32(x).mul(half)
        };
        let [low, high] = self.coordinates().map(|limit| R::from_f32(limit).mul(half));
        let beyond = if x > high { x.sub(high) } else { low.sub(x) };
        let widths = beyond.div(high.sub(low));
        // A range of a few units in the last place may have equal logarithms: 0 / 0 counts as 0.
        if widths > zero { widths } else { zero }
    }
}

/// The largest single-precision float not above `x`.
fn rounded_down(x: f64) -> f32 {
    let nearest = x as f32;
    if f64::from(nearest) > x {
        nearest.next_down()
    } else {
        nearest
    }
}

/// The guard's part of the status: all but the overflow. Excesses are computed in the arithmetic
/// `R`.
pub(crate) fn check<R: Real>(ranges: &[Range], x: &[f32]) -> Status {
    let mut status = Status::default();
    for (index, (range, &x)) in ranges.iter().zip(x).enumerate() {
        if !x.is_finite() {
            status.non_finite |= 1 << index;
        } else if x < range.low || x > range.high {
            status.outside |= 1 << index;
            let excess = range.excess::<R>(x).to_f32();
            if excess > status.excess {
                status.worst = index as u8;
                status.excess = excess;
            }
        }
    }
    status
}

#[cfg(test)]
mod tests;
