//! Computes and prints the results, one line each. The device's program and the workstation's test
//! both compile this file, so that the two reports differ only where the bits do.

use core::fmt::{self, Write};
use dense_runtime::elementary::{exp, ln, sigmoid, silu, sin, sinh, tanh};
use dense_runtime::fma::{Arithmetic, sqrt};
use dense_runtime::predict::Predict;
use dense_runtime::status::Status;

/// Inputs of each elementary function.
const PATTERNS: u32 = 8192;
/// Inputs of one printed hash: small enough to find a differing input by hand.
const BLOCK: u32 = 512;

/// The input with this index: every second one is spread over all bit patterns (NaN, infinities and
/// subnormals too), the others over magnitudes from 2^-16 to 2^8, where the functions are neither
/// 0, 1 nor infinite.
fn pattern(index: u32) -> f32 {
    // Multiples of 2^32 / golden ratio are spread evenly over the 32-bit integers.
    let bits = index.wrapping_mul(0x9E37_79B1);
    if index.is_multiple_of(2) {
        return f32::from_bits(bits);
    }
    let exponent = 127 - 16 + ((bits >> 23) & 0xFF) * 24 / 256;
    f32::from_bits((bits & 0x807F_FFFF) | (exponent << 23))
}

/// The bits of a result; every NaN counts as the same one, since its sign and payload depend on the
/// processor.
fn bits(result: f32) -> u32 {
    if result.is_nan() {
        0x7FC0_0000
    } else {
        result.to_bits()
    }
}

/// FNV-1a of 32 bits over the little-endian bytes of `words`.
fn fnv1a(words: impl Iterator<Item = u32>) -> u32 {
    words
        .flat_map(u32::to_le_bytes)
        .fold(0x811C_9DC5, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
}

/// Prints one hash for each block of results of each elementary function.
pub(crate) fn elementary<A: Arithmetic>(out: &mut impl Write) -> fmt::Result {
    blocks(out, "exp", exp::<A>)?;
    blocks(out, "ln", ln::<A>)?;
    blocks(out, "tanh", tanh::<A>)?;
    blocks(out, "sinh", sinh::<A>)?;
    blocks(out, "sigmoid", sigmoid::<A>)?;
    blocks(out, "silu", silu::<A>)?;
    blocks(out, "sin", sin::<A>)?;
    blocks(out, "sqrt", sqrt)
}

fn blocks(out: &mut impl Write, name: &str, function: fn(f32) -> f32) -> fmt::Result {
    for first in (0..PATTERNS).step_by(BLOCK as usize) {
        let hash = fnv1a((first..first + BLOCK).map(|index| bits(function(pattern(index)))));
        writeln!(out, "{name} {first:4} {hash:08x}")?;
    }
    Ok(())
}

/// Prints whether a frozen emulator passes its self-test, then its predictions at `rows`, given as
/// bits.
#[cfg_attr(
    test,
    expect(dead_code, reason = "the workstation asks the interpreter instead")
)]
pub(crate) fn emulator<const IN: usize, const OUT: usize, P: Predict<IN, OUT>>(
    out: &mut impl Write,
    number: usize,
    emulator: &P,
    rows: &[[u32; IN]],
) -> fmt::Result {
    let mut workspace = P::WORKSPACE;
    let passed = emulator.self_test(&mut workspace).is_ok();
    self_test(out, number, passed)?;
    let (mut mean, mut std) = ([0.0; OUT], [0.0; OUT]);
    for (row, x) in rows.iter().enumerate() {
        let status = emulator.predict(&mut workspace, &x.map(f32::from_bits), &mut mean, &mut std);
        prediction(out, row, &mean, &std, &status)?;
    }
    Ok(())
}

/// The first line of an emulator.
pub(crate) fn self_test(out: &mut impl Write, number: usize, passed: bool) -> fmt::Result {
    let result = if passed { "passed" } else { "FAILED" };
    writeln!(out, "emulator {number} self-test {result}")
}

/// Status, means and standard deviations of one call, on a line.
pub(crate) fn prediction(
    out: &mut impl Write,
    row: usize,
    mean: &[f32],
    std: &[f32],
    status: &Status,
) -> fmt::Result {
    let Status {
        non_finite,
        outside,
        worst,
        excess,
        far,
        overflow,
    } = status;
    let excess = excess.to_bits();
    write!(
        out,
        "row {row} status {non_finite:x} {outside:x} {worst} {excess:08x} {far} {overflow}"
    )?;
    for (what, values) in [(" mean", mean), (" std", std)] {
        out.write_str(what)?;
        for &value in values {
            // If an input was not finite, the results are a specific NaN.
            let bits = if *non_finite == 0 {
                bits(value)
            } else {
                value.to_bits()
            };
            write!(out, " {bits:08x}")?;
        }
    }
    writeln!(out)
}
