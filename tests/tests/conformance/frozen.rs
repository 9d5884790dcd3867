//! Frozen code, as it is emitted, gives the bits of the f32 interpreter in both orders, however it is built.

use crate::frozen_program::{ANY_PROCESSOR, FILES, NO_FMA, PROGRAM, X86_64_V3, named};
use dense_codegen::interpreter::Order;
use dense_runtime::status::Status;
use dense_tests::cases::{CASES, Case, compiled};
use dense_tests::modules::write;
use dense_tests::program::{Build, Program, printed};
use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn built_for_any_processor_it_has_the_bits_of_the_interpreter() {
    assert_same_bits(&PROGRAM, ANY_PROCESSOR, &compiled(), Order::Fused);
}

#[test]
fn built_for_x86_64_v3_it_has_the_bits_of_the_interpreter() {
    assert_same_bits(&PROGRAM, X86_64_V3, &compiled(), Order::Fused);
}

#[test]
fn without_a_fused_multiply_add_it_has_the_bits_of_the_interpreter() {
    assert_same_bits(&PROGRAM, NO_FMA, &compiled(), Order::Separate);
}

#[test]
#[ignore = "long: compiles a hundred emulators, those of the short tier have every operation"]
fn a_hundred_emulators_have_the_bits_of_the_interpreter_in_both_orders() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("frozen_program_all");
    let emulators: Vec<_> = CASES.iter().map(named).collect();
    let program = Program::write(&folder, &emulators, &FILES);
    let cases: Vec<_> = CASES.iter().collect();
    for (order, features) in [(Order::Fused, ""), (Order::Separate, "no-fma")] {
        let build = Build { features, ..NO_FMA };
        assert_same_bits(&program, build, &cases, order);
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

/// What the program wrote for one case.
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
