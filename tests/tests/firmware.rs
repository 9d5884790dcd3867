//! A Cortex-M4F (in QEMU) computes the workstation's bits, with one instruction for each fused multiply-add.

use dense_runtime::fma::Fused;
use dense_tests::{repository, skip::skipped};
use std::fs;
use std::process::Command;

#[path = "../firmware/src/report.rs"]
mod report;

/// The exit code of `tests/firmware/run` where a tool is missing, which its standard error names.
const TOOL_MISSING: i32 = 77;

#[test]
fn the_device_prints_the_bits_of_the_workstation() {
    let firmware = repository().join("tests/firmware");
    let run = Command::new(firmware.join("run"))
        .output()
        .expect("the script starts");
    let (printed, log) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    if run.status.code() == Some(TOOL_MISSING) {
        return skipped(log.trim());
    }
    assert!(run.status.success(), "{}\n{printed}{log}", run.status);

    let mut expected = String::new();
    report::report::<Fused>(&mut expected).expect("a string takes every line");
    for (expected, got) in expected.lines().zip(printed.lines()) {
        assert_eq!(got, expected, "device (left) and workstation (right)");
    }
    assert_eq!(
        printed.lines().count(),
        expected.lines().count(),
        "lines of the device and of the workstation"
    );

    let disassembly =
        fs::read_to_string(firmware.join("target/disassembly.txt")).expect("the script left it");
    assert!(
        disassembly.contains("vfma.f32"),
        "no fused multiply-add in the program"
    );
    assert_eq!(calls_of_library_fma(&disassembly), Vec::<&str>::new());
}

/// The lines that name the slow `fmaf` of a library, in whatever namespace.
fn calls_of_library_fma(disassembly: &str) -> Vec<&str> {
    disassembly
        .lines()
        .filter(|line| line.contains("fma") && !line.contains("vfma"))
        .collect()
}

#[test]
fn a_call_of_a_library_fma_is_noticed() {
    let disassembly = "\
     410:\tee e0 0a 81 \tvfma.f32\ts0, s1, s2\n\
     414:\tf000 f80e \tbl\t434 <fmaf>\n\
     418:\tf000 f80e \tbl\t434 <compiler_builtins::math::full_availability::fmaf>\n";
    assert_eq!(calls_of_library_fma(disassembly).len(), 2);
}
