//! Elementary functions in double precision whose loops vectorise, and a dot product of fixed
//! order.
//!
//! Sums and products are rounded apart, so that every processor gives the same bits.
//!
//! Source of the reductions: Muller, "Elementary Functions" (2016), chapter 11 (Cody and Waite).

/// 1.5 times 2^52: adding it rounds to a whole number, which the lowest bits then hold.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts, the first with 32 zero bits at its end.
const LN2: (f64, f64) = (6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10);
/// Below this argument, the exponential counts as that of it, 1e-304.
const LEAST: f64 = -700.0;
/// 1 / k! for k from 12 to 0.
const TAYLOR: [f64; 13] = [
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// Returns exp(x) for x of at most 700; relative error below 1e-15.
#[inline(always)]
pub(super) fn exp(x: f64) -> f64 {
    let x = if x > LEAST { x } else { LEAST };
    let shifted = x * std::f64::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN2.0) - n * LN2.1;
    let mut sum = TAYLOR[0];
    let mut k = 1;
    while k < TAYLOR.len() {
        sum = sum * r + TAYLOR[k];
        k += 1;
    }
    let power = (shifted.to_bits() << 52).wrapping_add(1023 << 52);
    sum * f64::from_bits(power)
}

/// Returns the natural logarithm of a finite x of at least one; error below 1e-15 of the larger of
/// one and the result.
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    // The bits of sqrt(1/2): the mantissa lies between it and its double.
    const HALF_ROOT: u64 = 0x3fe6_a09e_667f_3bcd;
    let bits = x.to_bits();
    let k = bits.wrapping_sub(HALF_ROOT) >> 52;
    let mantissa = f64::from_bits(bits.wrapping_sub(k << 52));
    let k = f64::from_bits(k | 0x4330_0000_0000_0000) - 4_503_599_627_370_496.0;
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut sum = 0.0;
    let mut order = 19.0;
    while order > 0.5 {
        sum = sum * square + 1.0 / order;
        order -= 2.0;
    }
    k * LN2.0 + (2.0 * s * sum + k * LN2.1)
}

/// Returns the sum of products, in eight partial sums.
#[inline(always)]
pub(super) fn dot(left: &[f64], right: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (left_chunks, right_chunks) = (left.chunks_exact(8), right.chunks_exact(8));
    let (left_rest, right_rest) = (left_chunks.remainder(), right_chunks.remainder());
    for (left, right) in left_chunks.zip(right_chunks) {
        for k in 0..8 {
            lanes[k] += left[k] * right[k];
        }
    }
    let mut rest = 0.0;
    for (left, right) in left_rest.iter().zip(right_rest) {
        rest += left * right;
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h)) + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{stream, uniform};

    #[test]
    fn functions_agree_with_those_of_the_standard_library() {
        let mut random = stream(1, "elementary");
        for _ in 0..20_000 {
            let x = -uniform(&mut random) * 10f64.powf(5.0 * uniform(&mut random) - 3.0);
            if x > LEAST {
                assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15, "exp {x}");
            }
            let y = 1.0 - x;
            assert!((ln(y) - y.ln()).abs() < 1e-15 * y.ln().max(1.0), "ln {y}");
        }
        assert_eq!((exp(0.0), ln(1.0)), (1.0, 0.0));
        assert!(exp(-1e9) < 1e-300);
    }

    #[test]
    fn a_dot_product_of_any_length_is_the_sum_of_products() {
        let left: Vec<f64> = (0..21).map(f64::from).collect();
        for count in 0..21 {
            let expected: f64 = (0..count).map(|k| f64::from(k * k)).sum();
            let part = &left[..count as usize];
            assert_eq!(dot(part, part), expected);
        }
    }
}
