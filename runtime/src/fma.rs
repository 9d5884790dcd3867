//! The one place where the multiply-add is chosen: `a * b + c`, rounded once where the target fuses
//! it.
//!
//! A reduction's bits depend on this choice, so it is a type: [`Fused`] rounds once, [`Separate`]
//! rounds the product and the sum. Kernels are compiled for [`Native`]: [`Fused`], or [`Separate`]
//! with the feature `no-fma`. A build that would lose the fused form without this feature does not
//! compile.
#![cfg_attr(
    not(any(feature = "std", feature = "core-float-math", feature = "no-fma")),
    expect(
        unsafe_code,
        reason = "the target's instructions are reached through assembly and intrinsics alone"
    )
)]

/// One instruction of the floating-point unit on `value`, in s0, and other operands in named
/// registers. They pass through general registers, since stable Rust has no operand class for this
/// target's floating-point registers. Touches no other register.
#[cfg(all(
    not(any(feature = "std", feature = "core-float-math")),
    any(not(feature = "no-fma"), target_os = "none"),
    target_arch = "arm",
    target_abi = "eabihf"
))]
macro_rules! by_fpu {
    ($instruction:literal, $value:ident $(, $register:tt = $operand:ident)*) => {
        core::arch::asm!(
            "vmov s0, {value}",
            $(concat!("vmov ", $register, ", {", stringify!($operand), "}"),)*
            $instruction,
            "vmov {value}, s0",
            value = inout(reg) $value,
            $($operand = in(reg) $operand, out($register) _,)*
            out("s0") _,
            options(pure, nomem, nostack, preserves_flags)
        )
    };
}

/// A way to round `a * b + c`.
pub trait Arithmetic: Copy + 'static {
    /// Whether product and sum are rounded together.
    const FUSED: bool;

    /// Returns `a * b + c`.
    fn fma(a: f32, b: f32, c: f32) -> f32;
}

/// One rounding: IEEE 754 fusedMultiplyAdd.
#[cfg(any(feature = "std", not(feature = "no-fma")))]
#[derive(Clone, Copy, Debug)]
pub struct Fused;

/// Two roundings, the product's and the sum's: the documented order of targets without a fused
/// multiply-add.
#[derive(Clone, Copy, Debug)]
pub struct Separate;

impl Arithmetic for Separate {
    const FUSED: bool = false;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

/// The arithmetic of this build's kernels.
#[cfg(feature = "no-fma")]
pub type Native = Separate;

/// The arithmetic of this build's kernels.
#[cfg(not(feature = "no-fma"))]
pub type Native = Fused;

#[cfg(feature = "std")]
impl Arithmetic for Fused {
    const FUSED: bool = true;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

#[cfg(all(
    feature = "core-float-math",
    not(any(feature = "std", feature = "no-fma"))
))]
impl Arithmetic for Fused {
    const FUSED: bool = true;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        core::f32::math::mul_add(a, b, c)
    }
}

#[cfg(all(
    not(any(feature = "std", feature = "core-float-math", feature = "no-fma")),
    target_arch = "x86_64",
    target_feature = "fma"
))]
impl Arithmetic for Fused {
    const FUSED: bool = true;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        use core::arch::x86_64::{_mm_cvtss_f32, _mm_fmadd_ss, _mm_set_ss};
        // SAFETY: the target feature `fma` is a condition of this block.
        unsafe { _mm_cvtss_f32(_mm_fmadd_ss(_mm_set_ss(a), _mm_set_ss(b), _mm_set_ss(c))) }
    }
}

#[cfg(all(
    not(any(feature = "std", feature = "core-float-math", feature = "no-fma")),
    target_arch = "arm",
    target_abi = "eabihf"
))]
impl Arithmetic for Fused {
    const FUSED: bool = true;

    #[inline(always)]
    fn fma(a: f32, b: f32, c: f32) -> f32 {
        let mut sum = c;
        // SAFETY: every hard-float Cortex-M has the instruction; for any other processor the
        // assembler rejects the build.
        unsafe { by_fpu!("vfma.f32 s0, s1, s2", sum, "s1" = a, "s2" = b) };
        sum
    }
}

#[cfg(not(any(
    feature = "std",
    feature = "core-float-math",
    feature = "no-fma",
    all(target_arch = "x86_64", target_feature = "fma"),
    all(target_arch = "arm", target_abi = "eabihf")
)))]
compile_error!(
    "dense-runtime: this build would lose the fused multiply-add, and with it the documented bits. Enable the \
     feature `std`, or build for a processor that has one (`-C target-feature=+fma` on x86-64), or ask for the \
     order without one by the feature `no-fma`."
);

/// Returns the square root of `x`, correctly rounded on every target: a NaN below zero, `-0.0` for
/// `-0.0`.
#[inline(always)]
#[must_use]
pub fn sqrt(x: f32) -> f32 {
    target_sqrt(x)
}

#[cfg(feature = "std")]
#[inline(always)]
fn target_sqrt(x: f32) -> f32 {
    x.sqrt()
}

#[cfg(all(not(feature = "std"), feature = "core-float-math"))]
#[inline(always)]
fn target_sqrt(x: f32) -> f32 {
    core::f32::math::sqrt(x)
}

#[cfg(all(
    not(any(feature = "std", feature = "core-float-math")),
    target_arch = "arm",
    target_abi = "eabihf",
    target_os = "none"
))]
#[inline(always)]
#[expect(
    unsafe_code,
    reason = "the target's instruction is reached through assembly alone"
)]
fn target_sqrt(x: f32) -> f32 {
    let mut root = x;
    // SAFETY: every hard-float processor has the instruction.
    unsafe { by_fpu!("vsqrt.f32 s0, s0", root) };
    root
}

#[cfg(all(
    not(any(feature = "std", feature = "core-float-math")),
    target_arch = "x86_64",
    target_feature = "sse2"
))]
#[inline(always)]
#[expect(
    unsafe_code,
    reason = "the target's instruction is reached through intrinsics alone"
)]
fn target_sqrt(x: f32) -> f32 {
    use core::arch::x86_64::{_mm_cvtss_f32, _mm_set_ss, _mm_sqrt_ss};
    // SAFETY: the target feature is a condition of this block.
    unsafe { _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))) }
}

#[cfg(not(any(
    feature = "std",
    feature = "core-float-math",
    all(target_arch = "x86_64", target_feature = "sse2"),
    all(target_arch = "arm", target_abi = "eabihf", target_os = "none")
)))]
use sqrt_in_integers as target_sqrt;

/// [`sqrt`] for targets without the instruction, or whose compiler does not provide it.
///
/// Digit by digit on the integer significand, 25 bits of the root, the same number of steps for
/// every positive input.
#[cfg(any(
    test,
    not(any(
        feature = "std",
        feature = "core-float-math",
        all(target_arch = "x86_64", target_feature = "sse2"),
        all(target_arch = "arm", target_abi = "eabihf", target_os = "none")
    ))
))]
#[inline]
fn sqrt_in_integers(x: f32) -> f32 {
    let bits = x.to_bits();
    if x.is_nan() || x == 0.0 || bits == f32::INFINITY.to_bits() {
        return x;
    }
    if x < 0.0 {
        return f32::from_bits(0x7FC0_0000);
    }
    // x = significand * 2^(exponent - 23), the significand with its leading bit at 23.
    let subnormal = bits < 0x0080_0000;
    let fraction = bits & 0x007F_FFFF;
    let shift = if subnormal {
        fraction.leading_zeros().wrapping_sub(8)
    } else {
        0
    };
    let significand = if subnormal {
        fraction << shift
    } else {
        fraction | 0x0080_0000
    };
    let biased = if subnormal { 1 } else { (bits >> 23) as i32 };
    let exponent = biased.wrapping_sub(127).wrapping_sub(shift as i32);
    let odd = exponent & 1;
    // The root of significand * 2^(odd + 25), of 25 bits: one bit below the result's last.
    let mut remainder = u64::from(significand) << if odd == 1 { 26 } else { 25 };
    let mut root: u64 = 0;
    let mut bit: u64 = 1 << 48;
    for _ in 0..25 {
        let trial = root.wrapping_add(bit);
        let fits = remainder >= trial;
        remainder = remainder.wrapping_sub(if fits { trial } else { 0 });
        root = (root >> 1).wrapping_add(if fits { bit } else { 0 });
        bit >>= 2;
    }
    // A tie cannot happen: the root of a 24-bit number has no 25-bit exact odd form.
    let rounded = (root.wrapping_add(1) >> 1) as u32;
    let biased = (exponent.wrapping_sub(odd) / 2).wrapping_add(127) as u32;
    f32::from_bits((biased.wrapping_sub(1) << 23).wrapping_add(rounded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_root_has_the_bits_of_the_processor_s() {
        let special = [
            0.0,
            -0.0,
            f32::INFINITY,
            f32::MIN_POSITIVE,
            f32::MAX,
            1.0,
            4.0,
        ];
        let swept = (0..0x7F80_0000_u32).step_by(997).map(f32::from_bits);
        for x in special.into_iter().chain(swept) {
            assert_eq!(
                sqrt_in_integers(x).to_bits(),
                x.sqrt().to_bits(),
                "the square root of {x:e}"
            );
        }
        for x in [-1.0, f32::NEG_INFINITY, f32::NAN] {
            assert!(sqrt_in_integers(x).is_nan());
        }
    }

    #[test]
    fn the_native_arithmetic_rounds_as_it_says() {
        let a = 1.0 + f32::EPSILON;
        let residue = Native::fma(a, a, -(a * a));
        assert_eq!(residue != 0.0, Native::FUSED);
        assert_eq!(Separate::fma(a, a, -(a * a)), 0.0);
    }
}
