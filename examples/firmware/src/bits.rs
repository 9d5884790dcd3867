//! Prints the bits of mean and standard deviation at the inputs of the golden vectors and at 200 random ones, one hash a row.

#![no_std]
#![no_main]

mod board;

use board::{bits, number, text};
use cortex_m_rt::entry;
use emulator::{
    Emulator, GOLDEN_INPUTS, INPUT_HIGH, INPUT_LOW, INPUTS, OUTPUTS, Predict, Workspace,
};

/// Random rows.
const ROWS: usize = 200;

#[entry]
fn main() -> ! {
    let mut workspace: Workspace = Emulator::WORKSPACE;
    let mut state = 1_u32;
    for row in 0..GOLDEN_INPUTS.len() + ROWS {
        let x = match GOLDEN_INPUTS.get(row) {
            Some(x) => *x,
            None => random(&mut state),
        };
        let (mut mean, mut std) = ([0.0; OUTPUTS], [0.0; OUTPUTS]);
        let status = Emulator.predict(&mut workspace, &x, &mut mean, &mut std);
        text("row ");
        number(row as u32);
        for values in [&x[..], &mean, &std] {
            text(" ");
            bits(hash(values));
        }
        text(if status.is_ok() { " ok\n" } else { " not ok\n" });
    }
    board::end(true)
}

/// A row in and around the trained box.
fn random(state: &mut u32) -> [f32; INPUTS] {
    let mut x = INPUT_LOW;
    for (x, &high) in x.iter_mut().zip(&INPUT_HIGH) {
        // Numerical Recipes' generator; of its bits the upper ones.
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let fraction = (*state >> 8) as f32 / (1 << 24) as f32;
        *x += (high - *x) * (fraction * 1.125 - 0.0625);
    }
    x
}

/// FNV-1a of 32 bits over the words.
fn hash(values: &[f32]) -> u32 {
    let words = values
        .iter()
        .flat_map(|value| value.to_bits().to_le_bytes());
    words.fold(0x811C_9DC5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
