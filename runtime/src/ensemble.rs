//! Mean and calibrated standard deviation of the members, accumulated in the caller's output
//! arrays.
//!
//! Uses Welford's recurrence (Technometrics 4, 419, 1962), member after member: no member's output
//! is stored, and nearly equal members lose no digits. With `unit` a power of two near the output's
//! size, no square leaves f32's range:
//!
//! ```text
//! mean = m_0, m2 = 0;   d = m_k - mean, mean += d / (k + 1), e = m_k - mean, m2 += (d / unit) (e / unit)
//! std = unit * sqrt(m2 / M * gain + floor) * scale
//! ```
//!
//! `scale` is the row's error scale ([`crate::local::error_scale`]), 1.0 for emulators without one.
//! Where errors grow with the output, an emulator has slopes, and the factor before the scale is
//!
//! ```text
//! hypot(unit * sqrt(m2 / M * gain + floor), slope * |mean|),    hypot(a, b) = p sqrt((a / p)^2 + (b / p)^2)
//! ```
//!
//! with p the power of two at or below the larger of both, between 2^-126 and 2^126: no square
//! leaves f32's range. The root is within two units in the last place of the exact one.

use crate::dispatch::vectorised;
use crate::fma::{Arithmetic, Native, sqrt};
use crate::simd::Vector;
use crate::status::Status;
use core::hint::black_box;

/// How the members' spread becomes a standard deviation.
#[derive(Clone, Copy, Debug)]
pub struct Calibration<'a> {
    /// The factor of the variance.
    pub gain: f32,
    /// A power of two for each output, `[OUT]`.
    pub unit: &'a [f32],
    /// The variance if all members agree, in squared units, `[OUT]`.
    pub floor: &'a [f32],
}

vectorised! {
    /// Accumulates the output of member `k`; the first is member 0.
    ///
    /// *Shapes*: `member`, `unit`, `mean` and `m2`: `[OUT]`.
    #[cfg_attr(not(target_arch = "arm"), inline)]
    #[cfg_attr(target_arch = "arm", inline(never))]
    pub fn accumulate(k: u16, member: &[f32], unit: &[f32], mean: &mut [f32], m2: &mut [f32]) {
        if k == 0 {
            for ((&value, mean), m2) in member.iter().zip(mean).zip(m2) {
                (*mean, *m2) = (value, 0.0);
            }
            return;
        }
        let share = 1.0 / (f32::from(k) + 1.0);
        for (((&value, &unit), mean), m2) in member.iter().zip(unit).zip(mean).zip(m2) {
            let inverse_unit = inverse(unit);
            let before = value - *mean;
            *mean = Native::fma(before, share, *mean);
            let after = value - *mean;
            *m2 = Native::fma(before * inverse_unit, after * inverse_unit, *m2);
        }
    }
}

/// The inverse of a power of two between 2^-126 and 2^126, without a division: the exponent is
/// negated.
#[inline(always)]
fn inverse(unit: f32) -> f32 {
    f32::from_bits(0x7F00_0000_u32.wrapping_sub(unit.to_bits()))
}

vectorised! {
    /// Turns the sums of squares in `std` into standard deviations and completes the status:
    /// results of inputs that were not finite become NaN, and other results that are not finite are
    /// an overflow.
    ///
    /// *Shapes*: `mean` and `std`: `[OUT]`.
    #[cfg_attr(not(target_arch = "arm"), inline)]
    #[cfg_attr(target_arch = "arm", inline(never))]
    pub fn finish<V>(
        members: u16,
        calibration: Calibration<'_>,
        scale: f32,
        mean: &mut [f32],
        std: &mut [f32],
        status: &mut Status,
    ) {
        let inverse_count = 1.0 / f32::from(members);
        for (std, (&unit, &floor)) in std.iter_mut().zip(calibration.unit.iter().zip(calibration.floor)) {
            let variance = Native::fma(*std * inverse_count, calibration.gain, floor);
            *std = unit * sqrt(variance) * scale;
        }
        given_out::<V>(mean, std, status);
    }
}

vectorised! {
    /// [`finish`] for an emulator with slopes.
    ///
    /// *Shapes*: `slope`, `mean` and `std`: `[OUT]`.
    #[cfg_attr(not(target_arch = "arm"), inline)]
    #[cfg_attr(target_arch = "arm", inline(never))]
    pub fn finish_sloped<V>(
        members: u16,
        calibration: Calibration<'_>,
        slope: &[f32],
        scale: f32,
        mean: &mut [f32],
        std: &mut [f32],
        status: &mut Status,
    ) {
        let inverse_count = 1.0 / f32::from(members);
        let numbers = calibration.unit.iter().zip(calibration.floor).zip(slope);
        for ((std, &mut mean), ((&unit, &floor), &slope)) in std.iter_mut().zip(&mut *mean).zip(numbers) {
            let variance = Native::fma(*std * inverse_count, calibration.gain, floor);
            *std = sloped(unit * sqrt(variance), slope, mean) * scale;
        }
        given_out::<V>(mean, std, status);
    }
}

vectorised! {
    /// [`accumulate`] and [`finish`] for a single member, whose standard deviation is a constant
    /// times the row's scale: `deviation = unit * sqrt(floor)`.
    ///
    /// *Shapes*: `member`, `deviation`, `mean` and `std`: `[OUT]`.
    #[cfg_attr(not(target_arch = "arm"), inline)]
    #[cfg_attr(target_arch = "arm", inline(never))]
    pub fn single<V>(
        member: &[f32],
        deviation: &[f32],
        scale: f32,
        mean: &mut [f32],
        std: &mut [f32],
        status: &mut Status,
    ) {
        mean.iter_mut().zip(member).for_each(|(mean, &value)| *mean = value);
        std.iter_mut().zip(deviation).for_each(|(std, &value)| *std = value * scale);
        given_out::<V>(mean, std, status);
    }
}

vectorised! {
    /// [`single`] for an emulator with slopes.
    ///
    /// *Shapes*: `member`, `deviation`, `slope`, `mean` and `std`: `[OUT]`.
    #[cfg_attr(not(target_arch = "arm"), inline)]
    #[cfg_attr(target_arch = "arm", inline(never))]
    pub fn single_sloped<V>(
        member: &[f32],
        deviation: &[f32],
        slope: &[f32],
        scale: f32,
        mean: &mut [f32],
        std: &mut [f32],
        status: &mut Status,
    ) {
        mean.iter_mut().zip(member).for_each(|(mean, &value)| *mean = value);
        let numbers = deviation.iter().zip(slope).zip(member);
        for (std, ((&deviation, &slope), &value)) in std.iter_mut().zip(numbers) {
            *std = sloped(deviation, slope, value) * scale;
        }
        given_out::<V>(mean, std, status);
    }
}

/// `hypot(deviation, slope * |mean|)` as defined in the module documentation. No branch.
#[inline(always)]
fn sloped(deviation: f32, slope: f32, mean: f32) -> f32 {
    const EXPONENT: u32 = 0x7F80_0000;
    let beside = slope * f32::from_bits(mean.to_bits() & 0x7FFF_FFFF);
    let larger = (deviation.to_bits() & EXPONENT).max(beside.to_bits() & EXPONENT);
    // Zero has an exponent too, and the inverse of the largest power of two would be subnormal.
    let power = f32::from_bits(larger.clamp(0x0080_0000, 0x7E80_0000));
    let inverse_power = inverse(power);
    let (deviation, beside) = (deviation * inverse_power, beside * inverse_power);
    power * sqrt(Native::fma(deviation, deviation, beside * beside))
}

/// Makes every NaN the same NaN, and all results NaN where an input was not finite; sets the status
/// if a result is not finite otherwise.
#[inline(always)]
fn given_out<V: Vector>(mean: &mut [f32], std: &mut [f32], status: &mut Status) {
    let invalid = status.non_finite != 0;
    // All ones but the sign bit. Hidden from the compiler, which would otherwise split the loop in
    // two, one of them shorter.
    let invalid_bits = black_box(u32::from(invalid).wrapping_neg() & 0x7FFF_FFFF);
    let mut largest = V::splat(0.0);
    for results in [mean, std] {
        let (whole, rest) = results.as_chunks_mut::<8>();
        for results in whole {
            eight::<V>(results, invalid_bits, &mut largest);
        }
        if !rest.is_empty() {
            let mut last = [0.0; 8];
            last.iter_mut()
                .zip(&*rest)
                .for_each(|(last, &rest)| *last = rest);
            eight::<V>(&mut last, invalid_bits, &mut largest);
            rest.iter_mut()
                .zip(last)
                .for_each(|(rest, last)| *rest = last);
        }
    }
    let mut sizes = [0.0; 8];
    largest.store(&mut sizes);
    let largest = sizes.map(f32::to_bits).into_iter().fold(0, u32::max);
    status.overflow = !invalid & (largest >= f32::INFINITY.to_bits());
}

#[inline(always)]
fn eight<V: Vector>(results: &mut [f32; 8], invalid: u32, largest: &mut V) {
    for results in results.chunks_exact_mut(V::LANES) {
        V::load(results).given_out(invalid, largest).store(results);
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
            1.0,
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
    fn a_single_member_is_the_same_by_both_ways() {
        for (value, floor) in [
            (1.5, 0.25),
            (f32::NAN, 0.0),
            (f32::NEG_INFINITY, 1.0),
            (-0.0, 2.0),
        ] {
            for non_finite in [0, 5] {
                let before = Status {
                    non_finite,
                    ..Status::default()
                };
                let (mut general, mut single) = ((before, [0.0], [0.0]), (before, [0.0], [0.0]));
                accumulate(0, &[value], &[2.0], &mut general.1, &mut general.2);
                let calibration = Calibration {
                    gain: 3.0,
                    unit: &[2.0],
                    floor: &[floor],
                };
                finish(
                    1,
                    calibration,
                    1.5,
                    &mut general.1,
                    &mut general.2,
                    &mut general.0,
                );
                let (status, mean, std) = &mut single;
                super::single(&[value], &[2.0 * floor.sqrt()], 1.5, mean, std, status);
                let bits = |(status, mean, std): (Status, [f32; 1], [f32; 1])| {
                    (status, mean[0].to_bits(), std[0].to_bits())
                };
                assert_eq!(bits(general), bits(single), "{value} and {floor}");
            }
        }
    }

    #[test]
    fn the_slope_adds_in_squares_whatever_the_sizes_and_nothing_finite_overflows() {
        let sizes = (-45..=38).map(|decade| 10_f64.powi(decade) as f32);
        let sizes: Vec<f32> = [0.0, 1e-45, f32::MAX].into_iter().chain(sizes).collect();
        for &deviation in &sizes {
            for &mean in &sizes {
                for slope in [0.0, 0.01, 0.37, 1.0, 3.0] {
                    let exact = f64::from(deviation).hypot(f64::from(slope) * f64::from(mean));
                    let found = sloped(deviation, slope, -mean);
                    assert_eq!(found.to_bits(), sloped(deviation, slope, mean).to_bits());
                    if exact > f64::from(f32::MAX) {
                        // A finite float may be the nearest one.
                        assert!(found >= f32::MAX, "{deviation:e}, {slope} x {mean:e}");
                        continue;
                    }
                    let place = (exact * f64::from(f32::EPSILON)).max(1.5e-45);
                    assert!(
                        (f64::from(found) - exact).abs() <= 2.0 * place,
                        "{deviation:e}, {slope} x {mean:e}: {found:e}, not {exact:e}"
                    );
                }
            }
        }
        assert_eq!(sloped(f32::INFINITY, 1.0, 2.0), f32::INFINITY);
        assert_eq!(sloped(1.0, 1.0, f32::NEG_INFINITY), f32::INFINITY);
        assert!(sloped(1.0, 1.0, f32::NAN).is_nan());
    }

    #[test]
    fn a_single_member_with_a_slope_is_the_same_by_both_ways() {
        for (value, floor) in [
            (1.5, 0.25),
            (f32::NAN, 0.0),
            (f32::NEG_INFINITY, 1.0),
            (-0.0, 2.0),
            (-3e30, 0.0),
        ] {
            for non_finite in [0, 5] {
                let before = Status {
                    non_finite,
                    ..Status::default()
                };
                let (mut status, mut mean, mut std) = (before, [0.0], [0.0]);
                accumulate(0, &[value], &[2.0], &mut mean, &mut std);
                let calibration = Calibration {
                    gain: 3.0,
                    unit: &[2.0],
                    floor: &[floor],
                };
                let slope = [0.7];
                finish_sloped(
                    1,
                    calibration,
                    &slope,
                    1.5,
                    &mut mean,
                    &mut std,
                    &mut status,
                );
                let general = (status, mean[0].to_bits(), std[0].to_bits());
                let (mut status, mut mean, mut std) = (before, [0.0], [0.0]);
                let deviation = [2.0 * floor.sqrt()];
                single_sloped(
                    &[value],
                    &deviation,
                    &slope,
                    1.5,
                    &mut mean,
                    &mut std,
                    &mut status,
                );
                let single = (status, mean[0].to_bits(), std[0].to_bits());
                assert_eq!(general, single, "{value} and {floor}");
            }
        }
    }

    #[test]
    fn a_power_of_two_has_an_exact_inverse() {
        for exponent in -126..=126 {
            let unit = 2.0_f32.powi(exponent);
            assert_eq!(inverse(unit), 1.0 / unit);
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
            1.0,
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
