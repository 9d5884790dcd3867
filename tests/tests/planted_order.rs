//! The comparison of bits can fail: a frozen crate in which one kernel adds in another order does not pass its own test.

use dense_codegen::rust::{FreezeOptions, freeze};
use dense_tests::modules::write;
use dense_tests::networks::Network;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// The innermost loop of dense layers and convolutions, below the frozen crate's folder.
const FILE: &str = "dense-runtime/src/kernels/tiles.rs";
/// The loop over taps and input channels, ascending. Where the kernel is rewritten, this has to follow.
const WRITTEN: &str = "for i in 0..sweep.run {";
/// The same, descending.
const PLANTED: &str = "for i in (0..sweep.run).rev() {";

/// The test of the frozen crate that has to see it.
const GOLDEN: &str = "the_golden_vectors_come_out_bit_for_bit_and_no_stored_bit_has_changed";

#[test]
fn another_order_of_summation_in_one_kernel_turns_the_golden_test_red() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted_order");
    fs::create_dir_all(&folder).expect("a folder in the target folder");
    let frozen = folder.join("decoder");
    let options = FreezeOptions {
        crate_name: "decoder".into(),
    };
    freeze(&Network::Decoder.emulator(), &frozen, &options).expect("the network is frozen");

    let kernel = fs::read_to_string(frozen.join(FILE)).expect("the crate carries the kernel");
    assert_eq!(
        kernel.matches(WRITTEN).count(),
        1,
        "{FILE} has no longer the one loop that is to be turned around"
    );
    let as_written = golden_test(&frozen, &folder);
    let said = String::from_utf8_lossy(&as_written.stderr);
    assert!(as_written.status.success(), "as written:\n{said}");

    write(&frozen.join(FILE), kernel.replace(WRITTEN, PLANTED));
    let planted = golden_test(&frozen, &folder);
    let report = String::from_utf8_lossy(&planted.stdout);
    let said = String::from_utf8_lossy(&planted.stderr);
    assert!(!planted.status.success(), "the other order passed");
    assert!(
        report.contains(&format!("test {GOLDEN} ... FAILED")),
        "failed for another reason:\n{report}{said}"
    );
}

/// Runs the test that the crate carries.
fn golden_test(frozen: &Path, folder: &Path) -> Output {
    Command::new(env!("CARGO"))
        .args(["test", "--quiet", "--offline", "--test", "golden"])
        .args(["--", "--exact", GOLDEN, "--format", "pretty"])
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env_remove("RUSTFLAGS")
        .current_dir(frozen)
        .output()
        .expect("cargo starts")
}
