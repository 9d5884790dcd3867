//! Swaps another set of numbers in at run time: the image that lies in the section `.update`, as a boot loader leaves it there.
//! It is taken where it lies, once it is found whole; damaged in every way that there is, it is refused, and the control loop
//! would go on with what it has.

#![no_std]
#![no_main]

mod board;

use board::{bits, number, text};
use core::ptr::{read_volatile, write_volatile};
use core::slice;
use cortex_m_rt::entry;
use emulator::{
    GOLDEN_INPUTS, INPUT_HIGH, INPUT_LOW, INPUTS, ImageError, OUTPUTS, Predict, Weights, Workspace,
};

/// Random rows that are predicted with each set.
const ROWS: usize = 20;
/// Bits that are flipped.
const FLIPS: u32 = 40;

/// The image: the file that the variable IMAGE names.
#[used]
#[unsafe(link_section = ".update")]
static UPDATE: [u8; include_bytes!(env!("IMAGE")).len()] = *include_bytes!(env!("IMAGE"));

unsafe extern "C" {
    static mut update_begin: u32;
    static mut update_end: u32;
}

/// What lies in the section now, without its last bytes, from a byte on.
fn update(from: usize, without: usize) -> &'static [u8] {
    let begin = &raw const update_begin;
    let bytes = &raw const update_end as usize - begin as usize;
    // SAFETY: the section; what is flipped in it is flipped while nobody reads.
    let all = unsafe { slice::from_raw_parts(begin.cast::<u8>(), bytes) };
    all.get(from..bytes.saturating_sub(without)).unwrap_or(&[])
}

#[entry]
fn main() -> ! {
    let mut workspace: Workspace = Weights::WORKSPACE;
    let mut weights = Weights::BUILT_IN;
    say("built in", weights, &mut workspace);

    let mut refused = 0;
    let cut = Weights::from_image(update(0, update(0, 0).len() - Weights::IMAGE_BYTES + 4));
    refused += u32::from(cut.err() == Some(ImageError::Length));
    let moved = Weights::from_image(update(2, 0));
    refused += u32::from(moved.err() == Some(ImageError::Alignment));
    let words = (Weights::IMAGE_BYTES / 4) as u32;
    let mut state = 7_u32;
    for flip in 0..FLIPS {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        // The last word but one says of which structure the image is.
        let (place, expected) = match flip {
            0 => (words - 2, ImageError::Structure),
            _ => ((state >> 8) % (words - 2), ImageError::Checksum),
        };
        let word = (&raw mut update_begin).wrapping_add(place as usize);
        let bit = 1 << (state >> 3 & 31);
        // SAFETY: a word of the image.
        unsafe { write_volatile(word, read_volatile(word) ^ bit) };
        refused += u32::from(Weights::from_image(update(0, 0)).err() == Some(expected));
        // SAFETY: the same word.
        unsafe { write_volatile(word, read_volatile(word) ^ bit) };
    }
    number(refused);
    text(" of ");
    number(FLIPS + 2);
    text(" damaged images refused\n");

    let Ok(new) = Weights::from_image(update(0, 0)) else {
        text("the image is REFUSED\n");
        board::end(false);
    };
    weights = new;
    say("swapped in", weights, &mut workspace);
    weights = Weights::BUILT_IN;
    say("back", weights, &mut workspace);
    board::end(refused == FLIPS + 2)
}

/// Tests a set of numbers, and prints a hash of what it predicts.
fn say(name: &str, weights: &Weights, workspace: &mut Workspace) {
    text(name);
    text(if weights.self_test(workspace).is_ok() {
        ": self-test passed, results "
    } else {
        ": self-test FAILED, results "
    });
    let (mut state, mut hash) = (1, 0x811C_9DC5);
    for row in 0..GOLDEN_INPUTS.len() + ROWS {
        let x = match GOLDEN_INPUTS.get(row) {
            Some(x) => *x,
            None => random(&mut state),
        };
        let (mut mean, mut std) = ([0.0; OUTPUTS], [0.0; OUTPUTS]);
        weights.predict(workspace, &x, &mut mean, &mut std);
        hash = hashed(hashed(hash, &mean), &std);
    }
    bits(hash);
    text("\n");
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

/// Continues FNV-1a of 32 bits over the words.
fn hashed(hash: u32, values: &[f32]) -> u32 {
    let words = values
        .iter()
        .flat_map(|value| value.to_bits().to_le_bytes());
    words.fold(hash, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
