//! Mean and calibrated standard deviation of the members, gathered in the caller's own output arrays.
//!
//! Welford's recurrence (Technometrics 4, 419, 1962), member after member, so that no member's output is kept and
//! nearly equal members lose no digits. With unit a power of two near the output's size, no square leaves f32's range:
//!
//! ```text
//! mean = m_0, m2 = 0;   d = m_k - mean, mean += d / (k + 1), e = m_k - mean, m2 += (d / unit) (e / unit)
//! std = unit * sqrt(m2 / M * gain + floor)
//! ```

use crate::dispatch::vectorised;
use crate::fma::{Arithmetic, Native, sqrt};
use crate::status::Status;

/// The one NaN among results: its payload would otherwise depend on the processor.
const NOT_A_NUMBER: f32 = f32::from_bits(0x7FC0_0000);

/// How the members' spread becomes a standard deviation.
#[derive(Clone, Copy, Debug)]
pub struct Calibration<'a> {
    /// What the variance is multiplied by.
    pub gain: f32,
    /// A power of two an output, `[OUT]`.
    pub unit: &'a [f32],
    /// The variance that remains where the members agree, in squared units, `[OUT]`.
    pub floor: &'a [f32],
}

vectorised! {
    /// Takes in the output of member `k`; the first is member 0.
    ///
    /// *Shapes*: `member`, `unit`, `mean` and `m2`: `[OUT]`.
    pub fn accumulate(k: u16, member: &[f32], unit: &[f32], mean: &mut [f32], m2: &mut [f32]) {
        let share = 1.0 / (f32::from(k) + 1.0);
        for (((&value, &unit), mean), m2) in member.iter().zip(unit).zip(mean).zip(m2) {
            if k == 0 {
                (*mean, *m2) = (value, 0.0);
                continue;
            }
            let inverse_unit = 1.0 / unit;
            let before = value - *mean;
            *mean = Native::fma(before, share, *mean);
            let after = value - *mean;
            *m2 = Native::fma(before * inverse_unit, after * inverse_unit, *m2);
        }
    }
}

vectorised! {
    /// Turns the sums of squares in `std` into standard deviations, and completes the status: results of inputs that were
    /// not finite become NaN, and results that are not finite otherwise are an overflow.
    ///
    /// *Shapes*: `mean` and `std`: `[OUT]`.
    pub fn finish(
        members: u16,
        calibration: Calibration<'_>,
        mean: &mut [f32],
        std: &mut [f32],
        status: &mut Status,
    ) {
        let inverse_count = 1.0 / f32::from(members);
        let valid = status.non_finite == 0;
        let mut finite = true;
        let constants = calibration.unit.iter().zip(calibration.floor);
        for ((mean, std), (&unit, &floor)) in mean.iter_mut().zip(std).zip(constants) {
            let variance = Native::fma(*std * inverse_count, calibration.gain, floor);
            let deviation = unit * sqrt(variance);
            finite &= mean.is_finite() & deviation.is_finite();
            *mean = if valid & !mean.is_nan() {
                *mean
            } else {
                NOT_A_NUMBER
            };
            *std = if valid & !deviation.is_nan() {
                deviation
            } else {
                NOT_A_NUMBER
            };
        }
        status.overflow = valid & !finite;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(members: &[f32], gain: f32, unit: f32, floor: f32) -> (f32, f32, Status) {
        let (mut mean, mut std, mut status) = ([0.0], [0.0], Status::default());
        for (k, &member) in members.iter().enumerate() {
            accumulate(k as u16, &[member], &[unit], &mut mean, &mut std);
        }
        let calibration = Calibration {
            gain,
            unit: &[unit],
            floor: &[floor],
        };
        finish(
            members.len() as u16,
            calibration,
            &mut mean,
            &mut std,
            &mut status,
        );
        (mean[0], std[0], status)
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_members() {
        let (mean, std, status) = statistics(&[1.0, 2.0, 3.0, 6.0], 1.0, 1.0, 0.0);
        assert_eq!(mean, 3.0);
        assert!((std - 3.5_f32.sqrt()).abs() < 1e-6);
        assert!(status.is_ok());
        let (_, calibrated, _) = statistics(&[1.0, 2.0, 3.0, 6.0], 4.0, 2.0, 0.5);
        assert!((calibrated - 2.0 * (3.5_f32 / 4.0 * 4.0 + 0.5).sqrt()).abs() < 1e-6);
    }

    #[test]
    fn nearly_equal_members_and_any_physical_unit_keep_their_digits() {
        let (_, std, _) = statistics(&[1.0e6, 1.0e6 + 0.5, 1.0e6 + 1.0], 1.0, 1.0, 0.0);
        assert!((std - (1.0_f32 / 6.0).sqrt()).abs() < 1e-3, "{std}");
        for exponent in [-100, 100] {
            let unit = 2.0_f32.powi(exponent);
            let (mean, std, status) = statistics(&[unit, 3.0 * unit], 1.0, unit, 0.0);
            assert_eq!((mean, std), (2.0 * unit, unit));
            assert!(status.is_ok());
        }
    }

    #[test]
    fn what_is_not_finite_is_said() {
        let (mean, _, status) = statistics(&[f32::INFINITY], 1.0, 1.0, 0.0);
        assert!(status.overflow && mean.is_infinite());
        let (mut mean, mut std) = ([1.0], [1.0]);
        let mut status = Status {
            non_finite: 1,
            ..Status::default()
        };
        finish(
            1,
            Calibration {
                gain: 1.0,
                unit: &[1.0],
                floor: &[0.0],
            },
            &mut mean,
            &mut std,
            &mut status,
        );
        assert_eq!(
            (mean[0].to_bits(), std[0].to_bits(), status.overflow),
            (0x7FC0_0000, 0x7FC0_0000, false)
        );
    }
}
