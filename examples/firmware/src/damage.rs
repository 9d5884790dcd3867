//! Flips bits of the emulator's constants where they lie, one at a time: the self-test has to see each of them. (In QEMU
//! the board's flash is memory that can be written.)

#![no_std]
#![no_main]

mod board;

use board::{number, text};
use core::ptr::{read_volatile, write_volatile};
use cortex_m_rt::entry;
use emulator::{Emulator, Predict, Workspace};

/// Bits that are flipped.
const FLIPS: u32 = 40;

unsafe extern "C" {
    static mut weights_begin: u32;
    static mut weights_end: u32;
}

#[entry]
fn main() -> ! {
    let mut workspace: Workspace = Emulator::WORKSPACE;
    let begin = &raw mut weights_begin;
    let words = (&raw const weights_end as u32).wrapping_sub(begin as u32) / 4;
    let (mut state, mut seen) = (7_u32, 0);
    for _ in 0..FLIPS {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let word = begin.wrapping_add(((state >> 8) % words.max(1)) as usize);
        let bit = 1 << (state >> 3 & 31);
        // SAFETY: within the section of constants.
        unsafe { write_volatile(word, read_volatile(word) ^ bit) };
        seen += u32::from(Emulator.self_test(&mut workspace).is_err());
        // SAFETY: the same word.
        unsafe { write_volatile(word, read_volatile(word) ^ bit) };
    }
    number(seen);
    text(" of ");
    number(FLIPS);
    text(" flipped bits were seen; ");
    let whole = Emulator.self_test(&mut workspace).is_ok();
    text(if whole { "afterwards the self-test passes\n" } else { "the self-test FAILS afterwards\n" });
    board::end(whole && seen == FLIPS)
}
