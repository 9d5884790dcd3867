//! Finds a compiler for microcontrollers on this machine: rustup's if it has the target, else that
//! of Debian's packages, which builds `core` from source.

use super::processor::Processor;
use std::path::Path;
use std::process::Command;

/// A compiler that can build for a processor, and an emulator that can run the result.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// `rustup` or `debian`.
    pub name: &'static str,
    /// The compiler's version.
    pub version: String,
    processor: Processor,
}

/// The parts of Debian's compiler for microcontrollers: a path or command, and how to install it.
const DEBIAN: [(&str, &str); 4] = [
    ("/usr/bin/cargo", "cargo-web"),
    ("/usr/bin/rustc", "rustc-web libstd-rust-web-dev"),
    ("/usr/lib/rustlib/src/rust", "rust-web-src"),
    (
        "arm-none-eabi-gcc",
        "gcc-arm-none-eabi libnewlib-arm-none-eabi",
    ),
];

impl Toolchain {
    /// Looks for a toolchain.
    ///
    /// # Errors
    /// The missing tool, and how to install it.
    pub fn find(processor: Processor) -> Result<Self, String> {
        if !is_command("qemu-system-arm") {
            return Err("qemu-system-arm, install with apt-get install qemu-system-arm".into());
        }
        let installed = output(Command::new("rustup").args(["target", "list", "--installed"]));
        let has_target = installed.lines().any(|line| line == processor.triple());
        let name = if has_target { "rustup" } else { "debian" };
        let mut compiler = Command::new("rustc");
        if !has_target {
            if let Some((tool, packages)) = DEBIAN.into_iter().find(|(tool, _)| !is_there(tool)) {
                let triple = processor.triple();
                return Err(format!(
                    "{tool}, install with apt-get install {packages} (or with rustup target add {triple})"
                ));
            }
            compiler = Command::new("/usr/bin/rustc");
        }
        Ok(Self {
            name,
            version: output(compiler.arg("--version")).trim().into(),
            processor,
        })
    }

    /// The command that builds the crate in `folder` into `folder/target`.
    pub(super) fn build(&self, folder: &Path) -> Command {
        let triple = self.processor.triple();
        let mut flags = format!(
            "-Clink-arg=-T{} -Zemit-stack-sizes",
            folder.join("link.x").display()
        );
        let mut command = match self.name {
            "rustup" => {
                let mut command = Command::new("cargo");
                command.arg("--offline");
                command
            }
            // The dependencies of the standard library's sources are fetched if they are not
            // cached.
            _ => {
                flags += " -Clinker=arm-none-eabi-gcc -Clink-arg=-nostdlib";
                let mut command = Command::new("/usr/bin/cargo");
                command
                    .args(["-Z", "build-std=core"])
                    .env("RUSTC", "/usr/bin/rustc");
                command
            }
        };
        // Variables of a surrounding cargo are for another target.
        for variable in [
            "RUSTFLAGS",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_BUILD_RUSTFLAGS",
            "CARGO_BUILD_TARGET",
        ] {
            command.env_remove(variable);
        }
        if self.name == "rustup" {
            command.env_remove("RUSTC");
        }
        command
            .args(["build", "--quiet", "--release"])
            .args(["--target", triple])
            .env("CARGO_TARGET_DIR", folder.join("target"))
            .env(
                format!(
                    "CARGO_TARGET_{}_RUSTFLAGS",
                    triple.to_uppercase().replace(['-', '.'], "_")
                ),
                flags,
            )
            // The feature core-float-math of the runtime is not yet stable.
            .env("RUSTC_BOOTSTRAP", "1")
            .current_dir(folder);
        command
    }
}

fn is_there(tool: &str) -> bool {
    Path::new(tool).exists() || is_command(tool)
}

/// Whether a program of this name starts.
fn is_command(tool: &str) -> bool {
    Command::new(tool).arg("--version").output().is_ok()
}

fn output(command: &mut Command) -> String {
    let output = command.output().map(|output| output.stdout);
    String::from_utf8_lossy(&output.unwrap_or_default()).into_owned()
}
