//! A Cortex-M4F (in QEMU) computes the workstation's bits, with one instruction for each fused
//! multiply-add, and no panic is reachable from frozen code in its program.

use dense_codegen::interpreter::{Order, Prediction, interpret_f32};
use dense_runtime::fma::Fused;
use dense_tests::cases::{Case, compiled};
use dense_tests::modules::{write, write_modules};
use dense_tests::{repository, skip::skipped};
use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

#[path = "../../firmware/src/report.rs"]
mod report;

/// The exit code of `tests/firmware/run` if a tool is missing, which its standard error names.
const TOOL_MISSING: i32 = 77;

/// Rows of each emulator on the device: two of each kind in `rows`.
const ROWS: usize = 20;

#[test]
fn the_device_prints_the_bits_of_the_workstation_and_cannot_panic() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware");
    let cases = compiled();
    write_crate(&folder, &cases);
    // The build includes linking `no-panic`.
    let run = run(&folder, "");
    let (printed, log) = (
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr),
    );
    if run.status.code() == Some(TOOL_MISSING) {
        return skipped(log.trim());
    }
    assert!(run.status.success(), "{}\n{printed}{log}", run.status);

    let expected = expected(&cases).expect("a string takes every line");
    for (expected, got) in expected.lines().zip(printed.lines()) {
        assert_eq!(got, expected, "device (left) and workstation (right)");
    }
    assert_eq!(
        printed.lines().count(),
        expected.lines().count(),
        "lines of the device and of the workstation"
    );

    let disassembly =
        fs::read_to_string(folder.join("target/disassembly.txt")).expect("the script left it");
    assert!(
        disassembly.contains("vfma.f32"),
        "no fused multiply-add in the program"
    );
    assert_eq!(calls_of_library_fma(&disassembly), Vec::<&str>::new());

    assert_a_planted_panic_does_not_link(&folder);
}

/// Builds the program and runs it.
fn run(folder: &Path, features: &str) -> Output {
    Command::new(folder.join("run"))
        .env("FEATURES", features)
        .output()
        .expect("the script starts")
}

/// The linking of `no-panic` proves something only if a panic would prevent it.
fn assert_a_planted_panic_does_not_link(folder: &Path) {
    let run = run(folder, "planted");
    let log = String::from_utf8_lossy(&run.stderr);
    assert!(!run.status.success(), "the planted panic was linked");
    assert!(
        log.contains("a_panic_can_be_reached"),
        "the build failed for another reason:\n{log}"
    );
}

/// Copies the firmware crate to `folder` and writes the emulators with their rows into it.
fn write_crate(folder: &Path, cases: &[&Case]) {
    let source = repository().join("tests/firmware");
    for file in [
        "Cargo.lock",
        "memory.x",
        "run",
        "src/main.rs",
        "src/no_panic.rs",
        "src/report.rs",
    ] {
        let target = folder.join(file);
        fs::create_dir_all(target.parent().expect("a file is in a folder"))
            .expect("the folder can be made");
        fs::copy(source.join(file), target).expect("the firmware crate can be copied");
    }
    let manifest =
        fs::read_to_string(source.join("Cargo.toml")).expect("the firmware crate has a manifest");
    let runtime = format!("{:?}", repository().join("runtime"));
    write(
        &folder.join("Cargo.toml"),
        manifest.replace("\"../../runtime\"", &runtime),
    );

    let modules = write_modules(folder, cases.iter().copied());
    let call = |case: &&Case| {
        let rows: Vec<Vec<_>> = rows(case)
            .map(|row| row.iter().map(|value| value.to_bits()).collect())
            .collect();
        let number = case.number;
        format!(
            "    crate::report::emulator(out, {number}, &e{number}::model::Emulator, &{rows:?})?;\n"
        )
    };
    let calls: String = cases.iter().map(call).collect();
    let run_all = format!(
        "pub(crate) fn run_all(out: &mut impl core::fmt::Write) -> core::fmt::Result {{\n{calls}    Ok(())\n}}\n"
    );
    write(&folder.join("src/emulators.rs"), modules + &run_all);
}

fn rows(case: &Case) -> impl Iterator<Item = &[f32]> {
    case.rows.chunks(case.emulator.input_count()).take(ROWS)
}

/// The expected output of the device.
fn expected(cases: &[&Case]) -> Result<String, fmt::Error> {
    let mut text = String::new();
    report::elementary::<Fused>(&mut text)?;
    for case in cases {
        report::self_test(&mut text, case.number, true)?;
        for (row, x) in rows(case).enumerate() {
            let Prediction { mean, std, status } = interpret_f32(&case.emulator, x, Order::Fused);
            report::prediction(&mut text, row, &mean, &std, &status)?;
        }
    }
    Ok(text)
}

/// The lines that name a library's slow `fmaf`, in any namespace.
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
