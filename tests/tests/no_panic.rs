//! No panic can be reached from frozen code on the host: the linked program proves it, by the crate `no-panic`.
//!
//! What `no-panic` marks refers to an undefined symbol wherever a panic could unwind through it, so that the program
//! links only where the optimiser has shown that none can. That takes a program that is linked, optimised, and unwinds.
//! The firmware has its own proof, in `firmware.rs`.

use dense_codegen::Emulator;
use dense_tests::program::{Program, networks_and_every_operation, printed};
use std::path::Path;
use std::process::Command;

/// The crate is at hand since it is a dependency of these tests. A function of another crate counts as one that may
/// panic unless its body is seen: the standard library's own, by which a processor's features are found out, too.
const MANIFEST: &str = r#"
no-panic = "0.1"

[profile.release]
codegen-units = 1
lto = "fat"
"#;

#[test]
fn no_panic_is_reachable_from_frozen_code_and_a_planted_one_does_not_link() {
    let folder = |name: &str| Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let emulators = networks_and_every_operation();
    let main = include_str!("no_panic/program.rs");
    // Two programs, since one is linked by one thread for minutes.
    std::thread::scope(|scope| {
        for part in 0..2 {
            let every_second = emulators.iter().skip(part).step_by(2).cloned();
            let emulators: Vec<_> = every_second.collect();
            let folder = folder(&format!("no_panic_{part}"));
            scope.spawn(move || links_and_passes_its_self_tests(&folder, &emulators, main));
        }
    });

    // One emulator is enough, and compiles in a fraction of the time.
    let planted = Program::write(&folder("no_panic_planted"), &emulators[..1], MANIFEST, main);
    let as_written = printed(&mut Command::new(planted.built("", "")));
    assert_eq!(as_written, format!("{}: true\n", emulators[0].0));
    let output = planted.build("planted", "");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "the planted panic was linked");
    assert!(
        said.contains("detected panic in function"),
        "the build failed for another reason:\n{said}"
    );
}

/// By the instructions that the processor is found to have, and by those that the build asks for.
fn links_and_passes_its_self_tests(folder: &Path, emulators: &[(String, Emulator)], main: &str) {
    let program = Program::write(folder, emulators, MANIFEST, main);
    for flags in ["", "-C target-cpu=x86-64-v3"] {
        let report = printed(&mut Command::new(program.built("", flags)));
        let expected: String = emulators
            .iter()
            .map(|(name, _)| format!("{name}: true\n"))
            .collect();
        assert_eq!(report, expected, "self-tests");
    }
}
