//! A program around frozen emulators, in a crate that a test writes, builds without a network and
//! runs.
//!
//! The crate has the emulators as modules of `emulators`, the runtime's sources that a frozen crate
//! carries, and its own files, which reach all emulators by one macro: `each!(call)` is
//! `call!(NAME);` for each of them.
//!
//! Several tests, possibly in separate processes, share one program: the first builds it, the
//! others find it built. Files are written only if their contents changed, so that cargo rebuilds
//! only what it must.

use crate::modules::{module, write};
use crate::networks::Network;
use crate::repository;
use dense_codegen::emulator::Emulator;
use dense_codegen::rust::{FreezeOptions, freeze};
use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A crate with a program. It does not change while a value of this type exists.
#[derive(Debug)]
pub struct Program {
    folder: PathBuf,
    /// Shared with other processes that want the same files.
    _lock: File,
}

/// The settings of a build.
#[derive(Clone, Copy, Debug)]
pub struct Build<'a> {
    /// Profile of its manifest.
    pub profile: &'a str,
    /// Features, separated by commas.
    pub features: &'a str,
    /// Flags of the compiler.
    pub flags: &'a str,
}

impl Program {
    /// Writes the crate to `folder`: its own `files`, each a path with its text, and the emulators.
    ///
    /// # Panics
    /// There are no emulators, or the operating system fails.
    pub fn write(folder: &Path, emulators: &[(String, Emulator)], files: &[(&str, &str)]) -> Self {
        fs::create_dir_all(folder).expect("the folder can be made");
        let mut all = runtime(&emulators.first().expect("a program has an emulator").1);
        let mut declarations = String::new();
        for (name, emulator) in emulators {
            let (declaration, modules) = module(name, emulator);
            declarations += &declaration;
            all.extend(modules);
        }
        let calls: String = emulators
            .iter()
            .map(|(name, _)| format!("        $call!({name});\n"))
            .collect();
        declarations += &format!(
            "macro_rules! each {{\n    ($call:ident) => {{\n{calls}    }};\n}}\npub(crate) use each;\n"
        );
        all.push(("src/emulators.rs".into(), declarations.into()));
        // The versions that were fetched when this workspace was built.
        let versions =
            fs::read(repository().join("Cargo.lock")).expect("the workspace has a lock file");
        all.push(("Cargo.lock".into(), versions));
        let own = files.iter();
        all.extend(own.map(|&(path, text)| (path.into(), text.into())));
        Self {
            folder: folder.into(),
            _lock: written(folder, &all),
        }
    }

    /// Builds the program. Builds of different kinds may run at the same time.
    ///
    /// # Panics
    /// There is no cargo.
    #[must_use]
    pub fn build(&self, build: Build<'_>) -> Output {
        Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--quiet", "--offline"])
            .args(["--profile", build.profile, "--features", build.features])
            .env("CARGO_TARGET_DIR", self.target(build))
            .env("RUSTFLAGS", build.flags)
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .current_dir(&self.folder)
            .output()
            .expect("cargo starts")
    }

    /// Builds the program, which must succeed, and returns its path.
    ///
    /// # Panics
    /// The build fails.
    #[must_use]
    pub fn built(&self, build: Build<'_>) -> PathBuf {
        let output = self.build(build);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{} does not build:\n{said}",
            self.folder.display()
        );
        let folder = self.target(build).join(build.profile);
        let name = folder.join("frozen-program");
        assert!(name.exists(), "{} was not built", name.display());
        name
    }

    fn target(&self, build: Build<'_>) -> PathBuf {
        let name = format!("target-{}{}", build.features, build.flags);
        self.folder.join(name.replace([' ', '/', ','], "_"))
    }
}

/// The runtime as a frozen crate carries it.
fn runtime(emulator: &Emulator) -> Vec<(String, Vec<u8>)> {
    let frozen = tempfile::tempdir().expect("a temporary folder");
    let options = FreezeOptions::default();
    let path = frozen.path().join("frozen");
    freeze(emulator, &path, &options).expect("the emulator is frozen");
    let mut files = Vec::new();
    let mut folders = vec![path.join("dense-runtime")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a frozen crate carries the runtime") {
            let entry = entry.expect("an entry").path();
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let below = entry.strip_prefix(&path).expect("it is below");
            let name = below
                .to_str()
                .expect("the runtime's files have ASCII names");
            files.push((name.into(), fs::read(&entry).expect("a file")));
        }
    }
    files
}

/// Writes files that have changed, and returns a lock: other files are written only after it is
/// released.
fn written(folder: &Path, files: &[(String, Vec<u8>)]) -> File {
    const LOCKED: &str = "the file system has locks";
    let lock = File::create(folder.join("lock")).expect("the folder can be written to");
    let is_there = |(path, contents): &&(String, Vec<u8>)| {
        fs::read(folder.join(path)).is_ok_and(|there| there == *contents)
    };
    loop {
        lock.lock_shared().expect(LOCKED);
        if files.iter().all(|file| is_there(&file)) {
            return lock;
        }
        lock.unlock().expect(LOCKED);
        lock.lock().expect(LOCKED);
        for (path, contents) in files.iter().filter(|file| !is_there(file)) {
            write(&folder.join(path), contents);
        }
        lock.unlock().expect(LOCKED);
    }
}

/// Runs a command, which must succeed, and returns its output.
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

/// The networks of the benchmarks, each with its name.
#[must_use]
pub fn networks() -> Vec<(String, Emulator)> {
    Network::ALL
        .map(|network| (network.name().into(), network.emulator()))
        .into()
}
