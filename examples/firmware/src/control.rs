//! A control loop: frames of plasma parameters come in, a spectrum with its uncertainty goes out, and where the emulator
//! says that it was not trained for a frame, the last good spectrum is held.

#![no_std]
#![no_main]

mod board;

use board::{Counter, number, text, thousandths};
use core::hint::black_box;
use cortex_m_rt::entry;
use emulator::{
    Emulator, INPUT_CENTRE, INPUT_HIGH, INPUT_LOW, INPUTS, OUTPUTS, Predict, Status, Workspace,
};
use heapless::Deque;

/// Frames that are run.
const FRAMES: u32 = 16;
/// Frames that the history keeps.
const HISTORY: usize = 6;

/// What the loop remembers of a frame.
#[derive(Clone, Copy)]
struct Record {
    frame: u32,
    /// Where the spectrum was highest.
    peak: usize,
    held: bool,
}

/// A spectrum with its standard deviations.
#[derive(Clone, Copy)]
struct Spectrum {
    mean: [f32; OUTPUTS],
    std: [f32; OUTPUTS],
}

impl Spectrum {
    const ZERO: Self = Self {
        mean: [0.0; OUTPUTS],
        std: [0.0; OUTPUTS],
    };

    /// The highest point, its value and its standard deviation.
    fn peak(&self) -> (usize, f32, f32) {
        let mut highest = (0, f32::NEG_INFINITY, 0.0);
        for (place, (&mean, &std)) in self.mean.iter().zip(&self.std).enumerate() {
            if mean > highest.1 {
                highest = (place, mean, std);
            }
        }
        highest
    }
}

#[entry]
fn main() -> ! {
    let mut workspace: Workspace = Emulator::WORKSPACE;
    if Emulator.self_test(&mut workspace).is_err() {
        text("self-test FAILED: the weights are not those that were frozen\n");
        board::end(false);
    }
    text("self-test passed\n");
    let counter = Counter::start();
    let (mut now, mut good) = (Spectrum::ZERO, Spectrum::ZERO);
    let mut history: Deque<Record, HISTORY> = Deque::new();
    for frame in 0..FRAMES {
        let x = acquire(frame);
        let mut status = Status::default();
        let instructions = counter.count(|| {
            status = Emulator.predict(&mut workspace, black_box(&x), &mut now.mean, &mut now.std);
        });
        let held = !status.is_ok();
        if !held {
            good = now;
        }
        #[cfg(feature = "planted")]
        assert!(now.mean[0] != 0.125, "planted");
        let (peak, mean, std) = good.peak();
        if history.is_full() {
            history.pop_front();
        }
        let _ = history.push_back(Record { frame, peak, held });
        text("frame ");
        number(frame);
        text(": peak ");
        thousandths(mean);
        text(" +- ");
        thousandths(std);
        text(" at ");
        number(peak as u32);
        if held {
            text(", held: ");
            say(&status);
        }
        text("; instructions ");
        number(instructions);
        text("\n");
    }
    text("last frames:");
    for record in &history {
        text(" ");
        number(record.frame);
        text(if record.held { "h" } else { "@" });
        number(record.peak as u32);
    }
    text("\n");
    board::end(true)
}

/// Stands in for the diagnostics: a slow sweep through the trained box, which once leaves it, and once is no number.
fn acquire(frame: u32) -> [f32; INPUTS] {
    let mut x = INPUT_CENTRE;
    let limits = INPUT_LOW.iter().zip(&INPUT_HIGH);
    for (index, (x, (&low, &high))) in x.iter_mut().zip(limits).enumerate() {
        // A triangle wave for each input, of another period.
        let phase = (frame * (index as u32 * 2 + 3)) % 32;
        let height = if phase < 16 { phase } else { 32 - phase };
        *x = low + (high - low) * (height as f32 / 16.0);
        if frame == 6 && index == 1 {
            *x = high + 0.25 * (high - low);
        }
        if frame == 11 && index == 0 {
            *x = f32::NAN;
        }
    }
    x
}

/// Prints what a status says.
fn say(status: &Status) {
    for (what, inputs) in [
        ("not finite", status.non_finite),
        ("outside", status.outside),
    ] {
        if inputs != 0 {
            text(what);
            text(" input");
            for input in 0..INPUTS as u32 {
                if inputs >> input & 1 == 1 {
                    text(" ");
                    number(input);
                }
            }
        }
    }
    if status.overflow {
        text("overflow");
    }
}
