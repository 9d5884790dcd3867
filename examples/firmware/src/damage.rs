//! Flips bits of the emulator's constants where they lie, one at a time: the self-test has to see each of them. All bits of
//! a small emulator, some of a large one. (In QEMU the board's flash is memory that can be written.)

#![no_std]
#![no_main]

mod board;

use board::{number, text};
use core::ptr::{read_volatile, write_volatile};
use cortex_m_rt::entry;
use emulator::{Emulator, Predict, Workspace};

/// Of more bits than these, but a few are flipped.
const ALL: u32 = 20_000;
const FEW: u32 = 40;

unsafe extern "C" {
    static mut weights_begin: u32;
    static mut weights_end: u32;
}

#[entry]
fn main() -> ! {
    let mut workspace: Workspace = Emulator::WORKSPACE;
    let begin = &raw mut weights_begin;
    let words = (&raw const weights_end as u32).wrapping_sub(begin as u32) / 4;
    let all = words.wrapping_mul(32);
    let flips = if all <= ALL { all } else { FEW };
    let (mut state, mut seen) = (7_u32, 0);
    for flip in 0..flips {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let (place, bit) = match flips {
            FEW => ((state >> 8) % words.max(1), state >> 3 & 31),
            _ => (flip / 32, flip % 32),
        };
        let (word, bit) = (begin.wrapping_add(place as usize), 1 << bit);
        // SAFETY: within the section of constants.
        unsafe { write_volatile(word, read_volatile(word) ^ bit) };
        seen += u32::from(Emulator.self_test(&mut workspace).is_err());
        // SAFETY: the same word.
        unsafe { write_volatile(word, read_volatile(word) ^ bit) };
    }
    number(seen);
    text(" of ");
    number(flips);
    text(" flipped bits were seen; ");
    let whole = Emulator.self_test(&mut workspace).is_ok();
    text(if whole {
        "afterwards the self-test passes\n"
    } else {
        "the self-test FAILS afterwards\n"
    });
    board::end(whole && seen == flips)
}
