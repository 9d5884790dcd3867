//! Frozen code gives the bits of the f32 interpreter in both orders, with every kind of build.

use crate::frozen_program::{ANY_PROCESSOR, FAST, FAST_NO_FMA, FILES, PROGRAM, X86_64_V3, named};
use dense_codegen::interpreter::Order;
use dense_runtime::status::Status;
use dense_tests::cases::{CASES, Case, compiled, proven};
use dense_tests::modules::write;
use dense_tests::program::{Build, Program, printed};
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn every_operation_has_the_bits_of_the_interpreter_in_both_orders() {
    assert_same_bits_in_both_orders("frozen_program_every_operation", &compiled());
}

#[test]
#[ignore = "long: compiles a hundred emulators"]
fn a_hundred_emulators_have_the_bits_of_the_interpreter_in_both_orders() {
    assert_same_bits_in_both_orders("frozen_program_all", &CASES.iter().collect::<Vec<_>>());
}

#[test]
fn the_program_without_a_panic_has_the_bits_of_the_interpreter_on_any_processor() {
    assert_same_bits(&PROGRAM, ANY_PROCESSOR, &proven(), Order::Fused);
}

#[test]
fn the_program_without_a_panic_has_the_bits_of_the_interpreter_on_x86_64_v3() {
    assert_same_bits(&PROGRAM, X86_64_V3, &proven(), Order::Fused);
}

fn assert_same_bits_in_both_orders(name: &str, cases: &[&Case]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let emulators: Vec<_> = cases.iter().map(|case| named(case)).collect();
    let program = Program::write(&folder, &emulators, &FILES);
    for (order, build) in [(Order::Fused, FAST), (Order::Separate, FAST_NO_FMA)] {
        assert_same_bits(&program, build, cases, order);
    }
}

/// Runs the program on the rows of the cases, and compares.
fn assert_same_bits(program: &Program, build: Build<'_>, cases: &[&Case], order: Order) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for case in cases {
        let bytes: Vec<u8> = case.rows.iter().flat_map(|x| x.to_le_bytes()).collect();
        write(&folder.path().join(format!("{}.rows", case.name())), bytes);
    }
    let said = printed(
        Command::new(program.built(build))
            .arg("bits")
            .arg(folder.path()),
    );
    assert!(!said.contains("false"), "self-tests:\n{said}");
    for case in cases {
        let got = Results::read(folder.path(), case);
        case.assert_same_bits(&case.interpreted(order), &got.mean, &got.std, &got.status);
    }
}

/// The program's results for one case.
#[derive(Default)]
struct Results {
    mean: Vec<f32>,
    std: Vec<f32>,
    status: Vec<Status>,
}

impl Results {
    fn read(folder: &Path, case: &Case) -> Self {
        let path = folder.join(format!("{}.out", case.name()));
        let bytes = fs::read(path).expect("the program wrote its results");
        let (words, _) = bytes.as_chunks::<4>();
        let outputs = case.emulator.output_count();
        let mut results = Self::default();
        for row in words.chunks(STATUS_WORDS + 2 * outputs) {
            let (status, values) = row.split_at(STATUS_WORDS);
            let (mean, std) = values.split_at(outputs);
            results.status.push(read_status(status));
            results
                .mean
                .extend(mean.iter().map(|&word| f32::from_le_bytes(word)));
            results
                .std
                .extend(std.iter().map(|&word| f32::from_le_bytes(word)));
        }
        results
    }
}

/// Words of 4 bytes in a status as `frozen_program/src/bits.rs` writes it.
const STATUS_WORDS: usize = 8;

fn read_status(words: &[[u8; 4]]) -> Status {
    let word = |index: usize| u32::from_le_bytes(words[index]);
    let long = |index: usize| u64::from(word(index)) | u64::from(word(index + 1)) << 32;
    Status {
        non_finite: long(0),
        outside: long(2),
        worst: word(4) as u8,
        excess: f32::from_bits(word(5)),
        far: word(6) != 0,
        overflow: word(7) != 0,
    }
}
