//! Frozen code does not allocate: a counting global allocator sees nothing in `predict`, `predict_batch` and `self_test`.

use dense_tests::program::{Program, networks_and_every_operation, printed};
use std::path::Path;
use std::process::Command;

/// As in `tests/frozen.rs`: the calls at the level that compiles fastest, the kernels as they are shipped.
const PROFILE: &str = r"
[profile.release]
opt-level = 1

[profile.release.package.dense-runtime]
opt-level = 3
";

#[test]
fn frozen_code_does_not_allocate_and_an_allocation_in_it_would_be_counted() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("allocation");
    let emulators = networks_and_every_operation();
    let main = include_str!("allocation/program.rs");
    let program = Program::write(&folder, &emulators, PROFILE, main);
    let report = printed(&mut Command::new(program.built("", "")));

    let mut expected: String = emulators
        .iter()
        .map(|(name, _)| format!("{name}: predict 0, predict_batch 0, self_test 0\n"))
        .collect();
    // One block a call: of a row, of each of five, of the one in its self-test.
    expected += "planted: predict 1, predict_batch 5, self_test 1\n";
    assert_eq!(report, expected);
}
