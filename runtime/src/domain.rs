//! The guard before the network: checks inputs against the trained box.
//!
//! Inputs are checked eight at a time, their ranges side by side, without a branch. The distance
//! outside is measured in widths of the range, along the logarithm for logarithmic inputs.

use crate::dispatch::vectorised;
use crate::elementary;
use crate::fma::Native;
use crate::index::numbered;
use crate::status::Status;
use core::hint::black_box;

/// The trained range of one input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    low: f32,
    high: f32,
    /// Half of each limit's coordinate, so that the distance of the two largest floats does not
    /// overflow.
    half_low: f32,
    half_high: f32,
    logarithmic: bool,
}

impl Range {
    /// Returns the range from `low` to `high`, in the input's unit; `low < high`. The limits are
    /// the simulator's rounded outward, so that rows at the edge are inside.
    #[must_use]
    pub const fn linear(low: f32, high: f32) -> Self {
        Self {
            low,
            high,
            half_low: low * 0.5,
            half_high: high * 0.5,
            logarithmic: false,
        }
    }

    /// Returns the range of a logarithmic input, with the logarithms of its limits;
    /// `0 < low < high`.
    #[must_use]
    pub const fn logarithmic(low: f32, high: f32, logarithms: [f32; 2]) -> Self {
        Self {
            low,
            high,
            half_low: logarithms[0] * 0.5,
            half_high: logarithms[1] * 0.5,
            logarithmic: true,
        }
    }
}

/// Inputs that are checked at once.
pub const LANES: usize = 8;

/// The ranges of up to eight inputs side by side; words of four bytes, so that an
/// [`Image`](crate::image::Image) may hold them.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub struct Ranges {
    pub(crate) low: [f32; LANES],
    pub(crate) high: [f32; LANES],
    pub(crate) centre: [f32; LANES],
    pub(crate) half_low: [f32; LANES],
    pub(crate) half_high: [f32; LANES],
    /// Whether each is logarithmic, and whether any is: nonzero if so.
    logarithmic: [u32; LANES],
    any_logarithmic: u32,
}

/// The result of the check of eight inputs. Masks have a bit for each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Guarded {
    /// The inputs; those that are not finite are replaced by the middle of their range.
    pub(crate) values: [f32; LANES],
    pub(crate) non_finite: u32,
    pub(crate) outside: u32,
    /// The largest distance outside, in widths of the range, as bits; 0 if all are inside.
    pub(crate) worst: u32,
    /// A bit for each input at that distance.
    pub(crate) worst_is: u32,
}

impl Ranges {
    /// Returns the block of these ranges, at most eight.
    #[must_use]
    pub const fn new(ranges: &[Range]) -> Self {
        let mut all = Self {
            low: [-1.0; LANES],
            high: [1.0; LANES],
            centre: [0.0; LANES],
            half_low: [-0.5; LANES],
            half_high: [0.5; LANES],
            logarithmic: [0; LANES],
            any_logarithmic: 0,
        };
        let mut lane = 0;
        while lane < ranges.len() && lane < LANES {
            let range = ranges[lane];
            all.low[lane] = range.low;
            all.high[lane] = range.high;
            all.centre[lane] = range.low * 0.5 + range.high * 0.5;
            all.half_low[lane] = range.half_low;
            all.half_high[lane] = range.half_high;
            all.logarithmic[lane] = range.logarithmic as u32;
            all.any_logarithmic |= range.logarithmic as u32;
            lane += 1;
        }
        all
    }

    /// Returns the limits of input `lane` of the eight, low and high; those of the last input for
    /// any larger lane.
    #[must_use]
    pub fn limits(&self, lane: usize) -> [f32; 2] {
        let lane = lane.min(LANES - 1);
        let limit = |limits: &[f32; LANES]| limits.get(lane).copied().unwrap_or_default();
        [limit(&self.low), limit(&self.high)]
    }

    /// Returns the words in the order in which they lie in memory.
    pub fn words(&self) -> impl Iterator<Item = u32> {
        let numbers = [
            self.low,
            self.high,
            self.centre,
            self.half_low,
            self.half_high,
        ];
        let numbers = numbers.into_iter().flatten().map(f32::to_bits);
        let flags = self.logarithmic.into_iter().chain([self.any_logarithmic]);
        numbers.chain(flags)
    }

    /// Returns each value, or its logarithm if the input is logarithmic.
    #[inline(always)]
    pub(crate) fn coordinates(&self, x: [f32; LANES]) -> [f32; LANES] {
        let mut coordinate = x;
        // Does not depend on the inputs: which of them are logarithmic is a constant of the
        // emulator.
        if self.any_logarithmic != 0 {
            for lane in 0..LANES {
                let positive = if x[lane] >= f32::MIN_POSITIVE {
                    x[lane]
                } else {
                    f32::MIN_POSITIVE
                };
                let logarithm = elementary::ln::<Native>(positive);
                coordinate[lane] = if self.logarithmic[lane] != 0 {
                    logarithm
                } else {
                    x[lane]
                };
            }
        }
        coordinate
    }

    /// Returns how far outside each value is, in widths of its range; 0.0 inside.
    #[inline(always)]
    fn excess(&self, x: [f32; LANES], outside: [bool; LANES]) -> [f32; LANES] {
        let coordinate = self.coordinates(x);
        let mut excess = [0.0; LANES];
        for lane in 0..LANES {
            let half = coordinate[lane] * 0.5;
            let (low, high) = (self.half_low[lane], self.half_high[lane]);
            let beyond = if half > high { half - high } else { low - half };
            let widths = beyond / (high - low);
            // Values inside aside, a range whose logarithms are equal gives 0 / 0, which counts as
            // 0.
            excess[lane] = if outside[lane] & (widths > 0.0) {
                widths
            } else {
                0.0
            };
        }
        excess
    }

    /// Returns the result of the check, computed with plain arrays.
    #[inline(always)]
    pub(crate) fn guarded(&self, x: [f32; LANES]) -> Guarded {
        let mut values = x;
        let (mut non_finite, mut outside) = ([false; LANES], [false; LANES]);
        let mut masks = [0_u32; LANES];
        for lane in 0..LANES {
            non_finite[lane] = !values[lane].is_finite();
            masks[lane] = u32::from(non_finite[lane]).wrapping_neg();
        }
        // If the compiler knew the meaning of the masks, it would turn them back into branches.
        let masks = black_box(masks);
        for lane in 0..LANES {
            let (value, centre) = (values[lane].to_bits(), self.centre[lane].to_bits());
            values[lane] = f32::from_bits(centre & masks[lane] | value & !masks[lane]);
            outside[lane] = (values[lane] < self.low[lane]) | (values[lane] > self.high[lane]);
        }
        let excess = self.excess(values, outside);
        // Not negative, so the bits are in the order of the values.
        let worst = excess.map(f32::to_bits).into_iter().fold(0, u32::max);
        Guarded {
            values,
            non_finite: mask(non_finite),
            outside: mask(outside),
            worst,
            worst_is: mask(excess.map(|excess| excess.to_bits() == worst)),
        }
    }
}

vectorised! {
    /// Copies the inputs for the network, with those that are not finite replaced by the middle of
    /// their range, and records in the status which those were and which lie outside. Never panics;
    /// executes the same instructions for every input.
    ///
    /// *Shapes*: `ranges: [inputs / 8, rounded up]`, `x` and `checked`: `[inputs]`, at most 64.
    #[cfg_attr(not(target_arch = "arm"), inline)]
    #[cfg_attr(target_arch = "arm", inline(never))]
    pub fn check<V>(ranges: &[Ranges], x: &[f32], checked: &mut [f32]) -> Status {
        let mut status = Status::default();
        let blocks = ranges.iter().zip(x.chunks(LANES)).zip(checked.chunks_mut(LANES));
        for (first, ((ranges, x), checked)) in (0_u8..64).step_by(LANES).zip(blocks) {
            let mut values = [0.0; LANES];
            match x.first_chunk::<LANES>() {
                Some(x) => values = *x,
                None => values.iter_mut().zip(x).for_each(|(value, &x)| *value = x),
            }
            let Guarded { values, non_finite, outside, worst, worst_is } = V::guarded(ranges, values);
            match checked.first_chunk_mut::<LANES>() {
                Some(checked) => *checked = values,
                None => checked.iter_mut().zip(values).for_each(|(checked, value)| *checked = value),
            }
            // Selects by a mask, which the compiler cannot turn back into a branch.
            let worse = black_box(u32::from(worst > status.excess.to_bits()).wrapping_neg());
            let place = u32::from(first) + worst_is.trailing_zeros();
            status.non_finite |= u64::from(non_finite) << first;
            status.outside |= u64::from(outside) << first;
            status.worst = (place & worse | u32::from(status.worst) & !worse) as u8;
            status.excess = f32::from_bits(worst & worse | status.excess.to_bits() & !worse);
        }
        status
    }
}

/// Compares bit by bit.
#[inline(always)]
fn mask(lanes: [bool; LANES]) -> u32 {
    let mut mask = 0_u32;
    for (lane, set) in numbered(lanes) {
        mask |= u32::from(set) << lane;
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs 0 and 9, with linear ones between.
    static RANGES: [Ranges; 2] = {
        let linear = Range::linear(-1.0, 3.0);
        let logarithmic = Range::logarithmic(1.0, 100.0, [0.0, 4.605_170_2]);
        [
            Ranges::new(&[linear; 8]),
            Ranges::new(&[linear, logarithmic]),
        ]
    };

    fn checked(x: [f32; 2]) -> (Status, [f32; 2]) {
        let mut inputs = [0.0; 10];
        (inputs[0], inputs[9]) = (x[0], x[1]);
        let mut values = [f32::NAN; 10];
        (check(&RANGES, &inputs, &mut values), [values[0], values[9]])
    }

    #[test]
    fn the_edges_are_inside_and_the_next_numbers_are_not() {
        for x in [[-1.0, 1.0], [3.0, 100.0]] {
            assert_eq!(checked(x), (Status::default(), x));
        }
        assert_eq!(checked([3.0_f32.next_up(), 1.0]).0.outside, 1);
        assert_eq!(checked([0.0, 1.0_f32.next_down()]).0.outside, 1 << 9);
    }

    #[test]
    fn distance_is_in_widths_of_the_range_or_of_its_logarithm() {
        let (status, _) = checked([5.0, 1.0e6]);
        assert_eq!((status.outside, status.worst), (1 | 1 << 9, 9));
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
                (1 << 9, 0, [0.0, 50.5])
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
            "not finite: inputs 9; outside: inputs 0"
        );
    }
}
