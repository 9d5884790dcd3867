//! Frozen code, as it is emitted, gives the bits of the f32 interpreter in both orders.
//!
//! The modules of all cases become one crate, beside the runtime's sources that a frozen crate carries; `frozen/program.rs`
//! runs them on the rows of the cases.

use dense_codegen::interpreter::Order;
use dense_codegen::rust::{FreezeOptions, freeze};
use dense_runtime::status::Status;
use dense_tests::cases::{CASES, Case};
use dense_tests::modules::{write, write_modules};
use std::fs;
use std::path::Path;
use std::process::Command;

const MANIFEST: &str = r#"
[package]
name = "frozen-cases"
version = "0.0.0"
edition = "2024"

[workspace]

[features]
no-fma = ["dense-runtime/no-fma"]

[dependencies]
dense-runtime = { path = "first/dense-runtime", features = ["std"] }

# The calls of 100 emulators, at the level that compiles fastest; the kernels that they call as they are shipped.
[profile.release]
opt-level = 1

[profile.release.package.dense-runtime]
opt-level = 3
"#;

#[test]
fn frozen_code_equals_the_f32_interpreter_bit_for_bit_in_both_orders() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("frozen");
    write_crate(&folder);
    for (order, features) in [(Order::Fused, ""), (Order::Separate, "no-fma")] {
        run(&folder, features);
        for case in CASES.iter() {
            let got = Results::read(&folder, case);
            case.assert_same_bits(&case.interpreted(order), &got.mean, &got.std, &got.status);
        }
    }
}

/// Writes the crate and the rows; an older one is written over, so that its builds are used again.
fn write_crate(folder: &Path) {
    let options = FreezeOptions {
        crate_name: "first".into(),
        ..FreezeOptions::default()
    };
    fs::create_dir_all(folder).expect("a folder in the target folder");
    freeze(&CASES[0].emulator, &folder.join("first"), &options).expect("the first case is frozen");

    let modules = write_modules(folder, CASES.iter());
    let call = |Case { number, .. }: &Case| {
        format!("    crate::run(&e{number}::model::Emulator, {number})?;\n")
    };
    let calls: String = CASES.iter().map(call).collect();
    let emulators =
        format!("{modules}\npub fn run_all() -> std::io::Result<()> {{\n{calls}    Ok(())\n}}\n");
    write(&folder.join("src/emulators.rs"), emulators);
    for Case { number, rows, .. } in CASES.iter() {
        let bytes: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
        write(&folder.join(format!("{number}.rows")), bytes);
    }
    write(
        &folder.join("src/main.rs"),
        include_str!("frozen/program.rs"),
    );
    write(&folder.join("Cargo.toml"), MANIFEST);
}

/// Builds the crate without a network and runs it.
fn run(folder: &Path, features: &str) {
    let output = Command::new(env!("CARGO"))
        .args([
            "run",
            "--quiet",
            "--release",
            "--offline",
            "--features",
            features,
        ])
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env_remove("RUSTFLAGS")
        .current_dir(folder)
        .output()
        .expect("cargo starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "frozen cases, features {features:?}:\n{said}"
    );
}

/// What the program wrote for one case.
#[derive(Default)]
struct Results {
    mean: Vec<f32>,
    std: Vec<f32>,
    status: Vec<Status>,
}

impl Results {
    /// Reads and removes the file, so that none of an earlier run is taken for this one's.
    fn read(folder: &Path, case: &Case) -> Self {
        let path = folder.join(format!("{}.out", case.number));
        let bytes = fs::read(&path).expect("the program wrote its results");
        fs::remove_file(&path).expect("the results can be removed");
        let (words, _) = bytes.as_chunks::<4>();
        let outputs = case.emulator.output_count();
        let mut results = Self::default();
        for row in words.chunks(STATUS_WORDS + 2 * outputs) {
            let (status, values) = row.split_at(STATUS_WORDS);
            let (mean, std) = values.split_at(outputs);
            results.status.push(read_status(status));
            results
                .mean
                .extend(mean.iter().map(|&word| f32::from_le_bytes(word)));
            results
                .std
                .extend(std.iter().map(|&word| f32::from_le_bytes(word)));
        }
        results
    }
}

/// Words of 4 bytes in a status as `frozen/program.rs` writes it.
const STATUS_WORDS: usize = 8;

fn read_status(words: &[[u8; 4]]) -> Status {
    let word = |index: usize| u32::from_le_bytes(words[index]);
    let long = |index: usize| u64::from(word(index)) | u64::from(word(index + 1)) << 32;
    Status {
        non_finite: long(0),
        outside: long(2),
        worst: word(4) as u8,
        excess: f32::from_bits(word(5)),
        far: word(6) != 0,
        overflow: word(7) != 0,
    }
}
