//! The C99 file gives the bits of the f32 interpreter with every compiler, without a warning, and
//! detects anything that would change them.

use dense_codegen::c::image;
use dense_codegen::interpreter::Order;
use dense_tests::c::{CProgram, FLAGS, is_there, succeeds};
use dense_tests::cases::{CASES, Case, ROWS, compiled};
use dense_tests::modules::write;
use dense_tests::repository;
use dense_tests::tier::of_tier;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const PROGRAM: &str = include_str!("c/program.c");
const SWAP: &str = include_str!("c/swap.c");
const COMPILERS: [&str; 2] = ["gcc", "clang"];

/// Versions of clang that compile for a Cortex-M: without an own function for multiply-adds, and
/// with it.
const CLANGS: [&str; 2] = ["clang", "clang-19"];
const FUSED: &str = "-DFUSED_EXPECTED=1";
const SEPARATE: &str = "-DFUSED_EXPECTED=0";

/// Rows of each emulator.
const ROWS_ON_A_DEVICE: usize = 100;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("c").join(name)
}

/// Whether the processor's own flags enable a fused multiply-add.
fn native_is_fused() -> bool {
    let arguments = ["-march=native", "-dM", "-E", "-x", "c", "/dev/null"];
    let output = Command::new("gcc").args(arguments).output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("__FMA__ 1"))
}

/// Compiles with these flags and those common to all compilers, runs, and compares.
fn assert_same_bits(program: &CProgram<'_>, compiler: &str, flags: &[&str], order: Order) {
    assert_bits_with(program, compiler, &[&FLAGS, flags].concat(), order);
}

/// Compiles with these flags alone, runs, and compares.
fn assert_bits_with(program: &CProgram<'_>, compiler: &str, flags: &[&str], order: Order) {
    let fused = match order {
        Order::Fused => FUSED,
        Order::Separate => SEPARATE,
    };
    let compiled = program.compiled(compiler, &[flags, &[fused]].concat());
    succeeds(Command::new(compiled).current_dir(program.folder()));
    program.assert_same_bits(order);
}

#[test]
#[ignore = "long: compiles a hundred emulators, those of the short tier have every operation"]
fn all_cases_equal_the_interpreter_in_both_orders() {
    if !is_there("gcc", "gcc") {
        return;
    }
    // At the level that compiles fastest; the others have fewer cases below.
    let program = CProgram::write(&folder("all"), CASES.iter().collect(), PROGRAM, *ROWS);
    assert_same_bits(&program, "gcc", &["-O1"], Order::Separate);
    if native_is_fused() {
        assert_same_bits(&program, "gcc", &["-O1", "-march=native"], Order::Fused);
    }
}

#[test]
fn every_compiler_level_and_processor_gives_the_same_bits() {
    let few = compiled();
    let program = CProgram::write(&folder("few"), few, PROGRAM, *ROWS);
    for compiler in COMPILERS {
        if !is_there(compiler, compiler) {
            continue;
        }
        for level in ["-O0", "-O2", "-O3"] {
            assert_same_bits(&program, compiler, &[level], Order::Separate);
            if native_is_fused() {
                assert_same_bits(&program, compiler, &[level, "-march=native"], Order::Fused);
            }
        }
    }
}

#[test]
fn a_compiler_that_may_contract_and_set_errno_gives_the_same_bits() {
    let few = compiled();
    let program = CProgram::write(&folder("gnu"), few, PROGRAM, *ROWS);
    for compiler in COMPILERS {
        if is_there(compiler, compiler) && native_is_fused() {
            let flags = ["-std=gnu11", "-O2", "-march=native", "-D_GNU_SOURCE"];
            assert_bits_with(&program, compiler, &flags, Order::Fused);
        }
    }
}

#[test]
fn another_set_of_numbers_is_swapped_in_and_damage_is_refused() {
    let few = compiled();
    let program = CProgram::write(&folder("swap"), few, SWAP, ROWS_ON_A_DEVICE);
    for compiler in COMPILERS {
        if !is_there(compiler, compiler) {
            continue;
        }
        for (order, flags) in [
            (Order::Separate, vec!["-O2", SEPARATE]),
            (Order::Fused, vec!["-O3", "-march=native", FUSED]),
        ] {
            if order == Order::Fused && !native_is_fused() {
                continue;
            }
            program.write_images(|emulator| image(emulator, order));
            let compiled = program.compiled(compiler, &[&FLAGS, &flags[..]].concat());
            succeeds(Command::new(compiled).current_dir(program.folder()));
            program.assert_swapped_bits(order);
        }
    }
}

/// A microcontroller in QEMU.
struct Board {
    cpu: &'static str,
    machine: &'static str,
    flags: &'static [&'static str],
    no_fma: bool,
}

const HARD_FLOAT: &[&str] = &[
    "-mcpu=cortex-m4",
    "-mthumb",
    "-mfloat-abi=hard",
    "-mfpu=fpv4-sp-d16",
];

/// For clang, which needs the C library's headers: the target, and the folder of Debian's newlib
/// headers.
const CLANG_FOR_ARM: [&str; 3] = [
    "--target=arm-none-eabi",
    "-isystem",
    "/usr/lib/arm-none-eabi/include",
];

/// With a fused multiply-add, with one that must not be used, and without any floating-point unit.
const BOARDS: [Board; 3] = [
    Board {
        cpu: "cortex-m4",
        machine: "mps2-an386",
        flags: HARD_FLOAT,
        no_fma: false,
    },
    Board {
        cpu: "cortex-m4",
        machine: "mps2-an386",
        flags: HARD_FLOAT,
        no_fma: true,
    },
    Board {
        cpu: "cortex-m3",
        machine: "mps2-an385",
        flags: &["-mcpu=cortex-m3", "-mthumb"],
        no_fma: false,
    },
];

#[test]
fn microcontrollers_give_the_same_bits() {
    let compiler = "arm-none-eabi-gcc";
    if !is_there(compiler, "gcc-arm-none-eabi libnewlib-arm-none-eabi")
        || !is_there("qemu-system-arm", "qemu-system-arm")
    {
        return;
    }
    let example = repository().join("examples/c/cortex-m4");
    let startup = fs::read_to_string(example.join("startup.c")).expect("the example has a start");
    let few = compiled();
    let write = |name: &str, cases: Vec<_>, main: &str| {
        let main = format!("{main}\n{startup}");
        CProgram::write(&folder(name), cases, &main, ROWS_ON_A_DEVICE)
    };
    // Every damaged image is read completely, many times: use small ones on an emulated processor.
    let mut small = few.clone();
    small.sort_by_key(|case| case.emulator.flash_bytes());
    small.truncate(3);
    let (program, swap) = (write("m4", few, PROGRAM), write("m4-swap", small, SWAP));
    let script = format!("-Wl,-T,{}", example.join("memory.ld").display());
    let link = ["--specs=rdimon.specs", &script, "-Wl,--gc-sections"].map(String::from);
    for board in BOARDS {
        let (order, fused) = if board.flags == HARD_FLOAT && !board.no_fma {
            (Order::Fused, FUSED)
        } else {
            (Order::Separate, SEPARATE)
        };
        let mut flags = [&FLAGS, board.flags, &["-O2", fused]].concat();
        flags.extend(["-ffunction-sections", "-fdata-sections"]);
        if board.no_fma {
            flags.extend(program.no_fma());
        }
        let run_image = |program: &CProgram<'_>, linked: &Path| {
            let semihosting = "enable=on,target=native";
            succeeds(
                Command::new("timeout")
                    .args(["300", "qemu-system-arm", "-cpu", board.cpu])
                    .args(["-machine", board.machine, "-nographic"])
                    .args(["-semihosting-config", semihosting, "-kernel"])
                    .arg(linked)
                    .current_dir(program.folder()),
            );
        };
        let run = |program: &CProgram<'_>| {
            let linked = program.linked(compiler, &flags, &program.sources(), &link);
            run_image(program, &linked);
        };
        run(&program);
        program.assert_same_bits(order);
        for clang in CLANGS {
            if order == Order::Fused && is_there(clang, clang) {
                run_by_clang(clang, &program, &flags, &link, &run_image);
                program.assert_same_bits(order);
            }
        }
        if order == Order::Fused {
            swap.write_images(|emulator| image(emulator, order));
            run(&swap);
            swap.assert_swapped_bits(order);
        }
    }
}

/// Runs the emulators, compiled by clang without `-fno-math-errno` and linked by gcc.
fn run_by_clang(
    compiler: &str,
    program: &CProgram<'_>,
    flags: &[&str],
    link: &[String],
    run_image: &dyn Fn(&CProgram<'_>, &Path),
) {
    let flags: Vec<_> = flags
        .iter()
        .filter(|flag| !FLAGS[2..].contains(flag))
        .copied()
        .collect();
    let mut objects = Vec::new();
    for source in program.sources() {
        if source == "program.c" {
            continue;
        }
        let object = format!("{source}.{compiler}.o");
        let mut clang = Command::new(compiler);
        clang.args(CLANG_FOR_ARM).args(&flags);
        clang.args(["-Werror", "-Wall", "-c", &source, "-o", &object]);
        succeeds(clang.current_dir(program.folder()));
        objects.push(object);
    }
    objects.extend_from_slice(link);
    let main = ["program.c".into()];
    let linked = program.linked("arm-none-eabi-gcc", &flags, &main, &objects);
    run_image(program, &linked);
}

/// Compiles one changed emulator with its program, and runs it.
fn changed(name: &str, change: impl Fn(&str) -> String, flags: &[&str]) -> Result<Output, Output> {
    let case = &CASES[0];
    let program = CProgram::write(&folder(name), vec![case], PROGRAM, 1);
    let file = program.folder().join(format!("{}.c", case.name()));
    let text = fs::read_to_string(&file).expect("the C file was written");
    write(&file, change(&text));
    let compiled = Command::new("gcc")
        .args(FLAGS)
        .args([SEPARATE, "-O2", "-o", "program"])
        .args(flags)
        .args(program.sources())
        .current_dir(program.folder())
        .output()
        .expect("gcc starts");
    if !compiled.status.success() {
        return Err(compiled);
    }
    let run = Command::new(program.folder().join("program"))
        .current_dir(program.folder())
        .output();
    Ok(run.expect("the program starts"))
}

/// The program's report of its self-test; `None` if it passes.
fn said(name: &str, change: impl Fn(&str) -> String) -> String {
    let run = changed(name, change, &[]).expect("the changed file compiles");
    assert_eq!(run.status.success(), run.stderr.is_empty(), "{run:?}");
    String::from_utf8_lossy(&run.stderr).into_owned()
}

#[test]
fn another_order_another_weight_and_fast_math_are_noticed() {
    if !is_there("gcc", "gcc") {
        return;
    }
    assert_eq!(said("as_written", str::to_owned), "");

    let order = said("order", |text| {
        let fma = format!("{}_FMA", CASES[0].name().to_uppercase());
        let [first, second] = ["x0_, w_", "x1_, w1_"]
            .map(|operands| format!("sum_ = {fma}({operands}[o_], sum_);\n        "));
        let written = format!("{first}{second}");
        assert!(
            text.contains(&written),
            "the kernel has changed: so has this test to"
        );
        text.replace(&written, &format!("{second}{first}"))
    });
    assert!(order.contains("self-test says 64"), "{order}");

    let weight = said("weight", |text| {
        let (before, numbers) = text.split_once("BUILT_IN = {").expect("there is a weight");
        let changed = numbers.replacen(" 0.", " -0.", 1);
        format!("{before}BUILT_IN = {{{changed}")
    });
    assert!(weight.contains("self-test says 32"), "{weight}");

    for flag in ["-ffast-math", "-Ofast", "-ffinite-math-only"] {
        let refused = changed("fast", str::to_owned, &[flag]).expect_err("fast-math compiles");
        let message = String::from_utf8_lossy(&refused.stderr);
        assert!(
            message.contains("compile without them"),
            "{flag}: {message}"
        );
    }
}

/// Words that templates use as names, and users as macros.
const MACROS: [&str; 21] = [
    "image",
    "range",
    "ranges",
    "copy",
    "check",
    "x",
    "k",
    "o",
    "mean",
    "std",
    "weights",
    "workspace",
    "sum",
    "bits",
    "structure",
    "positions",
    "noinline",
    "FMA",
    "FUSED",
    "STRUCTURE",
    "BUILT_IN",
];

#[test]
fn two_emulators_fit_into_one_translation_unit_whatever_macros_are_defined() {
    let program = CProgram::write(&folder("unity"), compiled(), PROGRAM, ROWS_ON_A_DEVICE);
    let each = |line: &dyn Fn(&str) -> String| MACROS.map(line).concat();
    let mut text = each(&|name| format!("#define {name} 1\n"));
    for source in program.sources() {
        if source == "program.c" {
            text += &each(&|name| format!("#undef {name}\n"));
        }
        text += &format!("#include \"{source}\"\n");
    }
    write(&program.folder().join("unity.c"), text);
    for compiler in COMPILERS {
        if is_there(compiler, compiler) {
            let flags = [&FLAGS[..], &["-O1", SEPARATE]].concat();
            let linked = program.linked(compiler, &flags, &["unity.c".into()], &[]);
            succeeds(Command::new(linked).current_dir(program.folder()));
            program.assert_same_bits(Order::Separate);
        }
    }
}

#[test]
fn a_compiler_without_built_in_functions_gives_the_bits_of_the_order_apart() {
    if is_there("gcc", "gcc") && native_is_fused() {
        let program = CProgram::write(&folder("plain"), compiled(), PROGRAM, ROWS_ON_A_DEVICE);
        for source in program.sources() {
            // The C library's headers need to know their compiler.
            let (last, file) = ("#include <string.h>\n", program.folder().join(source));
            let text = fs::read_to_string(&file).expect("the C file was written");
            write(
                &file,
                text.replace(last, &format!("{last}#undef __GNUC__\n")),
            );
        }
        let flags = ["-O2", "-march=native"];
        assert_same_bits(&program, "gcc", &flags, Order::Separate);
    }
}

/// Cases for properties that depend on the compiler more than on the emulator.
fn same_each_time() -> Vec<&'static Case> {
    CASES[..of_tier(3, 6)].iter().collect()
}

/// The external functions of a C file compiled with these flags.
fn undefined(program: &CProgram<'_>, compiler: &str, flags: &[&str]) -> BTreeSet<String> {
    let object = program.folder().join("undefined.o");
    let mut all = BTreeSet::new();
    for source in program.sources() {
        if source == "program.c" {
            continue;
        }
        let mut compile = Command::new(compiler);
        compile.args(flags).args(["-c", &source, "-o"]).arg(&object);
        succeeds(compile.current_dir(program.folder()));
        let symbols = Command::new("nm").arg("-u").arg(&object).output();
        let symbols = symbols.expect("nm starts").stdout;
        let names = String::from_utf8(symbols).expect("symbols are text");
        let names = names
            .lines()
            .filter_map(|line| line.split_whitespace().last());
        all.extend(names.map(String::from));
    }
    all
}

#[test]
fn the_c_file_calls_memcpy_and_memset_alone() {
    const OF_LIBRARY: [&str; 3] = ["memcpy", "memmove", "memset"];
    let program = CProgram::write(&folder("undefined"), same_each_time(), PROGRAM, 1);
    let arm = [&CLANG_FOR_ARM[..], HARD_FLOAT].concat();
    let compilers: [(&str, &str, &[&str]); 5] = [
        ("gcc", "gcc", &[]),
        ("clang", "clang", &[]),
        ("arm-none-eabi-gcc", "gcc-arm-none-eabi", HARD_FLOAT),
        ("clang", "clang", &arm),
        ("clang-19", "clang-19", &arm),
    ];
    for (compiler, package, target) in compilers {
        let header = target.contains(&CLANG_FOR_ARM[0]) && !Path::new(CLANG_FOR_ARM[2]).exists();
        if header || !is_there(compiler, package) {
            continue;
        }
        for errno in ["-fmath-errno", "-fno-math-errno"] {
            for level in ["-O2", "-O3", "-Os"] {
                let common = ["-std=c99", "-ffp-contract=off", errno, level];
                let names = undefined(&program, compiler, &[&common, target].concat());
                let is_other = |name: &&String| !OF_LIBRARY.contains(&&name[..]);
                let others: Vec<_> = names.iter().filter(is_other).collect();
                assert!(
                    others.is_empty(),
                    "{compiler} {target:?} {errno} {level}: {others:?}"
                );
            }
        }
    }
}

/// Predicts inside the box, for every emulator, and fails if a call with an ok status raises other
/// flags than those of rounding.
const FLAGS_PROGRAM: &str = r#"
#include "emulators.h"
#include <fenv.h>
#include <stdio.h>

#define DEFINE_RUN(name, NAME, number)                                                             \
    static int run_##name(void)                                                                    \
    {                                                                                              \
        static name##_workspace workspace;                                                         \
        static const float low[] = NAME##_INPUT_LOW, high[] = NAME##_INPUT_HIGH;                   \
        static float x[NAME##_INPUTS], mean[NAME##_OUTPUTS], std[NAME##_OUTPUTS];                  \
        int row, k, flags = 0;                                                                     \
        for (row = 0; row < 50; row++) {                                                           \
            for (k = 0; k < NAME##_INPUTS; k++) {                                                  \
                x[k] = low[k] + (high[k] - low[k]) * (float)((row * 7 + k * 3) % 10 + 1) / 11.0f;  \
            }                                                                                      \
            feclearexcept(FE_ALL_EXCEPT);                                                          \
            if (name##_predict(&workspace, x, mean, std, NULL) == NAME##_OK) {                     \
                flags |= fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);                    \
            }                                                                                      \
        }                                                                                          \
        if (flags != 0) {                                                                          \
            fprintf(stderr, "emulator %d raises %x\n", number, (unsigned)flags);                   \
        }                                                                                          \
        return flags;                                                                              \
    }

EACH_EMULATOR(DEFINE_RUN)

#define RUN(name, NAME, number) failed |= run_##name() != 0;

int main(void)
{
    int failed = 0;
    EACH_EMULATOR(RUN)
    return failed;
}
"#;

#[test]
fn inside_the_box_a_call_raises_no_flag_but_those_of_rounding() {
    let program = CProgram::write(&folder("flags"), same_each_time(), FLAGS_PROGRAM, 1);
    for compiler in COMPILERS {
        if is_there(compiler, compiler) {
            let flags = ["-std=c99", "-O2", "-ffp-contract=off", "-fno-math-errno"];
            let linked = program.linked(compiler, &flags, &program.sources(), &["-lm".into()]);
            succeeds(Command::new(linked).current_dir(program.folder()));
        }
    }
}
