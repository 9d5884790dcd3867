//! The work of a call is the same for every input: Valgrind counts its instructions, for ordinary,
//! subnormal, huge and missing values.
//!
//! The counts are kept in `instruction_counts.toml` beside this folder, so that no increase goes
//! unnoticed. Valgrind does not support AVX-512, so the program is built for x86-64-v3. Counts are
//! not times, but they do not vary between runs either.

use crate::frozen_program::{EMULATORS, PROGRAM, X86_64_V3};
use dense_tests::program::{networks, printed};
use dense_tests::repository;
use dense_tests::skip::skipped;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// If this variable is `1`, the file of counts is written anew.
const REFRESH: &str = "DENSE_REFRESH";

/// Advice if a count differs.
const ADVICE: &str = "after a wanted change write the file anew: \
    DENSE_REFRESH=1 cargo test -p dense-tests --test conformance constant_work";

/// The tolerance for a count: the part of the linker and the C library (`memcpy`) differs a little
/// between Debian releases.
const SLACK: f64 = 0.02;

#[test]
fn a_call_executes_the_same_instructions_for_every_input_and_no_more_than_on_file() {
    if Command::new("valgrind").arg("--version").output().is_err() {
        return skipped("valgrind, install with apt-get install valgrind");
    }
    let executable = PROGRAM.built(X86_64_V3);
    let counted = |which: &str| counted(&executable, which);

    let planted = counted("planted").expect("Valgrind knows its instructions");
    assert!(
        uneven(&planted).is_some(),
        "work that depends on the inputs is not noticed: {planted:?}"
    );

    let counts: Vec<_> = EMULATORS
        .par_iter()
        .map(|(name, _)| (name, counted(name)))
        .collect();
    let largest: BTreeMap<String, u64> = networks()
        .into_iter()
        .map(|(name, _)| {
            let calls = counts.iter().find(|(other, _)| **other == name);
            let calls = calls.and_then(|(_, calls)| calls.as_ref());
            let largest = calls.and_then(|calls| calls.values().flatten().map(|call| call.1).max());
            (name, largest.expect("each network is counted"))
        })
        .collect();
    compare(&largest);

    let unknown = counts.iter().filter(|(_, calls)| calls.is_none()).count();
    assert!(
        unknown <= 2,
        "Valgrind does not know the instructions of {unknown} emulators"
    );
    let kernels = counted("kernels").expect("Valgrind knows their instructions");
    assert_eq!(kernels.len(), 63, "seven kernels, each on 1 to 9 values");
    let emulators = counts.iter().filter_map(|(_, calls)| calls.as_ref());
    let uneven: String = emulators.chain([&kernels]).filter_map(uneven).collect();
    assert!(
        uneven.is_empty(),
        "the work depends on the inputs:\n{uneven}"
    );
}

/// The kind of inputs of a call, and its instructions.
type Call = (String, u64);

/// Runs the program in Valgrind: the calls of what has this name, in turn. None if Valgrind does
/// not know some instruction, as happens with one of many random emulators.
fn counted(executable: &Path, which: &str) -> Option<BTreeMap<String, Vec<Call>>> {
    const ILLEGAL_INSTRUCTION: i32 = 4;
    let outputs = tempfile::tempdir().expect("a temporary folder");
    // Instructions are counted inside the functions of this name; the program writes a file for
    // each call, `counts.1` and on.
    let mut command = Command::new("valgrind");
    command
        .args(["--tool=callgrind", "--quiet", "--toggle-collect=measured_*"])
        .arg(format!(
            "--callgrind-out-file={}",
            outputs.path().join("counts").display()
        ))
        .arg(executable)
        .args(["work", which]);
    let output = command.output().expect("the command starts");
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.signal() == Some(ILLEGAL_INSTRUCTION) {
        eprintln!("{which} is not counted: Valgrind does not know an instruction\n{said}");
        return None;
    }
    assert!(output.status.success(), "{command:?}: {said}");
    let report = String::from_utf8(output.stdout).expect("the program prints text");
    let mut counts = BTreeMap::<_, Vec<_>>::new();
    for (index, line) in report.lines().enumerate() {
        let (name, inputs) = line
            .split_once(' ')
            .expect("a line is a name and its inputs");
        let count = total(&outputs.path().join(format!("counts.{}", index + 1)));
        counts
            .entry(name.into())
            .or_default()
            .push((inputs.into(), count));
    }
    Some(counts)
}

/// The instructions in one of Callgrind's files.
fn total(path: &Path) -> u64 {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    total
        .and_then(|total| total.trim().parse().ok())
        .unwrap_or_else(|| panic!("{}: no total", path.display()))
}

/// The calls whose counts differ, if there are any, a line for each name.
fn uneven(counts: &BTreeMap<String, Vec<Call>>) -> Option<String> {
    let differ = |calls: &Vec<Call>| calls.iter().any(|(_, count)| *count != calls[0].1);
    let uneven = counts.iter().filter(|(_, calls)| differ(calls));
    let lines: String = uneven
        .map(|(name, calls)| format!("{name}: {calls:?}\n"))
        .collect();
    (!lines.is_empty()).then_some(lines)
}

/// Compares with the counts on file, or writes them there if requested.
fn compare(counts: &BTreeMap<String, u64>) {
    let path = file();
    let compiler = printed(Command::new(rustc()).arg("--version"));
    let compiler = compiler.trim();
    if env::var_os(REFRESH).is_some_and(|value| value == "1") {
        fs::write(&path, text(compiler, counts)).expect("the file can be written");
        return;
    }
    let on_file = fs::read_to_string(&path).unwrap_or_default();
    let compiler_on_file = value(&on_file, "compiler")
        .unwrap_or_default()
        .trim_matches('"');
    if compiler_on_file != compiler {
        return skipped(&format!(
            "the compiler of the instruction counts, {compiler_on_file:?}, where this is {compiler:?}, install with \
             rustup toolchain install VERSION; or {ADVICE}"
        ));
    }
    for (name, &count) in counts {
        if let Some(difference) = difference(name, count, &on_file) {
            panic!("{difference}; {ADVICE}");
        }
    }
}

/// The message for a count that is too far from the one on file.
fn difference(name: &str, count: u64, on_file: &str) -> Option<String> {
    let expected: Option<f64> = value(on_file, name).and_then(|value| value.parse().ok());
    let Some(expected) = expected else {
        return Some(format!("no count of {name} is on file"));
    };
    let change = count as f64 / expected - 1.0;
    if change.abs() <= SLACK {
        return None;
    }
    let (percent, sign) = (
        100.0 * change.abs(),
        if change > 0.0 {
            "more"
        } else {
            "fewer, well done,"
        },
    );
    Some(format!(
        "{name}: a call takes {count} instructions, {percent:.1} % {sign} than the {expected} on file"
    ))
}

/// The text after `key =`.
fn value<'a>(on_file: &'a str, key: &str) -> Option<&'a str> {
    let mut lines = on_file.lines();
    lines.find_map(|line| line.strip_prefix(key)?.trim().strip_prefix("= "))
}

#[test]
fn a_count_that_rises_or_falls_by_more_than_two_percent_is_named() {
    let on_file = "[instructions]\nmlp = 1000\n";
    for count in [981, 1000, 1019] {
        assert_eq!(difference("mlp", count, on_file), None);
    }
    for (name, count, part) in [
        ("mlp", 1021, "2.1 % more"),
        ("mlp", 979, "2.1 % fewer"),
        ("decoder", 1000, "no count"),
    ] {
        let said = difference(name, count, on_file).unwrap_or_default();
        assert!(said.contains(part), "{said}");
    }
}

fn file() -> PathBuf {
    repository().join("tests/instruction_counts.toml")
}

/// The compiler that cargo uses.
fn rustc() -> std::ffi::OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// The file's text.
fn text(compiler: &str, counts: &BTreeMap<String, u64>) -> String {
    let mut text = format!(
        "# Instructions of one call on x86-64-v3, counted by Valgrind; written and compared by tests/tests/conformance/constant_work.rs.\n\
         compiler = \"{compiler}\"\n\n[instructions]\n"
    );
    for (name, count) in counts {
        let _ = writeln!(text, "{name} = {count}");
    }
    text
}
