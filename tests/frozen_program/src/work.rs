//! Calls an emulator on inputs of each kind in a function that Callgrind measures
//! (`measured_NAME`), and has each count written to a file; prints `NAME KIND` for each call, in
//! order. Or calls every elementwise kernel on up to a vector and one more value: the last values
//! of an array are computed one by one, by other instructions.

use crate::calls::Frozen;
use dense_runtime::kernels::elementwise::{
    Activation, Transform, activation, logarithm, transform,
};
use std::hint::black_box;

/// Kinds of inputs, each by the value of input `j` of an emulator, whose range is from `low` to
/// `high`.
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

pub fn run(emulators: &mut [Box<dyn Frozen>], which: &str) {
    match which {
        "kernels" => kernels(),
        "planted" => planted(),
        _ => {
            let mut named = emulators.iter_mut().filter(|one| one.name() == which);
            call(named.next().expect("an emulator has this name").as_mut());
        }
    }
}

fn call(emulator: &mut dyn Frozen) {
    let ((low, high), outputs) = (emulator.limits(), emulator.outputs());
    let (mut mean, mut std) = (vec![0.0; outputs], vec![0.0; outputs]);
    // The first call detects the processor's features, which is not part of the later ones.
    emulator.predict(low, &mut mean, &mut std);
    callgrind(ZERO_STATS);
    for (kind, number) in KINDS {
        let limits = low.iter().zip(high).enumerate();
        let x: Vec<f32> = limits
            .map(|(j, (&low, &high))| number(j, low, high))
            .collect();
        emulator.predict(black_box(&x), &mut mean, &mut std);
        black_box((&mut mean, &mut std));
        callgrind(DUMP_STATS);
        println!("{} {kind}", emulator.name());
    }
}

fn kernels() {
    for (name, kernel) in KERNELS {
        for count in 1..=9 {
            for (kind, number) in KINDS {
                let mut y: Vec<f32> = (0..count).map(|j| number(j, -2.0, 2.0)).collect();
                measured_kernel(kernel, &mut y);
                black_box(&mut y);
                callgrind(DUMP_STATS);
                println!("{name}-of-{count} {kind}");
            }
        }
    }
}

fn planted() {
    for (kind, number) in KINDS {
        black_box(measured_planted(number(0, -1.0, 1.0)));
        callgrind(DUMP_STATS);
        println!("planted {kind}");
    }
}

/// The elementwise kernels that choose between results.
const KERNELS: [(&str, fn(&mut [f32])); 7] = [
    ("relu", |y| activation(Activation::Relu, y)),
    ("silu", |y| activation(Activation::Silu, y)),
    ("tanh", |y| activation(Activation::Tanh, y)),
    ("sine", |y| activation(Activation::Sine, y)),
    ("exp", |y| transform(Transform::Exp, y)),
    ("sinh", |y| transform(Transform::Sinh, y)),
    ("ln", |y| logarithm(&[true; 9], y)),
];

#[unsafe(no_mangle)]
#[inline(never)]
fn measured_kernel(kernel: fn(&mut [f32]), y: &mut [f32]) {
    kernel(y);
}

/// One branch on an input, which must be detected.
#[unsafe(no_mangle)]
#[inline(never)]
fn measured_planted(x: f32) -> f32 {
    if black_box(x) > 0.25 {
        black_box(x) + 1.0
    } else {
        x
    }
}

/// Resets the counts: `CALLGRIND_ZERO_STATS` of `valgrind/callgrind.h`.
const ZERO_STATS: u64 = DUMP_STATS + 1;

/// Writes the counts to the next file and resets them: `CALLGRIND_DUMP_STATS`.
const DUMP_STATS: u64 = (b'C' as u64) << 24 | (b'T' as u64) << 16;

/// Sends a request to Callgrind. Outside Valgrind it does nothing.
fn callgrind(request: u64) {
    let request = [request, 0, 0, 0, 0, 0];
    // SAFETY: the instructions together leave every register as it was; Valgrind knows them and
    // writes its answer to rdx.
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
