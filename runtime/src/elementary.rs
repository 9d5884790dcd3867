//! Elementary functions in f32 alone: argument reduction, one polynomial, selections instead of
//! branches.
//!
//! Every function is defined for every f32, executes the same instructions for each, reads no
//! table, and has the same bits wherever [`Arithmetic`] is the same. A loop over an array
//! vectorises. The coefficients come from `coefficients.py` beside the sources (Chebyshev
//! interpolants, with their errors before rounding). The tests enforce the stated bounds, in units
//! in the last place of the exact result, for both ways of rounding; for results below
//! [`f32::MIN_POSITIVE`], the unit is the last place of that value.

use crate::fma::Arithmetic;

/// Adding and subtracting it rounds to the nearest integer: 1.5 * 2^23.
const ROUNDER: f32 = 12_582_912.0;
/// ln(2) in two parts; the first has 12 trailing zero bits, so that its integer multiples here are
/// exact.
const LN_2_HIGH: f32 = 0.693_115_23;
const LN_2_LOW: f32 = 3.194_618_5e-5;
/// (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2: 6.5e-8.
const EXP: [f32; 5] = [
    0.5,
    0.166_665_77,
    0.041_666_555,
    0.008_363_173,
    0.001_392_617_6,
];
/// (ln((1 + s) / (1 - s)) / s - 2) / s^2 in s^2, s <= 0.1716: 1.2e-9.
const LN: [f32; 4] = [0.666_666_7, 0.400_001_22, 0.285_508_2, 0.233_304_67];
/// (tanh(x) / x - 1) / x^2 in x^2, x <= 0.625: 1.7e-9.
const TANH: [f32; 6] = [
    -0.333_333_33,
    0.133_333_04,
    -0.053_959_26,
    0.021_768_919,
    -0.008_343_946,
    0.002_292_745,
];
/// (sinh(x) / x - 1) / x^2 in x^2, x <= 1: 2.0e-10.
const SINH: [f32; 4] = [0.166_666_67, 0.008_333_34, 1.983_810_2e-4, 2.806_280_3e-6];
/// pi in four parts. The first three have 14 trailing zero bits at least, so that their multiples
/// by n or n + 1/2 here are exact; all four differ from pi by 2.4e-18.
const PI: [f32; 4] = [3.140_625, 9.670_257_6e-4, 6.277_114e-7, 1.215_420_1e-10];
/// (sin(x) / x - 1) / x^2 in x^2, x <= pi / 2: 2.8e-11.
const SIN: [f32; 5] = [
    -0.166_666_67,
    0.008_333_333,
    -1.984_108_7e-4,
    2.753_646_4e-6,
    -2.408_019e-8,
];
/// The largest size of an argument of [`sin`] and [`cos`] that is reduced.
const FARTHEST: f32 = 32_768.0;

/// Returns `x` where it is above zero, else `0.0` (NaN gives `0.0`). Exact.
#[inline(always)]
pub fn relu(x: f32) -> f32 {
    if x > 0.0 { x } else { 0.0 }
}

/// Returns e^x: infinity above 88.73, subnormal numbers and zero below -87.34.
///
/// *Accuracy*: 1.5 ulp.
#[inline(always)]
pub fn exp<A: Arithmetic>(x: f32) -> f32 {
    exp_scaled::<A, 0>(x)
}

/// Returns ln(x): minus infinity at either zero, NaN below.
///
/// *Accuracy*: 1.5 ulp.
#[inline(always)]
pub fn ln<A: Arithmetic>(x: f32) -> f32 {
    let subnormal = x < f32::MIN_POSITIVE;
    let scaled = if subnormal { x * 8_388_608.0 } else { x };
    // The significand's range is [sqrt(1/2), sqrt(2)): its bits below those of sqrt(1/2) borrow
    // from the exponent.
    let offset = scaled.to_bits().wrapping_sub(0x3F35_04F3);
    let exponent = (offset as i32 >> 23) as f32 - if subnormal { 23.0 } else { 0.0 };
    let f = f32::from_bits((offset & 0x007F_FFFF).wrapping_add(0x3F35_04F3)) - 1.0;
    // ln(1 + f) = 2 s + s^3 P(s^2) = f - (f^2 / 2 - s (f^2 / 2 + s^2 P(s^2))), whose rounding
    // errors stay small.
    let s = f / (2.0 + f);
    let square = s * s;
    let tail = square * polynomial::<A, 4>(square, LN);
    let half = 0.5 * f * f;
    let correction = A::fma(s, half + tail, exponent * LN_2_LOW);
    let result = A::fma(exponent, LN_2_HIGH, f - (half - correction));
    let result = if x == f32::INFINITY { x } else { result };
    let result = if x == 0.0 { f32::NEG_INFINITY } else { result };
    if x >= 0.0 { result } else { f32::NAN }
}

/// Returns the hyperbolic tangent; keeps the sign of a zero.
///
/// *Accuracy*: 2 ulp.
#[inline(always)]
pub fn tanh<A: Arithmetic>(x: f32) -> f32 {
    let size = x.abs();
    let square = x * x;
    let near = A::fma(x * square, polynomial::<A, 6>(square, TANH), x);
    // From 10 on, the result is 1.
    let (e, power) = exp_parts::<A>(2.0 * if size > 10.0 { 10.0 } else { size });
    let growth = f32::from_bits(e.to_bits().wrapping_add(power));
    let far = (1.0 - 2.0 / (growth + 1.0)).copysign(x);
    // The comparison is false for NaN, which `near` keeps.
    if size > 0.625 { far } else { near.copysign(x) }
}

/// Returns the hyperbolic sine; keeps the sign of a zero.
///
/// *Accuracy*: 2 ulp.
#[inline(always)]
pub fn sinh<A: Arithmetic>(x: f32) -> f32 {
    let size = x.abs();
    let square = x * x;
    let near = A::fma(x * square, polynomial::<A, 4>(square, SINH), x);
    // Halved inside the exponential, so that it overflows where the sine does.
    let far = (exp_scaled::<A, -1>(size) - exp_scaled::<A, -1>(-size)).copysign(x);
    if size > 1.0 { far } else { near.copysign(x) }
}

/// Returns the sine; keeps the sign of a zero; NaN at either infinity.
///
/// *Accuracy*: 2.5 ulp up to a size of 32,768. Beyond, where neighbouring floats are 0.004 apart or
/// more, the result at that size is returned: further reduction would take other instructions.
///
/// *Source*: Cody and Waite, "Software manual for the elementary functions" (1980), chapter 8: the
/// reduction by pi in parts.
#[inline(always)]
pub fn sin<A: Arithmetic>(x: f32) -> f32 {
    let near = within(x);
    let shifted = A::fma(near, core::f32::consts::FRAC_1_PI, ROUNDER);
    half_wave::<A>(x, near, shifted - ROUNDER, shifted.to_bits())
}

/// Returns the cosine; 0.99999994 at zero; NaN at either infinity.
///
/// *Accuracy*, *Source*: as [`sin`].
#[inline(always)]
pub fn cos<A: Arithmetic>(x: f32) -> f32 {
    let near = within(x);
    // cos(x) = sin(x + pi / 2), the quarter of a wave in the multiple of pi, where it is exact.
    let shifted = A::fma(near, core::f32::consts::FRAC_1_PI, -0.5) + ROUNDER;
    let n = (shifted - ROUNDER) + 0.5;
    half_wave::<A>(x, near, n, shifted.to_bits().wrapping_add(1))
}

/// Returns the logistic function 1 / (1 + e^-x).
///
/// *Accuracy*: 3 ulp.
#[inline(always)]
pub fn sigmoid<A: Arithmetic>(x: f32) -> f32 {
    let decay = exp::<A>(-x.abs());
    let numerator = if x < 0.0 { decay } else { 1.0 };
    numerator / (1.0 + decay)
}

/// Returns x / (1 + e^-x), the sigmoid linear unit.
///
/// *Accuracy*: 2.5 ulp from -87 upward. Below, where the exact result is between -1.5e-36 and zero,
/// the result at -87 is returned: this avoids subnormal results without extra instructions.
#[inline(always)]
pub fn silu<A: Arithmetic>(x: f32) -> f32 {
    // NaN fails both comparisons, and stays in the numerator.
    let x = if x < -87.0 { -87.0 } else { x };
    let opposite = -x;
    let (e, power) = exp_parts::<A>(if opposite < -85.0 { -85.0 } else { opposite });
    x / (1.0 + f32::from_bits(e.to_bits().wrapping_add(power)))
}

/// Returns `x`, or [`FARTHEST`] with its sign where it is farther from zero; NaN stays.
#[inline(always)]
fn within(x: f32) -> f32 {
    let x = if x > FARTHEST { FARTHEST } else { x };
    if x < -FARTHEST { -FARTHEST } else { x }
}

/// Returns sin(near - n pi), negated if `half_waves` is odd; NaN if `x` is not finite. The size of
/// near - n pi is at most pi / 2.
#[inline(always)]
fn half_wave<A: Arithmetic>(x: f32, near: f32, n: f32, half_waves: u32) -> f32 {
    let mut r = near;
    for part in PI {
        r = A::fma(n, -part, r);
    }
    let square = r * r;
    let sine = A::fma(r * square, polynomial::<A, 5>(square, SIN), r).copysign(r);
    // All bits of the exponent and one more where `x` is not finite, which makes a NaN: a choice
    // between the sine and NaN becomes a branch around the polynomial.
    let finite = x.abs() < f32::INFINITY;
    let not_finite = u32::from(!finite).wrapping_neg() & f32::NAN.to_bits();
    f32::from_bits(sine.to_bits() ^ (half_waves << 31) | not_finite)
}

/// Returns e^x * 2^EXPONENT.
///
/// The power of two is applied in two factors, so that subnormal results are rounded once, at the
/// end, and large ones do not overflow on the way.
#[inline(always)]
fn exp_scaled<A: Arithmetic, const EXPONENT: i32>(x: f32) -> f32 {
    // Beyond these limits the result is zero or infinity; NaN fails both comparisons.
    let x = if x > 90.0 { 90.0 } else { x };
    let x = if x < -120.0 { -120.0 } else { x };
    let (e, power) = exp_parts::<A>(x);
    let power = (power as i32 >> 23).wrapping_add(EXPONENT);
    let first = power >> 1;
    e * power_of_two(first) * power_of_two(power.wrapping_sub(first))
}

/// Returns a float between sqrt(1/2) and sqrt(2), and an integer n shifted left by 23 bits, such
/// that e^x is the float times 2^n. Where the result is a normal number, its bits are the sum of
/// both. For |x| below 177.
///
/// x = n ln(2) + r with |r| <= ln(2) / 2; e^x = 2^n (1 + r + r^2 P(r)).
#[inline(always)]
fn exp_parts<A: Arithmetic>(x: f32) -> (f32, u32) {
    let shifted = A::fma(x, core::f32::consts::LOG2_E, ROUNDER);
    let n = shifted - ROUNDER;
    let r = A::fma(n, -LN_2_LOW, A::fma(n, -LN_2_HIGH, x));
    let e = A::fma(r * r, polynomial::<A, 5>(r, EXP), r) + 1.0;
    (e, shifted.to_bits() << 23)
}

/// Returns 2^n for n from -126 to 127; an arbitrary float for any other n.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

/// Returns the polynomial of `coefficients` (lowest degree first) at `x`, by Horner's rule.
#[inline(always)]
fn polynomial<A: Arithmetic, const TERMS: usize>(x: f32, coefficients: [f32; TERMS]) -> f32 {
    let (last, others) = match coefficients.split_last() {
        Some((&last, others)) => (last, others),
        None => return 0.0,
    };
    let mut sum = last;
    for &coefficient in others.iter().rev() {
        sum = A::fma(sum, x, coefficient);
    }
    sum
}

#[cfg(test)]
mod tests;
