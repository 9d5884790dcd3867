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
    let program = CProgram::write(&folder, cases.clone(), PROGRAM, ROWS);
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
