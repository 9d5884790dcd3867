//! `examples/c/run` as a user runs it. The firmware computes the interpreter's bits in its control
//! loop, with the same number of instructions for every frame.

use dense_codegen::c::{Prefix, freeze};
use dense_codegen::emulator::Emulator;
use dense_codegen::file;
use dense_codegen::interpreter::{Order, interpret_f32};
use dense_tests::c::{is_there, succeeds};
use dense_tests::cases::EVERY_OPERATION;
use dense_tests::networks::Network;
use dense_tests::repository;
use dense_tests::skip::skipped;
use dense_tests::tier::is_long;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The exit code of the script if a tool is missing, which its standard error names.
const TOOL_MISSING: i32 = 77;

/// Frames of the firmware's control loop.
const FRAMES: usize = 200;

/// The largest number of instructions for a multiply-accumulate on the Cortex-M4F, all of the call
/// divided by its products: those of Debian's gcc 12.2 at -O3, plus a tenth.
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

/// The largest ratio of clang's instructions to gcc's.
const CLANG_FOR_GCC: f64 = 1.2;

/// Tests clang with and without `-fno-math-errno`, for a target that names no C library.
#[test]
fn clang_takes_few_more_instructions_than_gcc_and_as_many_for_every_frame() {
    const M4F: [&str; 4] = [
        "-mcpu=cortex-m4",
        "-mthumb",
        "-mfloat-abi=hard",
        "-mfpu=fpv4-sp-d16",
    ];
    const FILE: [&str; 6] = [
        "-std=c99",
        "-O3",
        "-ffp-contract=off",
        "-ffunction-sections",
        "-fdata-sections",
        "-c",
    ];
    let gcc = "arm-none-eabi-gcc";
    if !is_there(gcc, "gcc-arm-none-eabi libnewlib-arm-none-eabi")
        || !is_there("qemu-system-arm", "qemu-system-arm")
    {
        return;
    }
    let example = repository().join("examples/c/cortex-m4");
    for network in [Network::Decoder, Network::Mlp] {
        let emulator = network.emulator();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join("c_clang")
            .join(network.name());
        let prefix = Prefix::new("thomson").expect("the example's prefix");
        freeze(&emulator, &folder, &prefix.into()).expect("the emulator is frozen");
        let count = |compiler: &str, flags: &[&str]| {
            succeeds(
                Command::new(compiler)
                    .current_dir(&folder)
                    .args(M4F)
                    .args(FILE)
                    .args(flags)
                    .args(["thomson.c", "-o", "thomson.o"]),
            );
            let at = |file: &str| example.join(file).display().to_string();
            succeeds(
                Command::new(gcc)
                    .current_dir(&folder)
                    .args(M4F)
                    .args([
                        "-O3",
                        "-std=c99",
                        "--specs=rdimon.specs",
                        "-Wl,--gc-sections",
                    ])
                    .args([
                        "-I.",
                        "-T",
                        &at("memory.ld"),
                        &at("startup.c"),
                        &at("main.c"),
                    ])
                    .args(["thomson.o", "-o", "firmware.elf"]),
            );
            let run = Command::new("timeout")
                .args(["120", "qemu-system-arm", "-cpu", "cortex-m4"])
                .args(["-machine", "mps2-an386", "-nographic", "-icount", "shift=0"])
                .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
                .arg(folder.join("firmware.elf"))
                .output()
                .expect("timeout starts");
            let printed = String::from_utf8_lossy(&run.stdout).into_owned();
            f64::from(assert_firmware(&emulator, &printed))
        };
        let by_gcc = count(gcc, &["-fno-math-errno"]);
        for clang in ["clang", "clang-19"] {
            if !is_there(clang, clang) {
                continue;
            }
            for errno in ["-fmath-errno", "-fno-math-errno"] {
                let target = [
                    "--target=arm-none-eabi",
                    "-isystem",
                    "/usr/lib/arm-none-eabi/include",
                ];
                let times = count(clang, &[&target[..], &[errno]].concat()) / by_gcc;
                println!(
                    "{}, {clang} {errno}: {times:.3} times gcc's",
                    network.name()
                );
                assert!(
                    times <= CLANG_FOR_GCC,
                    "{}, {clang} {errno}: {times}",
                    network.name()
                );
            }
        }
    }
}

/// The output of `examples/c/run` for an emulator; `None` if a tool is missing.
fn run(emulator: &Emulator, name: &str, parts: &[&str]) -> Option<String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("c_examples")
        .join(name);
    fs::create_dir_all(&folder).expect("a folder in the target folder");
    // The command that freezes has its own tests, and takes minutes to build here.
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

/// The firmware's results are the interpreter's, and every frame took the same number of
/// instructions, which is returned.
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

/// The expected output of `cortex-m4/main.c`: FNV-1a over means and standard deviations of all
/// frames.
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
