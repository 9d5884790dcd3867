//! A program around frozen emulators: a crate that a test writes, builds without a network and runs.
//!
//! The crate has the emulators as modules of `emulators`, the runtime's sources that a frozen crate carries, and the test's
//! own `main.rs`, which gets at all emulators by one macro: `each!(call)` is `call!(NAME);` for every one of them.

use crate::cases::few_that_use_every_operation;
use crate::modules::{module, write};
use crate::networks::Network;
use crate::repository;
use dense_codegen::emulator::Emulator;
use dense_codegen::rust::{FreezeOptions, freeze};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// How code that is measured is compiled: as a frozen crate by itself.
pub const SHIPPED_PROFILE: &str = "\n[profile.release]\ncodegen-units = 1\nlto = \"thin\"\n";

const MANIFEST: &str = r#"
[package]
name = "program"
version = "0.0.0"
edition = "2024"

[workspace]

[features]
# The fault that the test has to notice.
planted = []

[dependencies]
dense-runtime = { path = "first/dense-runtime", features = ["std"] }
"#;

/// A crate with a program.
#[derive(Debug)]
pub struct Program {
    folder: PathBuf,
}

impl Program {
    /// Writes the crate to `folder`; an older one is written over, so that its builds are used again.
    ///
    /// `manifest` follows on the list of dependencies, `main` is the program's text.
    ///
    /// # Panics
    /// There is no emulator, or the operating system refuses.
    pub fn write(
        folder: &Path,
        emulators: &[(String, Emulator)],
        manifest: &str,
        main: &str,
    ) -> Self {
        let options = FreezeOptions {
            crate_name: "first".into(),
            ..FreezeOptions::default()
        };
        let (_, first) = emulators.first().expect("a program has an emulator");
        fs::create_dir_all(folder).expect("the folder can be made");
        freeze(first, &folder.join("first"), &options).expect("the first emulator is frozen");

        let modules: String = emulators
            .iter()
            .map(|(name, emulator)| module(folder, name, emulator))
            .collect();
        let calls: String = emulators
            .iter()
            .map(|(name, _)| format!("        $call!({name});\n"))
            .collect();
        let each = format!(
            "macro_rules! each {{\n    ($call:ident) => {{\n{calls}    }};\n}}\npub(crate) use each;\n"
        );
        write(&folder.join("src/emulators.rs"), modules + &each);
        write(&folder.join("src/main.rs"), main);
        write(&folder.join("Cargo.toml"), format!("{MANIFEST}{manifest}"));
        // The versions that are at hand since this workspace was built.
        let lock =
            fs::read(repository().join("Cargo.lock")).expect("the workspace has a lock file");
        write(&folder.join("Cargo.lock"), lock);
        Self {
            folder: folder.into(),
        }
    }

    /// Builds the program, optimised, with these features and flags of the compiler.
    ///
    /// # Panics
    /// There is no cargo.
    #[must_use]
    pub fn build(&self, features: &str, flags: &str) -> Output {
        Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args([
                "build",
                "--quiet",
                "--release",
                "--offline",
                "--features",
                features,
            ])
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .env("RUSTFLAGS", flags)
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .current_dir(&self.folder)
            .output()
            .expect("cargo starts")
    }

    /// Builds the program, which has to succeed, and returns its path.
    ///
    /// # Panics
    /// The build fails.
    #[must_use]
    pub fn built(&self, features: &str, flags: &str) -> PathBuf {
        let output = self.build(features, flags);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{} does not build:\n{said}",
            self.folder.display()
        );
        self.folder.join("target/release/program")
    }

    /// The folder of the crate.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Runs a command, which has to succeed, and returns what it prints.
///
/// # Panics
/// The command does not start, or fails.
pub fn printed(command: &mut Command) -> String {
    let output = command.output().expect("the command starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{command:?}: {}\n{said}",
        output.status
    );
    String::from_utf8(output.stdout).expect("the command prints text")
}

/// The networks that speed is measured on, each with its name.
#[must_use]
pub fn networks() -> Vec<(String, Emulator)> {
    Network::ALL
        .map(|network| (network.name().into(), network.emulator()))
        .into()
}

/// The same, and random emulators that together use every operation.
#[must_use]
pub fn networks_and_every_operation() -> Vec<(String, Emulator)> {
    let cases = few_that_use_every_operation();
    let random = cases
        .iter()
        .map(|case| (case.name(), case.emulator.clone()));
    networks().into_iter().chain(random).collect()
}
