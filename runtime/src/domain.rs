//! The guard before the network: the box that the emulator was trained in, and what lies outside it.

use crate::dispatch::vectorised;
use crate::elementary;
use crate::fma::Native;
use crate::status::Status;

/// The trained range of one input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    low: f32,
    high: f32,
    centre: f32,
    logarithmic: bool,
}

impl Range {
    /// Returns the range from `low` to `high`, in the input's unit; `low < high`, and above zero where the input is
    /// taken by its logarithm. The limits are the simulator's rounded outward, so that rows at the edge are inside.
    #[must_use]
    pub const fn new(low: f32, high: f32, logarithmic: bool) -> Self {
        let centre = low * 0.5 + high * 0.5;
        Self {
            low,
            high,
            centre,
            logarithmic,
        }
    }

    /// Returns how far outside `x` is, in widths of the range; 0.0 inside.
    #[inline(always)]
    fn excess(&self, x: f32) -> f32 {
        let coordinate = |value: f32| {
            let positive = if value >= f32::MIN_POSITIVE {
                value
            } else {
                f32::MIN_POSITIVE
            };
            let logarithm = elementary::ln::<Native>(positive);
            if self.logarithmic { logarithm } else { value }
        };
        let (x, low, high) = (coordinate(x), coordinate(self.low), coordinate(self.high));
        // Halved, so that the distance of the two largest numbers does not overflow.
        let beyond = if x > high {
            x * 0.5 - high * 0.5
        } else {
            low * 0.5 - x * 0.5
        };
        let widths = beyond / (high * 0.5 - low * 0.5);
        if widths > 0.0 { widths } else { 0.0 }
    }
}

vectorised! {
    /// Copies the inputs for the network, those that are not finite replaced by the middle of their range, and says which
    /// they were and which lie outside. Never panics; the same instructions for every input.
    ///
    /// *Shapes*: `ranges`, `x` and `checked`: `[inputs]`, at most 64.
    pub fn check(ranges: &[Range], x: &[f32], checked: &mut [f32]) -> Status {
        let mut status = Status::default();
        for (input, ((range, &x), checked)) in (0_u8..64).zip(ranges.iter().zip(x).zip(checked)) {
            let finite = x.is_finite();
            let value = if finite { x } else { range.centre };
            let outside = value < range.low || value > range.high;
            let excess = range.excess(value);
            let excess = if outside { excess } else { 0.0 };
            let worst = excess > status.excess;
            status.non_finite |= u64::from(!finite) << input;
            status.outside |= u64::from(outside) << input;
            status.worst = if worst { input } else { status.worst };
            status.excess = if worst { excess } else { status.excess };
            *checked = value;
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGES: [Range; 2] = [Range::new(-1.0, 3.0, false), Range::new(1.0, 100.0, true)];

    fn checked(x: [f32; 2]) -> (Status, [f32; 2]) {
        let mut values = [f32::NAN; 2];
        (check(&RANGES, &x, &mut values), values)
    }

    #[test]
    fn the_edges_are_inside_and_the_next_numbers_are_not() {
        for x in [[-1.0, 1.0], [3.0, 100.0]] {
            assert_eq!(checked(x), (Status::default(), x));
        }
        assert_eq!(checked([3.0_f32.next_up(), 1.0]).0.outside, 1);
        assert_eq!(checked([0.0, 1.0_f32.next_down()]).0.outside, 2);
    }

    #[test]
    fn distance_is_in_widths_of_the_range_or_of_its_logarithm() {
        let (status, _) = checked([5.0, 1.0e6]);
        assert_eq!((status.outside, status.worst), (3, 1));
        assert!((status.excess - 2.0).abs() < 1e-6, "{status:?}");
        assert_eq!(checked([-2.0, 1.0]).0.excess, 0.25);
        assert!(
            checked([0.0, -5.0]).0.excess > 10.0,
            "below zero is far below a logarithm's range"
        );
        assert!(checked([f32::MAX, 1.0]).0.excess.is_finite());
    }

    #[test]
    fn what_is_not_finite_is_replaced_and_named() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let (status, values) = checked([0.0, bad]);
            assert_eq!(
                (status.non_finite, status.outside, values),
                (2, 0, [0.0, 50.5])
            );
            assert!(!status.is_ok());
        }
    }

    #[test]
    fn the_status_reads_well() {
        let text = |status: Status| std::format!("{status}");
        assert_eq!(text(checked([0.0, 2.0]).0), "ok");
        assert_eq!(
            text(checked([9.0, f32::NAN]).0),
            "not finite: inputs 1; outside: inputs 0"
        );
    }
}
