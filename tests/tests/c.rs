//! The C99 file gives the bits of the f32 interpreter, whatever compiles it, and without a warning.

use dense_codegen::interpreter::Order;
use dense_tests::c::{CProgram, succeeds};
use dense_tests::cases::{CASES, ROWS, few_that_use_every_operation};
use dense_tests::skip::skipped;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = include_str!("c/program.c");
const COMPILERS: [&str; 2] = ["gcc", "clang"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("c").join(name)
}

fn is_there(compiler: &str) -> bool {
    let there = Command::new(compiler).arg("--version").output().is_ok();
    if !there {
        skipped(&format!(
            "{compiler}, install with apt-get install {compiler}"
        ));
    }
    there
}

/// Whether the processor's own flags bring a fused multiply-add.
fn native_is_fused() -> bool {
    let Ok(output) = Command::new("gcc")
        .args(["-march=native", "-dM", "-E", "-x", "c", "/dev/null"])
        .output()
    else {
        return false;
    };
    String::from_utf8_lossy(&output.stdout).contains("__FMA__ 1")
}

/// Compiles with these flags, runs, and compares.
fn assert_same_bits(program: &CProgram<'_>, compiler: &str, flags: &[&str], order: Order) {
    let fused = match order {
        Order::Fused => "-DFUSED_EXPECTED=1",
        Order::Separate => "-DFUSED_EXPECTED=0",
    };
    let compiled = program.compiled(compiler, &[flags, &[fused]].concat());
    succeeds(Command::new(compiled).current_dir(program.folder()));
    program.assert_same_bits(order);
}

#[test]
fn all_cases_compiled_by_gcc_equal_the_interpreter_in_both_orders() {
    if !is_there("gcc") {
        return;
    }
    let program = CProgram::write(&folder("all"), CASES.iter().collect(), PROGRAM, ROWS);
    // What compiles fastest; the other levels have fewer cases below.
    assert_same_bits(&program, "gcc", &["-O1"], Order::Separate);
    if native_is_fused() {
        assert_same_bits(&program, "gcc", &["-O1", "-march=native"], Order::Fused);
    }
}

#[test]
fn every_compiler_level_and_processor_gives_the_same_bits() {
    let program = CProgram::write(
        &folder("few"),
        few_that_use_every_operation(),
        PROGRAM,
        ROWS,
    );
    for compiler in COMPILERS.into_iter().filter(|compiler| is_there(compiler)) {
        for level in ["-O0", "-O2", "-O3"] {
            assert_same_bits(&program, compiler, &[level], Order::Separate);
            if native_is_fused() {
                assert_same_bits(&program, compiler, &[level, "-march=native"], Order::Fused);
            }
        }
    }
}
