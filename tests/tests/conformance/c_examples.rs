//! `examples/c/run` as a user runs it; what the firmware computes in its control loop are the interpreter's bits, with the same
//! number of instructions for every frame.

use dense_codegen::c::{Prefix, freeze};
use dense_codegen::emulator::Emulator;
use dense_codegen::file;
use dense_codegen::interpreter::{Order, interpret_f32};
use dense_tests::cases::EVERY_OPERATION;
use dense_tests::networks::Network;
use dense_tests::repository;
use dense_tests::skip::skipped;
use dense_tests::tier::is_long;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The exit code of the script where a tool is missing, which its standard error names.
const TOOL_MISSING: i32 = 77;

/// Frames of the firmware's control loop.
const FRAMES: usize = 200;

/// Instructions of one multiply-accumulate on the Cortex-M4F, all of the call divided by its products, at most: what Debian's
/// gcc 12.2 gives at -O3, and a tenth.
const INSTRUCTIONS_PER_MAC: [(Network, f64); 2] = [(Network::Decoder, 3.0), (Network::Mlp, 3.0)];

#[test]
fn the_examples_run_and_the_firmware_has_the_bits_of_the_interpreter() {
    let emulator = &EVERY_OPERATION[0].emulator;
    let Some(printed) = run(emulator, "every_operation", &[]) else {
        return;
    };
    assert_eq!(printed.matches("self-test passed").count(), 3, "{printed}");
    assert_firmware(emulator, &printed);
}

#[test]
fn the_firmware_takes_few_instructions_a_product() {
    for (network, at_most) in INSTRUCTIONS_PER_MAC {
        let emulator = network.emulator();
        let Some(printed) = run(&emulator, network.name(), &["cortex-m4"]) else {
            return;
        };
        let most = assert_firmware(&emulator, &printed);
        let each = f64::from(most) / emulator.macs() as f64;
        println!(
            "{}: {most} instructions, {each:.3} a product",
            network.name()
        );
        assert!(each <= at_most, "{}: {each}", network.name());
    }
}

/// What `examples/c/run` prints for an emulator; nothing where a tool is missing.
fn run(emulator: &Emulator, name: &str, parts: &[&str]) -> Option<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("c_examples")
        .join(name);
    fs::create_dir_all(&folder).expect("a folder in the target folder");
    // The command that freezes has tests of its own, and takes minutes to build here.
    let (variable, path) = if is_long() {
        let path = folder.join("emulator.safetensors");
        file::save(emulator, &path).expect("the emulator is saved");
        ("EMULATOR", path)
    } else {
        let path = folder.join("frozen");
        let prefix = Prefix::new("thomson").expect("the example's prefix");
        freeze(emulator, &path, &prefix.into()).expect("the emulator is frozen");
        ("FROZEN", path)
    };
    let output = Command::new(repository().join("examples/c/run"))
        .args(parts)
        .env("BUILD", folder.join("build"))
        .env(variable, &path)
        .output()
        .expect("the script starts");
    let (printed, log) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    if output.status.code() == Some(TOOL_MISSING) {
        skipped(log.lines().last().unwrap_or_default());
        return None;
    }
    assert!(output.status.success(), "{}\n{printed}{log}", output.status);
    Some(printed.into())
}

/// The firmware's results are the interpreter's, and every frame took the same instructions, whose number is returned.
fn assert_firmware(emulator: &Emulator, printed: &str) -> u32 {
    let hash = format!("results {:08x}", firmware_hash(emulator));
    assert!(printed.contains(&hash), "{hash}\n{printed}");
    let [fewest, most] = instructions(printed).unwrap_or_else(|| panic!("{printed}"));
    assert!(
        most - fewest <= 40,
        "more than one step of the clock: {printed}"
    );
    most
}

/// The two numbers of "instructions of a call: A to B, ...".
fn instructions(printed: &str) -> Option<[u32; 2]> {
    let (_, line) = printed.split_once("instructions of a call: ")?;
    let (fewest, rest) = line.split_once(" to ")?;
    let (most, _) = rest.split_once(',')?;
    Some([fewest.parse().ok()?, most.parse().ok()?])
}

/// What `cortex-m4/main.c` has to print: FNV-1a over means and standard deviations of all frames.
fn firmware_hash(emulator: &Emulator) -> u32 {
    let domain = emulator.domain();
    let mut state = 1_u64;
    let mut uniform = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 16_777_216.0
    };
    let mut hash = 0x811C_9DC5_u32;
    for frame in 0..FRAMES {
        let inside = domain
            .iter()
            .map(|range| range.low + uniform() * (range.high - range.low));
        let mut x: Vec<_> = inside.collect();
        if frame % 10 == 9 {
            x[0] = domain[0].high + 0.25 * (domain[0].high - domain[0].low);
        }
        if frame % 25 == 24 {
            x[domain.len() - 1] = f32::NAN;
        }
        let prediction = interpret_f32(emulator, &x, Order::Fused);
        for value in prediction.mean.iter().chain(&prediction.std) {
            for byte in value.to_bits().to_le_bytes() {
                hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
            }
        }
    }
    hash
}
