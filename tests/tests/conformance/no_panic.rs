//! No panic is reachable from frozen code on the host: the linked program proves it, with the crate
//! `no-panic`.
//!
//! The proof needs a program that is linked, optimised, and unwinds. The firmware has its own
//! proof, in `firmware.rs`.

use crate::frozen_program::{ANY_PROCESSOR, EMULATORS, FILES, PROGRAM, X86_64_V3, named};
use dense_tests::cases::proven;
use dense_tests::networks::small_convolutions;
use dense_tests::program::{Build, Program, printed};
use dense_tests::tier::is_long;
use std::path::Path;
use std::process::Command;

#[test]
fn no_panic_is_reachable_from_frozen_code_for_any_processor() {
    links_and_passes_its_self_tests(ANY_PROCESSOR);
}

#[test]
fn no_panic_is_reachable_from_frozen_code_for_x86_64_v3() {
    links_and_passes_its_self_tests(X86_64_V3);
}

fn links_and_passes_its_self_tests(build: Build<'_>) {
    let report = printed(Command::new(PROGRAM.built(build)).arg("bits"));
    let expected: String = EMULATORS
        .iter()
        .map(|(name, _)| format!("{name}: true\n"))
        .collect();
    assert_eq!(report, expected, "self-tests");
}

/// If a user's profile enables overflow checks, arithmetic still links no panic. Every kernel is in
/// one emulator with convolutions, or in those of the long tier.
#[test]
fn no_panic_is_reachable_with_overflow_checks_and_debug_assertions() {
    const CHECKED: Build<'_> = Build {
        flags: "-C overflow-checks=on -C debug-assertions=on",
        ..ANY_PROCESSOR
    };
    let mut emulators = vec![("convolutions".to_owned(), small_convolutions())];
    if is_long() {
        emulators.extend(proven().into_iter().map(named));
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("frozen_program_checked");
    let program = Program::write(&folder, &emulators, &FILES);
    let report = printed(Command::new(program.built(CHECKED)).arg("bits"));
    let expected: String = emulators
        .iter()
        .map(|(name, _)| format!("{name}: true\n"))
        .collect();
    assert_eq!(report, expected, "self-tests");
}

/// One emulator is enough, and compiles in a fraction of the time.
#[test]
fn a_planted_panic_does_not_link() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("frozen_program_planted");
    let planted = Program::write(&folder, &EMULATORS[..1], &FILES);
    let as_written = printed(Command::new(planted.built(ANY_PROCESSOR)).arg("bits"));
    assert_eq!(as_written, format!("{}: true\n", EMULATORS[0].0));
    let output = planted.build(Build {
        features: "proof,planted",
        ..ANY_PROCESSOR
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "the planted panic was linked");
    assert!(
        said.contains("detected panic in function"),
        "the build failed for another reason:\n{said}"
    );
}
