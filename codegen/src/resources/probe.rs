//! The probe: a bare program that is linked with and without the emulator, and run in QEMU.

use super::elf::Program;
use super::processor::Processor;
use super::stack;
use super::toolchain::Toolchain;
use crate::emulator::Emulator;
use crate::rust::{FreezeOptions, freeze};
use crate::template::fill;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The result of one run of the probe. Flash and RAM are those of the program with the emulator
/// minus those of the program without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Bytes of instructions.
    pub code: usize,
    /// Bytes of everything in flash.
    pub flash: usize,
    /// Bytes of statics, the caller's workspace, input and results among them.
    pub ram: usize,
    /// Deepest stack of one call, painted.
    pub stack: usize,
    /// An upper bound of it: the deepest path of calls, by the frames that the compiler states.
    /// `None` if it states none.
    pub stack_bound: Option<usize>,
    /// Deepest stack of the self-test, painted.
    pub self_test_stack: usize,
    /// Instructions of a call at the box's centre, and at zeros, NaN, infinities, denormal and the
    /// largest floats.
    pub instructions: [u32; 5],
    /// Whether the self-test passed.
    pub self_test: bool,
}

/// A folder in which probes are built.
#[derive(Clone, Debug)]
pub struct Bench {
    folder: PathBuf,
    toolchain: Toolchain,
    processor: Processor,
}

struct Linked {
    path: PathBuf,
    code: usize,
    flash: usize,
    ram: usize,
    stack_bound: Option<usize>,
}

impl Bench {
    /// Opens a bench in `folder`, which may hold the builds of an earlier one.
    ///
    /// # Errors
    /// A tool is missing: its name, and how to install it.
    pub fn new(processor: Processor, folder: &Path) -> Result<Self, String> {
        Ok(Self {
            folder: folder.into(),
            toolchain: Toolchain::find(processor)?,
            processor,
        })
    }

    /// The compiler in use.
    #[must_use]
    pub fn toolchain(&self) -> &Toolchain {
        &self.toolchain
    }

    /// The processor to measure for.
    #[must_use]
    pub fn processor(&self) -> Processor {
        self.processor
    }

    /// Builds and runs the probe for an emulator.
    ///
    /// # Errors
    /// The message of the compiler or QEMU.
    pub fn measure(&self, emulator: &Emulator) -> Result<Probe, String> {
        self.write(emulator)?;
        let without = self.link("")?;
        let with = self.link("emulator")?;
        let printed = self.run(&with.path)?;
        let value = |name: &str| -> Vec<u32> {
            let values = printed
                .lines()
                .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            values
                .filter_map(|value| u32::from_str_radix(value, 16).ok())
                .collect()
        };
        let known = value("known");
        // Instructions per tick of the board's clock: 40 at 25 MHz.
        let rate = match known[..] {
            [ticks] if ticks > 0 => (200_000.0 / f64::from(ticks)).round() as u32,
            _ => return Err(format!("the probe printed:\n{printed}")),
        };
        let ticks = value("ticks");
        let stacks = value("stack");
        if ticks.len() != 5 || stacks.len() != 5 {
            return Err(format!("the probe printed:\n{printed}"));
        }
        let mut instructions = [0; 5];
        let counts = ticks.into_iter().zip(value("calls"));
        for (instructions, (ticks, calls)) in instructions.iter_mut().zip(counts) {
            *instructions = ticks * rate / calls.max(1);
        }
        Ok(Probe {
            code: with.code - without.code,
            flash: with.flash - without.flash,
            ram: with.ram - without.ram,
            stack_bound: with.stack_bound,
            stack: stacks.into_iter().max().unwrap_or(0) as usize,
            self_test_stack: value("self_test_stack").first().copied().unwrap_or(0) as usize,
            instructions,
            self_test: value("self_test") == [1],
        })
    }

    fn write(&self, emulator: &Emulator) -> Result<(), String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        fs::create_dir_all(self.folder.join("src")).map_err(|error| text(&error))?;
        let options = FreezeOptions {
            crate_name: "frozen".into(),
            ..FreezeOptions::default()
        };
        freeze(emulator, &self.folder.join("frozen"), &options).map_err(|error| text(&error))?;
        let manifest = fill(
            include_str!("probe/Cargo.toml.txt"),
            &[("arithmetic", self.processor.feature())],
        );
        for (path, contents) in [
            ("Cargo.toml", &manifest[..]),
            ("link.x", include_str!("probe/link.x.txt")),
            ("src/main.rs", include_str!("probe/main.rs.txt")),
            ("src/board.rs", include_str!("probe/board.rs.txt")),
        ] {
            fs::write(self.folder.join(path), contents).map_err(|error| text(&error))?;
        }
        Ok(())
    }

    /// The program with these features, and its sizes.
    fn link(&self, features: &str) -> Result<Linked, String> {
        let mut command = self.toolchain.build(&self.folder);
        let output = command.args(["--features", features]).output();
        let output = output.map_err(|error| format!("{command:?}: {error}"))?;
        if !output.status.success() {
            return Err(format!(
                "the probe does not build:\n{}",
                String::from_utf8_lossy(&output.stderr)
            ));
        }
        let built = self
            .folder
            .join("target")
            .join(self.processor.triple())
            .join("release/probe");
        // Another build would overwrite it.
        let path = self.folder.join(format!("probe-{features}"));
        fs::copy(&built, &path).map_err(|error| format!("{}: {error}", built.display()))?;
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let program = Program::new(&bytes).ok_or("the linker wrote no ELF program of 32 bits")?;
        let (code, constants, data, zeros) = (
            program.size(".text"),
            program.size(".rodata"),
            program.size(".data"),
            program.size(".bss"),
        );
        Ok(Linked {
            path,
            code,
            flash: code + constants + data,
            ram: data + zeros,
            stack_bound: stack::bound(&program, "5calls7predict"),
        })
    }

    /// Runs the program and returns its output.
    fn run(&self, program: &Path) -> Result<String, String> {
        let mut command = Command::new("qemu-system-arm");
        command
            .args(self.processor.machine())
            .args(["-nographic", "-icount", "shift=0"])
            .args(["-semihosting-config", "enable=on,target=native", "-kernel"])
            .arg(program)
            .stdin(std::process::Stdio::null());
        let output = command
            .output()
            .map_err(|error| format!("{command:?}: {error}"))?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(format!(
                "the probe ended with {} and printed:\n{printed}",
                output.status
            ));
        }
        Ok(printed)
    }
}
