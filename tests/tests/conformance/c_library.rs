//! The static libraries of two emulators and their C99 files, in one program of C and one of C++, give the interpreter's bits;
//! and those of other numbers that are swapped in.

use dense_codegen::c::freeze;
use dense_codegen::interpreter::Order;
use dense_codegen::rust::image;
use dense_tests::c::{CProgram, is_there, prefix, succeeds};
use dense_tests::cases::{EVERY_OPERATION, ROWS};
use dense_tests::modules::write;
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
        freeze(&case.emulator, &frozen, &prefix(case)).expect("the emulator is frozen");
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

/// `build` for one target and set of features after another: what lies beside it is what was asked for last.
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
    freeze(&case.emulator, &frozen, &prefix(case)).expect("the emulator is frozen");
    let version = Command::new("rustc").arg("-vV").output();
    let version = version.expect("rustc starts").stdout;
    let version = String::from_utf8(version).expect("rustc prints text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    let host = host.expect("rustc names its host");
    let separate: &[&str] = &["--target", host, "--features", "no-fma"];
    for (arguments, order) in [
        (separate, Order::Separate),
        (&[], Order::Fused),
        (separate, Order::Separate),
    ] {
        succeeds(
            Command::new("sh")
                .arg(frozen.join("library/build"))
                .args(arguments)
                .env("CARGO", env!("CARGO"))
                .env_remove("RUSTFLAGS"),
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

/// The archive calls memcpy and the like alone: no allocator, no file, nothing of Rust's standard library.
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
