//! The places of the C file's constants and functions on a Cortex-M4F, and the sizes that its
//! header states, compared with those of the linker and the compiler.

use dense_codegen::c::{FreezeOptions, Prefix, emit, freeze, image};
use dense_codegen::interpreter::Order;
use dense_codegen::resources::Processor;
use dense_tests::c::{is_there, succeeds};
use dense_tests::cases::EVERY_OPERATION;
use dense_tests::modules::write;
use dense_tests::networks::small_convolutions;
use dense_tests::repository;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const COMPILER: &str = "arm-none-eabi-gcc";
const M4F: [&str; 4] = [
    "-mcpu=cortex-m4",
    "-mthumb",
    "-mfloat-abi=hard",
    "-mfpu=fpv4-sp-d16",
];
const ROUNDING: [&str; 3] = ["-std=c99", "-ffp-contract=off", "-fno-math-errno"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("c_memory")
        .join(name)
}

/// The output of a command.
fn printed(command: &mut Command) -> String {
    let output = command.output().expect("the command starts");
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).expect("it prints text")
}

/// The script of the documentation places constants and functions, and the program runs from there.
#[test]
fn numbers_and_functions_lie_where_the_documented_linker_script_puts_them() {
    let needs = "gcc-arm-none-eabi libnewlib-arm-none-eabi";
    if !is_there(COMPILER, needs) || !is_there("qemu-system-arm", "qemu-system-arm") {
        return;
    }
    let example = repository().join("examples/c/cortex-m4");
    let script = fs::read_to_string(example.join("sections.ld")).expect("the example's script");
    let documentation = fs::read_to_string(repository().join("docs/c.md"));
    let documented = format!("```ld\n{script}```\n");
    assert!(documentation.expect("docs/c.md").contains(&documented));

    let emulator = &EVERY_OPERATION[0].emulator;
    let frozen = folder("sections");
    let options = FreezeOptions {
        section: Some(".emulator_weights".into()),
        code_section: Some(".emulator_code".into()),
        ..Prefix::new("thomson").expect("a prefix").into()
    };
    freeze(emulator, &frozen, &options).expect("the emulator is frozen");
    let library = fs::read_to_string(frozen.join("library/src/weights.rs"));
    assert!(
        library
            .expect("the library's numbers")
            .contains("link_section = \".emulator_weights\"")
    );
    let at = |file: &str| example.join(file).display().to_string();
    let program = frozen.join("firmware.elf");
    succeeds(
        Command::new(COMPILER)
            .current_dir(&frozen)
            .args(M4F)
            .args(ROUNDING)
            .args(["-O2", "-Wall", "-Wextra", "-Werror", "--specs=rdimon.specs"])
            .args([
                "-Wl,--gc-sections",
                "-I.",
                "-T",
                &at("memory.ld"),
                "-T",
                &at("sections.ld"),
            ])
            .args([&at("startup.c"), &at("main.c"), "thomson.c", "-o"])
            .arg(&program),
    );
    let symbols = printed(Command::new("arm-none-eabi-nm").arg(&program));
    let address = |name: &str| {
        let line = symbols
            .lines()
            .find(|line| line.ends_with(&format!(" {name}")));
        let address = line.and_then(|line| line.split(' ').next());
        let address = address.unwrap_or_else(|| panic!("{name} is not there"));
        usize::from_str_radix(address, 16).expect("a hexadecimal address")
    };
    let (start, end) = (
        address("emulator_weights_start"),
        address("emulator_weights_end"),
    );
    assert_eq!(start, 0x2100_0000);
    assert_eq!(end - start, image(emulator, Order::Fused).len());
    assert!((start..end).contains(&address("THOMSON_BUILT_IN")));
    for line in symbols.lines().filter(|line| line.contains(" thomson_")) {
        let (address, kind) = line.split_at(8);
        if kind.starts_with(" t") || kind.starts_with(" T") {
            let address = usize::from_str_radix(address, 16).expect("an address");
            assert!((0x21F0_0000..0x21F1_0000).contains(&address), "{line}");
        }
    }
    let run = printed(
        Command::new("timeout")
            .args([
                "120",
                "qemu-system-arm",
                "-cpu",
                "cortex-m4",
                "-machine",
                "mps2-an386",
            ])
            .args(["-nographic", "-icount", "shift=0"])
            .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
            .arg(&program),
    );
    assert!(
        run.contains("self-test passed, multiply-adds fused"),
        "{run}"
    );
}

/// The first integer after a word in the header's first comment.
fn stated(header: &str, line: &str, before: &str) -> usize {
    let line = header
        .lines()
        .find(|text| text.starts_with(line))
        .unwrap_or_else(|| panic!("no line {line:?} in\n{header}"));
    let (text, _) = line
        .split_once(before)
        .unwrap_or_else(|| panic!("no {before:?} in {line:?}"));
    let number = text.rsplit(' ').next().expect("a word");
    number
        .parse()
        .unwrap_or_else(|_| panic!("{line:?} {before:?}"))
}

/// The deepest stack from a function on, by frames (`-fstack-usage`) and branches (in the
/// disassembly).
fn deepest(
    function: &str,
    frames: &BTreeMap<String, usize>,
    calls: &BTreeMap<String, Vec<String>>,
) -> usize {
    let callees = calls.get(function).into_iter().flatten();
    let below = callees.map(|callee| deepest(callee, frames, calls)).max();
    frames.get(function).copied().unwrap_or(0) + below.unwrap_or(0)
}

#[test]
fn the_header_states_what_compiler_and_linker_say() {
    if !is_there(COMPILER, "gcc-arm-none-eabi libnewlib-arm-none-eabi") {
        return;
    }
    for (name, emulator) in [
        ("every", &EVERY_OPERATION[0].emulator),
        ("convolutions", &small_convolutions()),
    ] {
        let folder = folder(name);
        let options = FreezeOptions {
            processor: Some("thumbv7em-none-eabihf".parse().expect("a Cortex-M4F")),
            ..Prefix::new("emulator").expect("a prefix").into()
        };
        assert_eq!(options.processor, Some(Processor::CortexM4));
        let files = emit(emulator, &options);
        for (path, text) in &files {
            write(&folder.join(path), text);
        }
        let (_, header) = &files[0];
        succeeds(
            Command::new(COMPILER)
                .current_dir(&folder)
                .args(M4F)
                .args(ROUNDING)
                .args([
                    "-O2",
                    "-fstack-usage",
                    "-c",
                    "emulator.c",
                    "-o",
                    "emulator.o",
                ]),
        );
        let object = folder.join("emulator.o");
        let sections = printed(Command::new("arm-none-eabi-size").arg("-A").arg(&object));
        let size = |section: &str| -> usize {
            let line = sections
                .lines()
                .find(|line| line.split_whitespace().next() == Some(section));
            let size = line.and_then(|line| line.split_whitespace().nth(1));
            size.map_or(0, |size| size.parse().expect("a size"))
        };
        assert_eq!(
            stated(header, " *   code ", " bytes"),
            size(".text"),
            "{name}"
        );
        let constants =
            stated(header, " *   flash ", " bytes") + stated(header, " *   flash ", " of tables");
        let linked = size(".rodata") + size(".rodata.cst4") + size(".rodata.str1.1");
        assert!(
            (constants..constants + 64).contains(&linked),
            "{name}: {constants} bytes are stated, {linked} are there"
        );
        assert_eq!(size(".data") + size(".bss"), 0, "{name}");

        let frames = fs::read_to_string(folder.join("emulator.su")).expect("frames");
        let frames: BTreeMap<_, _> = frames
            .lines()
            .map(|line| {
                let mut words = line.split('\t');
                let place = words.next().and_then(|place| place.rsplit(':').next());
                let bytes = words.next().and_then(|bytes| bytes.parse().ok());
                (place.expect("a name").to_owned(), bytes.expect("a frame"))
            })
            .collect();
        let mut calls = BTreeMap::<String, Vec<String>>::new();
        let mut function = String::new();
        for line in printed(
            Command::new("arm-none-eabi-objdump")
                .arg("-d")
                .arg("-r")
                .arg(&object),
        )
        .lines()
        {
            let named = || {
                Some(
                    line.rsplit_once('<')?
                        .1
                        .split(['>', '+'])
                        .next()?
                        .to_owned(),
                )
            };
            let branches = ["\tbl\t", "\tb.w\t", "\tb.n\t", "\tbeq", "\tbne"];
            if line.ends_with(">:") {
                function = named().expect("a function");
            } else if let Some((_, callee)) = line.split_once("R_ARM_THM_") {
                let callee = callee.split('\t').nth(1).expect("a symbol");
                calls
                    .entry(function.clone())
                    .or_default()
                    .push(callee.to_owned());
            } else if branches.iter().any(|branch| line.contains(branch))
                && let Some(callee) = named().filter(|callee| *callee != function)
            {
                calls.entry(function.clone()).or_default().push(callee);
            }
        }
        for (what, function) in [
            (" bytes of a call", "predict"),
            (" of the self-test", "self_test"),
        ] {
            let deepest = deepest(&format!("emulator_{function}"), &frames, &calls);
            assert_eq!(
                stated(header, " *   stack ", what),
                deepest,
                "{name}, {function}: {frames:?} {calls:?}"
            );
            assert!(deepest > 100, "{name}: {deepest}");
        }
    }
}

#[test]
fn names_that_are_no_sections_for_numbers_or_code_are_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("frozen");
    let prefix = || FreezeOptions::from(Prefix::new("emulator").expect("a prefix"));
    let named = |name: &str| Some(name.to_owned());
    for (section, code_section, problem) in [
        (named("weights"), None, "cannot name a section"),
        (named(".a\"b"), None, "cannot name a section"),
        (None, named(".two words"), "cannot name a section"),
        (named(".bss"), None, "memory without contents"),
        (named(".noinit.weights"), None, "memory without contents"),
        (named(".text.weights"), None, "for code"),
        (None, named(".rodata"), "for data"),
        (None, named(".bss.code"), "memory without contents"),
    ] {
        let options = FreezeOptions {
            section,
            code_section,
            ..prefix()
        };
        let refused = freeze(&small_convolutions(), &out, &options).expect_err("a name is refused");
        assert!(refused.to_string().contains(problem), "{refused}");
        assert!(!out.exists());
    }
    let options = FreezeOptions {
        section: named(".rodata.emulator"),
        code_section: named(".text.fast"),
        ..prefix()
    };
    freeze(&small_convolutions(), &out, &options).expect("names of the usual kind are fine");
}
