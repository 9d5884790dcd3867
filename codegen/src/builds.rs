//! Tests that users can build generated crates: every crate here must build, lint and document
//! without a warning, with each set of features, for each target.

use crate::c::{self, Prefix};
use crate::emulator::Emulator;
use crate::rust::{FreezeOptions, freeze};
use crate::testing;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The features of a build, added to the default ones or replacing them.
#[derive(Clone, Copy, Debug)]
struct Features(&'static [&'static str]);

const DEFAULT: Features = Features(&[]);
const STD_NO_FMA: Features = Features(&["--features", "no-fma"]);
const NONE: Features = Features(&["--no-default-features"]);
const NO_FMA: Features = Features(&["--no-default-features", "--features", "no-fma"]);
const CORE_FLOAT_MATH: Features =
    Features(&["--no-default-features", "--features", "core-float-math"]);

/// The supported targets, with the features that the documentation names for them.
const TARGETS: [(&str, &[Features]); 7] = [
    ("thumbv7em-none-eabihf", &[NONE, CORE_FLOAT_MATH, NO_FMA]),
    (
        "thumbv8m.main-none-eabihf",
        &[NONE, CORE_FLOAT_MATH, NO_FMA],
    ),
    ("thumbv6m-none-eabi", &[NO_FMA]),
    ("thumbv7m-none-eabi", &[NO_FMA]),
    ("riscv32imac-unknown-none-elf", &[NO_FMA]),
    ("wasm32-unknown-unknown", &[NO_FMA]),
    ("aarch64-unknown-linux-gnu", &[NO_FMA]),
];

/// A name that Markdown, a table, a link checker and a comment would each misinterpret.
const ODD_NAME: &str = "a|b [c] <d> `e` https://f.org/ *g* \n\r\u{202e} */ \\";

/// Every operation, both local estimates, limits near well-known constants, and odd names.
fn large() -> Emulator {
    let mut parts = testing::emulator(3).into_parts();
    parts.inputs[0].name = ODD_NAME.into();
    parts.inputs[0].high = std::f64::consts::PI;
    parts.outputs.names = vec![ODD_NAME.into(), "thermal".into()];
    parts.provenance.insert("note".into(), ODD_NAME.into());
    Emulator::new(parts).expect("names and limits are free")
}

/// One member, and as few parts as possible.
fn small() -> Emulator {
    let mut parts = testing::emulator(2).into_parts();
    parts.members.truncate(1);
    Emulator::new(parts).expect("one member is enough")
}

/// Crates of every form, and one folder for their builds. The folder is kept, so that core is
/// compiled only once where it must be compiled.
struct Crates {
    folder: PathBuf,
    large: PathBuf,
    small: PathBuf,
    library: PathBuf,
}

impl Crates {
    /// Writes the crates into the target folder, for the test of this name.
    fn write(test: &str) -> Self {
        let program = std::env::current_exe().expect("a test is a program");
        let target = program
            .ancestors()
            .nth(3)
            .expect("it is in target/PROFILE/deps");
        let folder = target.join("tmp/generated-crates").join(test);
        std::fs::create_dir_all(&folder).expect("the target folder can be written to");
        let at = |name: &str| folder.join(name);
        for (name, emulator) in [("large", large()), ("small", small())] {
            let options = FreezeOptions::default();
            freeze(&emulator, &at(name), &options).expect("a crate is written");
        }
        let prefix = Prefix::new("large").expect("a prefix");
        c::freeze(&large(), &at("c"), &prefix.into()).expect("C is written");
        let [large, small, library] = ["large", "small", "c/library"].map(at);
        Self {
            folder: folder.clone(),
            large,
            small,
            library,
        }
    }

    /// Runs cargo for the host in one of the crates; every warning is an error.
    fn succeeds(&self, crate_folder: &Path, command: &str, arguments: &[&str], flags: &str) {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([command, "--quiet", "--offline"])
            .args(arguments);
        cargo.env("RUSTFLAGS", format!("-D warnings {flags}"));
        accept_unstable(&mut cargo, arguments);
        self.run(cargo, crate_folder);
    }

    /// Runs cargo in one of the crates and returns its output.
    fn run(&self, mut cargo: Command, crate_folder: &Path) -> String {
        cargo
            .current_dir(crate_folder)
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .env("RUSTDOCFLAGS", "-D warnings")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        let output = cargo.output().expect("cargo starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{cargo:?}\n{said}");
        said.into_owned()
    }
}

/// The feature core-float-math needs a compiler that accepts unstable features; no other feature
/// may need one.
fn accept_unstable(cargo: &mut Command, arguments: &[&str]) {
    if arguments.contains(&"core-float-math") {
        cargo.env("RUSTC_BOOTSTRAP", "1")
    } else {
        cargo.env_remove("RUSTC_BOOTSTRAP")
    };
}

#[test]
fn generated_crates_are_linted_without_a_warning_with_each_set_of_features() {
    let crates = Crates::write("lints");
    for features in [DEFAULT, STD_NO_FMA] {
        let arguments = [&["--all-targets"], features.0].concat();
        crates.succeeds(&crates.large, "clippy", &arguments, "");
    }
    for features in [NO_FMA, CORE_FLOAT_MATH] {
        crates.succeeds(&crates.large, "clippy", features.0, "");
    }
    if cfg!(target_arch = "x86_64") {
        for folder in [&crates.large, &crates.library] {
            crates.succeeds(folder, "clippy", NONE.0, "-Ctarget-cpu=x86-64-v3");
        }
    }
    for folder in [&crates.small, &crates.library] {
        crates.succeeds(folder, "clippy", &["--all-targets"], "");
    }
}

#[test]
fn generated_crates_are_documented_without_a_warning() {
    let crates = Crates::write("documentation");
    // An index left by another version of rustdoc makes this one fail.
    let _ = std::fs::remove_dir_all(crates.folder.join("target/doc"));
    crates.succeeds(&crates.large, "doc", &[], "");
    for folder in [&crates.large, &crates.library] {
        let private = ["--no-deps", "--document-private-items"];
        crates.succeeds(folder, "doc", &private, "");
    }
}

/// The tools that build for a target here: cargo with rustup's compiler if it has the target, else
/// the compiler of Debian's packages.
fn cargo_for(target: &str, command: &str, features: Features) -> Option<Command> {
    let installed = Command::new("rustup")
        .args(["target", "list", "--installed"])
        .output();
    let installed = installed.map(|output| output.stdout).unwrap_or_default();
    let mut installed = std::str::from_utf8(&installed).unwrap_or_default().lines();
    if installed.any(|line| line == target) {
        let mut cargo = Command::new("cargo");
        cargo.args([command, "--offline"]);
        accept_unstable(&mut cargo, features.0);
        return Some(cargo);
    }
    // Cargo would otherwise look for its subcommands among those of rustup.
    let program = match command {
        "clippy" => "/usr/bin/cargo-clippy",
        _ => "/usr/bin/cargo",
    };
    let paths = [
        program,
        "/usr/bin/cargo",
        "/usr/bin/rustc",
        "/usr/bin/rustdoc",
        "/usr/lib/rustlib/src/rust",
    ];
    if !paths.iter().all(|path| Path::new(path).exists()) {
        return None;
    }
    let mut cargo = Command::new(program);
    cargo.args([command, "-Z", "build-std=core"]);
    cargo
        .env("CARGO", "/usr/bin/cargo")
        .env("RUSTC", "/usr/bin/rustc")
        .env("RUSTDOC", "/usr/bin/rustdoc")
        .env("RUSTC_BOOTSTRAP", "1");
    Some(cargo)
}

/// Reports that no compiler for microcontrollers is there.
fn skipped() {
    crate::skip::skipped(
        "core for microcontrollers, install with rustup target add thumbv7em-none-eabihf, or with apt-get install \
         rustc-web cargo-web libstd-rust-web-dev rust-web-src rust-web-clippy",
    );
}

/// Runs these cargo commands in all forms for these targets, with each set of features.
fn for_each_target(test: &str, targets: &[(&str, &[Features])], commands: &[&[&str]]) {
    let crates = Crates::write(test);
    for (target, sets) in targets {
        for set in *sets {
            for command in commands {
                for folder in [&crates.large, &crates.small, &crates.library] {
                    let Some(mut cargo) = cargo_for(target, command[0], *set) else {
                        return skipped();
                    };
                    cargo.args(&command[1..]).args(set.0);
                    cargo.args(["--quiet", "--target", target]);
                    cargo.env("RUSTFLAGS", "-D warnings");
                    crates.run(cargo, folder);
                }
            }
        }
    }
}

#[test]
fn generated_crates_build_for_a_cortex_m4f_without_an_unstable_feature() {
    // The assembler may reject code too.
    let target = "thumbv7em-none-eabihf";
    for_each_target("build", &[(target, &[NONE])], &[&["build"]]);
    // Without optimisation a panic is linked, and cargo warns about it.
    let crates = Crates::write("build");
    let Some(mut cargo) = cargo_for(target, "build", NONE) else {
        return skipped();
    };
    cargo.args(NONE.0).args(["--target", target]);
    let said = crates.run(cargo, &crates.small);
    for package in ["frozen-emulator", "frozen-emulator-runtime"] {
        let told = format!(
            "set opt-level = 3 and debug-assertions = false under [profile.dev.package.{package}]"
        );
        assert!(said.contains(&told), "{said}");
    }
}

#[test]
#[ignore = "long: compiles core for each target where rustup has none"]
fn generated_crates_are_linted_documented_and_built_for_every_target_without_a_warning() {
    let commands: [&[&str]; 3] = [
        &["clippy"],
        &["doc", "--no-deps", "--document-private-items"],
        &["build"],
    ];
    for_each_target("targets", &TARGETS, &commands);
}
