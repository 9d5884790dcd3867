//! The program that tests the promises of frozen code (`tests/frozen_program`), with the networks,
//! the example's emulator and those that together use every kind of operation. Each build is made
//! once, by the first test that needs it.

use dense_codegen::emulator::Emulator;
use dense_tests::cases::{Case, proven};
use dense_tests::networks::thomson;
use dense_tests::program::{Build, Program, networks};
use std::path::Path;
use std::sync::LazyLock;

/// Its own files.
pub(crate) const FILES: [(&str, &str); 7] = [
    (
        "Cargo.toml",
        include_str!("../../frozen_program/Cargo.toml"),
    ),
    (
        "src/main.rs",
        include_str!("../../frozen_program/src/main.rs"),
    ),
    (
        "src/bits.rs",
        include_str!("../../frozen_program/src/bits.rs"),
    ),
    (
        "src/blocks.rs",
        include_str!("../../frozen_program/src/blocks.rs"),
    ),
    (
        "src/calls.rs",
        include_str!("../../frozen_program/src/calls.rs"),
    ),
    (
        "src/swap.rs",
        include_str!("../../frozen_program/src/swap.rs"),
    ),
    (
        "src/work.rs",
        include_str!("../../frozen_program/src/work.rs"),
    ),
];

/// For any processor: its instructions are detected at run time. Links only without a panic.
pub(crate) const ANY_PROCESSOR: Build<'_> = Build {
    profile: "release",
    features: "proof",
    flags: "",
};

/// For a processor with AVX2 and a fused multiply-add. Links only without a panic.
pub(crate) const X86_64_V3: Build<'_> = Build {
    profile: "release",
    features: "proof",
    flags: "-C target-cpu=x86-64-v3",
};

/// The build that compiles fastest.
pub(crate) const FAST: Build<'_> = Build {
    profile: "fast",
    features: "",
    flags: "",
};

/// The build that compiles fastest, in the order of targets without a fused multiply-add.
pub(crate) const FAST_NO_FMA: Build<'_> = Build {
    features: "no-fma",
    ..FAST
};

/// The emulators of the program, each with its name.
pub(crate) static EMULATORS: LazyLock<Vec<(String, Emulator)>> = LazyLock::new(|| {
    let cases = proven().into_iter().map(named);
    let all = networks()
        .into_iter()
        .chain([("thomson".into(), thomson())]);
    all.chain(cases).collect()
});

/// Writes the program.
pub(crate) static PROGRAM: LazyLock<Program> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("frozen_program");
    Program::write(&folder, &EMULATORS, &FILES)
});

/// A case's emulator with its name.
pub(crate) fn named(case: &Case) -> (String, Emulator) {
    (case.name(), case.emulator.clone())
}
