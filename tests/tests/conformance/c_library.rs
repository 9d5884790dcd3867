//! The static libraries of two emulators and their C99 files, in one program of C and one of C++,
//! give the interpreter's bits, also after other constants are swapped in. The library of a small
//! emulator adds little to a program.

use dense_codegen::c::{Prefix, freeze};
use dense_codegen::emulator::Emulator;
use dense_codegen::interpreter::Order;
use dense_codegen::rust::image;
use dense_tests::c::{CProgram, is_there, prefix, succeeds};
use dense_tests::cases::{EVERY_OPERATION, ROWS};
use dense_tests::modules::write;
use dense_tests::networks::{small, small_convolutions};
use dense_tests::skip::skipped;
use std::fs;
use std::path::Path;
use std::process::Command;

const PROGRAM: &str = include_str!("c/program.c");
const SWAP: &str = include_str!("c/swap.c");

#[test]
fn two_libraries_in_one_program_of_c_or_cpp_give_the_bits_of_the_interpreter() {
    if !["gcc", "g++"].into_iter().all(|tool| is_there(tool, tool))
        || !is_there("objcopy", "binutils")
    {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_library");
    let cases: Vec<_> = EVERY_OPERATION[..2].iter().collect();
    let program = CProgram::write(&folder, cases.clone(), PROGRAM, *ROWS);
    let mut archives = Vec::new();
    for case in cases {
        let frozen = folder.join(format!("frozen-{}", case.name()));
        freeze(&case.emulator, &frozen, &prefix(case).into()).expect("the emulator is frozen");
        let header = format!("{}.h", case.name());
        assert_eq!(
            fs::read(frozen.join(&header)).expect("a header was frozen"),
            fs::read(folder.join(&header)).expect("a header was written"),
        );
        succeeds(
            Command::new("sh")
                .arg(frozen.join("library/build"))
                .env("CARGO", env!("CARGO"))
                .env_remove("RUSTFLAGS"),
        );
        archives.push(format!("frozen-{0}/library/lib{0}.a", case.name()));
    }
    write(&folder.join("program.cpp"), PROGRAM);
    let programs = [
        ("gcc", "-std=c99", "program.c"),
        ("g++", "-std=c++11", "program.cpp"),
    ];
    for (compiler, standard, source) in programs {
        let flags = [standard, "-O2", "-DFUSED_EXPECTED=1"];
        let linked = program.linked(compiler, &flags, &[source.into()], &archives);
        succeeds(Command::new(linked).current_dir(&folder));
        program.assert_same_bits(Order::Fused);
    }

    write(&folder.join("swap.c"), SWAP);
    program.write_images(image);
    let flags = ["-std=c99", "-O2", "-DFUSED_EXPECTED=1"];
    let linked = program.linked("gcc", &flags, &["swap.c".into()], &archives);
    succeeds(Command::new(linked).current_dir(&folder));
    program.assert_swapped_bits(Order::Fused);
}

/// Few kernels, and the faster checksum.
#[cfg(target_arch = "x86_64")]
const COMPACT: &[&str] = &["--features", "compact,crc-table-256"];

/// Runs `build` for several targets and sets of features in turn: the files beside it are those of
/// the last request.
#[test]
fn the_library_that_was_asked_for_last_is_delivered() {
    if !is_there("gcc", "gcc") || !is_there("objcopy", "binutils") {
        return;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_library_in_turn");
    let case = &EVERY_OPERATION[0];
    let name = case.name();
    let program = CProgram::write(&folder, vec![case], PROGRAM, 10);
    let frozen = folder.join("frozen");
    freeze(&case.emulator, &frozen, &prefix(case).into()).expect("the emulator is frozen");
    let version = Command::new("rustc").arg("-vV").output();
    let version = version.expect("rustc starts").stdout;
    let version = String::from_utf8(version).expect("rustc prints text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.expect("rustc names its host");
    let separate: &[&str] = &["--target", host, "--features", "no-fma"];
    let mut builds: Vec<(&[&str], &str, Order)> = vec![
        (separate, "", Order::Separate),
        (&[], "", Order::Fused),
        (separate, "", Order::Separate),
    ];
    #[cfg(target_arch = "x86_64")]
    if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
        builds.push((COMPACT, "-Ctarget-cpu=x86-64-v3", Order::Fused));
    }
    for (arguments, flags, order) in builds {
        succeeds(
            Command::new("sh")
                .arg(frozen.join("library/build"))
                .args(arguments)
                .env("CARGO", env!("CARGO"))
                .env("RUSTFLAGS", flags),
        );
        assert_needs_nothing(&frozen.join(format!("library/lib{name}.a")));
        let fused = format!("-DFUSED_EXPECTED={}", u8::from(order == Order::Fused));
        let flags = ["-std=c99", "-O2", &fused];
        let archive = [format!("frozen/library/lib{name}.a")];
        let linked = program.linked("gcc", &flags, &["program.c".into()], &archive);
        succeeds(Command::new(linked).current_dir(&folder));
        program.assert_same_bits(order);
    }
}

/// The largest number of bytes that a call of an emulator with 4 KB of constants adds to a program,
/// golden vectors and code included.
const GAINED: usize = 24 << 10;

/// A program, with and without the call.
const CALLER: &str = r#"
#include "emulator.h"
static emulator_workspace workspace;
static float x[EMULATOR_INPUTS], mean[EMULATOR_OUTPUTS], std[EMULATOR_OUTPUTS];
int main(void)
{
#ifdef CALL
    return emulator_predict(&workspace, x, mean, std, NULL);
#else
    workspace.values[0] = x[0] + mean[0] + std[0];
    return 0;
#endif
}
"#;

/// The build and link options of a library for a processor.
struct Target<'a> {
    name: &'a str,
    /// The variables of `library/build`.
    variables: &'a [(&'a str, &'a str)],
    arguments: &'a [&'a str],
    compiler: &'a str,
    flags: &'a [&'a str],
}

/// Bytes that a call adds to the program's sections for code and constants, by the library and by
/// the C file.
fn gained(emulator: &Emulator, name: &str, target: &Target<'_>) -> [usize; 2] {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c_library_size");
    let frozen = folder.join(format!("{name}-{}", target.name));
    let prefix = Prefix::new("emulator").expect("a prefix");
    freeze(emulator, &frozen, &prefix.into()).expect("the emulator is frozen");
    let mut build = Command::new("sh");
    build
        .arg(frozen.join("library/build"))
        .args(target.arguments);
    build.env("CARGO", env!("CARGO")).env_remove("RUSTFLAGS");
    succeeds(build.envs(target.variables.iter().copied()));
    let archive = frozen.join("library/libemulator.a");
    assert_needs_nothing(&archive);
    write(&frozen.join("caller.c"), CALLER);
    let text = |more: &[&str]| -> usize {
        let mut link = Command::new(target.compiler);
        link.current_dir(&frozen)
            .args(["-std=c99", "-O2", "-ffp-contract=off", "-fno-math-errno"])
            .args([
                "-ffunction-sections",
                "-fdata-sections",
                "-Wl,--gc-sections",
            ])
            .args(target.flags)
            .args(["caller.c", "-o", "caller"])
            .args(more);
        succeeds(&mut link);
        let sizes = Command::new("size").arg(frozen.join("caller")).output();
        let sizes = String::from_utf8(sizes.expect("size starts").stdout).expect("text");
        let line = sizes.lines().nth(1).expect("a line of sizes");
        let text = line.split_whitespace().next().expect("a size");
        text.parse().expect("a number")
    };
    let without = text(&[]);
    [
        &["-DCALL", "library/libemulator.a"][..],
        &["-DCALL", "emulator.c"],
    ]
    .map(|files| text(files) - without)
}

/// Both emulators for a processor.
#[expect(clippy::print_stdout, reason = "the figures are what is of interest")]
fn assert_small(target: &Target<'_>) {
    for (name, emulator) in [("dense", small()), ("convolutions", small_convolutions())] {
        let [library, file] = gained(&emulator, name, target);
        println!("{}, {name}: library {library}, C file {file}", target.name);
        assert!(library <= GAINED, "{}, {name}: {library}", target.name);
        assert!(file <= GAINED, "{}, {name}: {file}", target.name);
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn a_small_emulator_adds_little_to_a_program_for_one_processor() {
    if is_there("gcc", "gcc") && is_there("objcopy", "binutils") {
        assert_small(&Target {
            name: "x86-64-v3",
            variables: &[("RUSTFLAGS", "-Ctarget-cpu=x86-64-v3")],
            arguments: &[],
            compiler: "gcc",
            flags: &["-march=x86-64-v3"],
        });
    }
}

#[test]
#[ignore = "long: compiles core for the processor"]
fn a_small_emulator_adds_little_to_a_program_for_a_cortex_m4f() {
    if !is_there(
        "arm-none-eabi-gcc",
        "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    ) {
        return;
    }
    let there = [
        "/usr/bin/cargo",
        "/usr/bin/rustc",
        "/usr/lib/rustlib/src/rust",
    ];
    if !there.iter().all(|path| Path::new(path).exists()) {
        return skipped("rustc-web cargo-web libstd-rust-web-dev rust-web-src");
    }
    assert_small(&Target {
        name: "cortex-m4",
        variables: &[
            ("CARGO", "/usr/bin/cargo"),
            ("RUSTC", "/usr/bin/rustc"),
            ("RUSTC_BOOTSTRAP", "1"),
            ("LD", "arm-none-eabi-ld"),
            ("OBJCOPY", "arm-none-eabi-objcopy"),
            ("AR", "arm-none-eabi-ar"),
        ],
        arguments: &[
            "--target",
            "thumbv7em-none-eabihf",
            "--no-default-features",
            "-Zbuild-std=core",
        ],
        compiler: "arm-none-eabi-gcc",
        flags: &[
            "-mcpu=cortex-m4",
            "-mthumb",
            "-mfloat-abi=hard",
            "-mfpu=fpv4-sp-d16",
            "--specs=nosys.specs",
        ],
    });
}

/// The archive calls only memcpy and the like: no allocator, no file, nothing of Rust's standard
/// library.
fn assert_needs_nothing(archive: &Path) {
    const OF_LIBRARY: [&str; 5] = ["memcpy", "memmove", "memset", "memcmp", "bcmp"];
    let symbols = Command::new("nm").arg("-u").arg(archive).output();
    let symbols = symbols.expect("nm starts").stdout;
    let symbols = String::from_utf8_lossy(&symbols).into_owned();
    let names = symbols
        .lines()
        .filter_map(|line| line.trim().strip_prefix("U "));
    let others: Vec<_> = names.filter(|name| !OF_LIBRARY.contains(name)).collect();
    assert_eq!(others, Vec::<&str>::new(), "{}", archive.display());
    let defined = Command::new("nm").arg("--demangle").arg(archive).output();
    let defined = defined.expect("nm starts").stdout;
    let defined = String::from_utf8_lossy(&defined).into_owned();
    let foreign = defined
        .lines()
        .find(|line| line.contains(" std::") || line.contains(" alloc::"));
    assert_eq!(foreign, None, "{}", archive.display());
}
