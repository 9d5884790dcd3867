//! Instructions for each multiply-accumulate on a Cortex-M4F in QEMU: the frozen crate, its C form,
//! and the code that emx-onnx-cgen generates from the same ONNX model, compiled by the same
//! arm-none-eabi-gcc.
//!
//! usage: `cargo run --release -p dense-tests --example cortex_m -- .venv-peers/bin/python`
//!
//! `tests/peers/make_venv .venv-peers` creates the peer's virtual environment. Ours are complete
//! calls, with guard and standard deviation; the peer's is the network alone.

#![expect(
    clippy::print_stdout,
    reason = "a table on standard output is what it is for"
)]

use anyhow::{Context, Error, Result, bail};
use dense_codegen::c::{Prefix, emit};
use dense_codegen::emulator::Emulator;
use dense_codegen::resources::{Bench, Processor};
use dense_tests::emx::{done, generate};
use dense_tests::networks::Network;
use dense_tests::repository;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Instructions of the loop by which the program calibrates its clock.
const KNOWN: f64 = 30_000.0;

fn main() -> Result<()> {
    let python = env::args().nth(1);
    let python = PathBuf::from(python.context("usage: cortex_m PYTHON-OF-THE-PEERS")?);
    let python = fs::canonicalize(python.parent().context("a python in a folder")?)?.join("python");
    let folder = tempfile::tempdir()?;
    let bench =
        Bench::new(Processor::CortexM4, &folder.path().join("bench")).map_err(Error::msg)?;
    let gcc = done(Command::new("arm-none-eabi-gcc").arg("--version")).map_err(Error::msg)?;
    println!("{}", gcc.lines().next().unwrap_or_default());
    println!("{}\n", bench.toolchain().version);
    println!(
        "{:<10}{:>10}  {:<34}{:>14}{:>8}",
        "network", "MAC", "what runs", "instructions", "a MAC"
    );
    for network in [Network::Decoder, Network::Mlp] {
        let emulator = network.emulator();
        let line = |what: &str, instructions: f64| {
            let (name, macs) = (network.name(), emulator.macs());
            let each = instructions / macs as f64;
            println!("{name:<10}{macs:>10}  {what:<34}{instructions:>14.0}{each:>8.2}");
        };
        let probe = bench.measure(&emulator).map_err(Error::msg)?;
        line("frozen crate", f64::from(probe.instructions[0]));
        let own = own_c(&emulator, folder.path())?;
        line(
            "frozen C, -O3",
            counted(&emulator, folder.path(), &own, "-O3")?,
        );
        generate(&emulator, &python, folder.path()).map_err(Error::msg)?;
        for level in ["-O3", "-O2"] {
            let instructions = counted(&emulator, folder.path(), &["model.c"], level)?;
            line(&format!("emx-onnx-cgen, {level}"), instructions);
        }
    }
    Ok(())
}

/// Writes the C form, and a `model()` around it; returns the files.
fn own_c(emulator: &Emulator, folder: &Path) -> Result<[&'static str; 2]> {
    let prefix = Prefix::new("own").map_err(Error::msg)?;
    for (path, text) in emit(emulator, &prefix.into()) {
        fs::write(folder.join(path), text)?;
    }
    let model = "#include \"own.h\"\n\
        void model(const float *x, float *y);\n\
        static own_workspace workspace;\n\
        static float std[OWN_OUTPUTS];\n\
        void model(const float *x, float *y)\n{\n    own_predict(&workspace, x, y, std, NULL);\n}\n";
    fs::write(folder.join("own_model.c"), model)?;
    Ok(["own.c", "own_model.c"])
}

/// Compiles these files with the program that counts, runs it in QEMU, and returns the instructions
/// of a call.
fn counted(emulator: &Emulator, folder: &Path, files: &[&str], level: &str) -> Result<f64> {
    let root = repository();
    let board = root.join("examples/c/cortex-m4");
    let mut compile = Command::new("arm-none-eabi-gcc");
    compile
        .args([
            "-std=c99",
            "-w",
            level,
            "-ffp-contract=off",
            "-fno-math-errno",
        ])
        .args([
            "-mcpu=cortex-m4",
            "-mthumb",
            "-mfloat-abi=hard",
            "-mfpu=fpv4-sp-d16",
        ])
        .arg(format!("-DINPUTS={}", emulator.input_count()))
        .arg(format!("-DOUTPUTS={}", emulator.output_count()))
        .args(["--specs=rdimon.specs", "-T"])
        .arg(board.join("memory.ld"))
        .arg(board.join("startup.c"))
        .arg(root.join("tests/benchmarks/cortex_m/main.c"))
        .args(files)
        .args(["-lm", "-o", "counted.elf"]);
    done(compile.current_dir(folder)).map_err(Error::msg)?;
    let mut run = Command::new("qemu-system-arm");
    run.args(["-cpu", "cortex-m4", "-machine", "mps2-an386", "-nographic"])
        .args(["-icount", "shift=0", "-semihosting-config"])
        .args(["enable=on,target=native", "-kernel", "counted.elf"])
        .stdin(std::process::Stdio::null());
    let printed = done(run.current_dir(folder)).map_err(Error::msg)?;
    let words: Vec<_> = printed.split_whitespace().collect();
    let ["known", known, "taken", taken] = words[..] else {
        bail!("the program printed: {printed}");
    };
    let (known, taken): (f64, f64) = (known.parse()?, taken.parse()?);
    Ok(taken * (KNOWN / known).round())
}
