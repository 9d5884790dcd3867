//! Calls every emulator on inputs of each kind by a function that Callgrind counts in, and has the count written to a file;
//! prints `NAME KIND` for each call, in order.

use dense_runtime::predict::Predict;
use std::hint::black_box;

mod emulators;

/// Kinds of inputs, each by the number for input `j` of an emulator, whose range is from `low` to `high`.
type Kind = (&'static str, fn(usize, f32, f32) -> f32);

const KINDS: [Kind; 14] = [
    ("zero", |_, _, _| 0.0),
    ("inside", |j, low, high| {
        low + (high - low) * (0.9 - 0.1 * j as f32)
    }),
    ("also inside", |j, low, high| {
        low + (high - low) * (0.1 + 0.1 * j as f32)
    }),
    ("lower edge", |_, low, _| low),
    ("upper edge", |_, _, high| high),
    ("outside", |_, low, high| low - (high - low)),
    ("subnormal", |_, _, _| 1.0e-42),
    ("subnormal of both signs", |j, _, _| {
        if j % 2 == 0 { 1.0e-39 } else { -1.0e-45 }
    }),
    ("huge", |_, _, _| f32::MAX),
    ("huge of both signs", |j, _, _| {
        if j % 2 == 0 { f32::MAX } else { f32::MIN }
    }),
    ("not a number", |_, _, _| f32::NAN),
    ("infinite", |_, _, _| f32::INFINITY),
    ("infinite below", |_, _, _| f32::NEG_INFINITY),
    (
        "one not a number",
        |j, low, _| if j == 0 { f32::NAN } else { low },
    ),
];

macro_rules! measured {
    ($name:ident) => {
        mod $name {
            pub use crate::emulators::$name::model::{
                Emulator, INPUT_HIGH, INPUT_LOW, INPUTS, OUTPUTS, Workspace,
            };
            use dense_runtime::predict::Predict;
            use dense_runtime::status::Status;

            #[unsafe(export_name = concat!("measured_", stringify!($name)))]
            #[inline(never)]
            pub fn measured(
                workspace: &mut Workspace,
                x: &[f32; INPUTS],
                mean: &mut [f32; OUTPUTS],
                std: &mut [f32; OUTPUTS],
            ) -> Status {
                Emulator.predict(workspace, x, mean, std)
            }
        }
    };
}
emulators::each!(measured);

macro_rules! call {
    ($name:ident) => {{
        use $name::{Emulator, INPUT_HIGH, INPUT_LOW, INPUTS, OUTPUTS, measured};
        let mut workspace = black_box(Emulator::WORKSPACE);
        let (mut mean, mut std) = ([0.0; OUTPUTS], [0.0; OUTPUTS]);
        // What is found out and kept at the first call is not part of those that follow.
        black_box(Emulator.predict(&mut workspace, &[0.0; INPUTS], &mut mean, &mut std));
        for (kind, number) in KINDS {
            let x: [f32; INPUTS] = black_box(std::array::from_fn(|j| {
                number(j, INPUT_LOW[j], INPUT_HIGH[j])
            }));
            black_box(measured(&mut workspace, &x, &mut mean, &mut std));
            black_box((&mut mean, &mut std));
            write_count();
            println!("{} {kind}", stringify!($name));
        }
    }};
}

/// One branch on an input: what must be noticed.
#[unsafe(no_mangle)]
#[inline(never)]
fn measured_planted(x: f32) -> f32 {
    if black_box(x) > 0.25 {
        black_box(x) + 1.0
    } else {
        x
    }
}

/// Asks Callgrind to write what it has counted to the next file, and to begin anew: the request `CALLGRIND_DUMP_STATS` of
/// `valgrind/callgrind.h`. Outside Valgrind it does nothing.
fn write_count() {
    const DUMP_STATS: u64 = (b'C' as u64) << 24 | (b'T' as u64) << 16;
    let request = [DUMP_STATS, 0, 0, 0, 0, 0];
    // SAFETY: the instructions together leave every register as it was; Valgrind knows them and writes its answer to rdx.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") &request,
            inout("rdx") 0_u64 => _,
            in("rdi") 0_u64,
        );
    }
}

fn main() {
    emulators::each!(call);
    for (kind, number) in KINDS {
        black_box(measured_planted(number(0, -1.0, 1.0)));
        write_count();
        println!("planted {kind}");
    }
}
