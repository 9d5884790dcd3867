//! The firmware example, examples/firmware: it prints the text beside it, computes the
//! workstation's bits, detects every flipped bit, loads other weights at run time, and links only
//! without a panic.

use dense_codegen::emulator::Emulator;
use dense_codegen::interpreter::{Order, interpret_f32};
use dense_codegen::rust::{FreezeOptions, freeze, golden_inputs, image};
use dense_tests::c::is_there;
use dense_tests::networks::{Network, thomson};
use dense_tests::retrained::retrained;
use dense_tests::{repository, skip::skipped};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The exit code of `run` if a tool is missing, which its standard error names.
const TOOL_MISSING: i32 = 77;

/// Copies the example, so that its builds do not touch the repository; earlier builds are reused.
fn copy() -> PathBuf {
    let source = repository().join("examples/firmware");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("firmware-example");
    fs::create_dir_all(folder.join("src")).expect("the folder can be made");
    for file in ["Cargo.toml", "Cargo.lock", "memory.x", "run"] {
        fs::copy(source.join(file), folder.join(file)).expect("the example can be copied");
    }
    for entry in fs::read_dir(source.join("src")).expect("the example has sources") {
        let path = entry.expect("readable").path();
        let name = path.file_name().expect("a file has a name");
        fs::copy(&path, folder.join("src").join(name)).expect("the example can be copied");
    }
    folder
}

fn freeze_to(emulator: &Emulator, folder: &Path) {
    let options = FreezeOptions {
        crate_name: "emulator".into(),
        section: Some(".emulator_weights".into()),
        ..FreezeOptions::default()
    };
    freeze(emulator, &folder.join("emulator"), &options).expect("the emulator can be frozen");
}

fn run(folder: &Path, board: &str, program: &str, features: &str) -> Output {
    Command::new(folder.join("run"))
        .args([board, program])
        .env("FEATURES", features)
        .output()
        .expect("the script starts")
}

/// The output of a program, which must succeed.
fn printed(folder: &Path, board: &str, program: &str) -> String {
    let output = run(folder, board, program, "");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{board} {program}:\n{text}{said}");
    text
}

/// The symbols of the program built last, by whichever compiler exists.
fn symbols(folder: &Path, program: &str) -> String {
    let built = ["rustup", "debian"].map(|toolchain| {
        let target = folder.join("target").join(toolchain);
        target.join("thumbv7em-none-eabihf/release").join(program)
    });
    let built = built.iter().find(|path| path.exists());
    let output = Command::new("arm-none-eabi-nm")
        .arg("--demangle")
        .arg(built.expect("the program was built"))
        .output()
        .expect("nm starts");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The lines that name a panic, formatting or an allocator.
fn foreign(symbols: &str) -> Vec<&str> {
    const FOREIGN: [&str; 5] = [
        "core::panicking",
        "core::fmt",
        "flt2dec",
        "__rust_alloc",
        "malloc",
    ];
    let is_foreign = |line: &&str| FOREIGN.iter().any(|name| line.contains(name));
    symbols.lines().filter(is_foreign).collect()
}

#[test]
fn formatting_an_allocator_and_a_panic_are_noticed_in_a_list_of_symbols() {
    let symbols = "\
        000004d1 t core::panicking::panic_fmt\n\
        00000410 T main\n\
        00000912 t core::fmt::float::float_to_decimal_common_exact\n\
        00000c00 t <emulator::Weights as dense_runtime::predict::Predict<5, 250>>::predict\n\
        00000d00 T __rust_alloc\n";
    assert_eq!(foreign(symbols).len(), 3);
}

/// The output of `swap` with this file as the image.
fn swapped(folder: &Path, image: &str) -> String {
    let output = Command::new(folder.join("run"))
        .args(["m4", "swap"])
        .env("IMAGE", folder.join(image))
        .output()
        .expect("the script starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The output of examples/firmware/src/swap.rs for a set of constants, with those of `built_in`
/// compiled in.
fn results(set: &Emulator, built_in: &Emulator) -> u32 {
    let mut state = 1;
    let drawn = (0..20).map(|_| random(built_in, &mut state));
    let rows = golden_inputs(built_in).into_iter().chain(drawn);
    rows.fold(0x811C_9DC5, |hash, x| {
        let prediction = interpret_f32(set, &x, Order::Fused);
        hashed(hashed(hash, &prediction.mean), &prediction.std)
    })
}

/// The lines without their counts of instructions, and the counts.
fn without_counts(text: &str) -> (Vec<&str>, Vec<u32>) {
    let split = |line| match str::split_once(line, "; instructions ") {
        Some((line, count)) => (line, count.parse().ok()),
        None => (line, None),
    };
    let (lines, counts): (Vec<_>, Vec<_>) = text.lines().map(split).unzip();
    (lines, counts.into_iter().flatten().collect())
}

#[test]
fn the_example_runs_as_it_is_written_and_computes_the_workstation_s_bits() {
    let folder = copy();
    let emulator = thomson();
    freeze_to(&emulator, &folder);
    let first = run(&folder, "m4", "control", "");
    if first.status.code() == Some(TOOL_MISSING) {
        return skipped(String::from_utf8_lossy(&first.stderr).trim());
    }

    let expected = fs::read_to_string(repository().join("examples/firmware/expected.txt"))
        .expect("the expected output is beside the example");
    let (expected_lines, expected_counts) = without_counts(&expected);
    for board in ["m4", "m7"] {
        let text = printed(&folder, board, "control");
        let (lines, counts) = without_counts(&text);
        assert_eq!(lines, expected_lines, "{board}");
        // A tick of the timer is 40 instructions; compilers differ by more.
        let (least, most) = (counts.iter().min(), counts.iter().max());
        let (Some(&least), Some(&most)) = (least, most) else {
            panic!("no counts:\n{text}");
        };
        assert!(most - least <= 40, "{least} to {most} instructions");
        let ratio = f64::from(most) / f64::from(expected_counts[0]);
        assert!((0.8..1.2).contains(&ratio), "{most} instructions");
    }

    if is_there("arm-none-eabi-nm", "binutils-arm-none-eabi") {
        assert_eq!(foreign(&symbols(&folder, "control")), Vec::<&str>::new());
    }

    let text = printed(&folder, "m4", "bits");
    let mut lines = text.lines();
    let mut state = 1;
    let golden = golden_inputs(&emulator);
    for row in 0.. {
        let Some(line) = lines.next() else {
            assert_eq!(row, golden.len() + 200, "rows that were printed");
            break;
        };
        let x = match golden.get(row) {
            Some(x) => x.clone(),
            None => random(&emulator, &mut state),
        };
        let prediction = interpret_f32(&emulator, &x, Order::Fused);
        let [x, mean, std] = [&x, &prediction.mean, &prediction.std].map(|values| hash(values));
        let ok = if prediction.status.is_ok() {
            "ok"
        } else {
            "not ok"
        };
        assert_eq!(line, format!("row {row} {x:08x} {mean:08x} {std:08x} {ok}"));
    }

    let text = printed(&folder, "m4", "damage");
    assert!(text.starts_with("40 of 40 flipped bits"), "{text}");

    let other = retrained(&emulator, 9);
    fs::write(folder.join("other.bin"), image(&other)).expect("the image can be written");
    for (file, swapped_in) in [("other.bin", &other), ("emulator/weights.bin", &emulator)] {
        let text = swapped(&folder, file);
        let [built_in, new] = [&emulator, swapped_in].map(|set| results(set, &emulator));
        let expected = format!(
            "built in: self-test passed, results {built_in:08x}\n42 of 42 damaged images refused\n\
             swapped in: self-test passed, results {new:08x}\nback: self-test passed, results {built_in:08x}\n"
        );
        assert_eq!(text, expected, "{file}");
    }

    let planted = run(&folder, "m4", "control", "planted");
    let said = String::from_utf8_lossy(&planted.stderr);
    assert!(!planted.status.success(), "the planted panic was linked");
    assert!(
        said.contains("a_panic_can_be_reached"),
        "the build failed for another reason:\n{said}"
    );

    // Every bit of a small emulator.
    freeze_to(&Network::Tiny.emulator(), &folder);
    let text = printed(&folder, "m4", "damage");
    let seen: Vec<_> = text.split(' ').take(3).collect();
    assert!(seen[0] == seen[2] && seen[0] != "40", "{text}");
}

/// `random` of examples/firmware/src/bits.rs.
fn random(emulator: &Emulator, state: &mut u32) -> Vec<f32> {
    let domain = emulator.domain();
    let at = |range: &dense_codegen::domain::Range| {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let fraction = (*state >> 8) as f32 / (1 << 24) as f32;
        range.low + (range.high - range.low) * (fraction * 1.125 - 0.0625)
    };
    domain.iter().map(at).collect()
}

fn hash(values: &[f32]) -> u32 {
    hashed(0x811C_9DC5, values)
}

fn hashed(hash: u32, values: &[f32]) -> u32 {
    let words = values
        .iter()
        .flat_map(|value| value.to_bits().to_le_bytes());
    words.fold(hash, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}
