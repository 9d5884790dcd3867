use super::*;
use crate::image::{Stored, Values, arrays};
use crate::testing;
use sha2::{Digest, Sha256};
use std::process::Command;

fn frozen(emulator: &Emulator) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("frozen");
    freeze(emulator, &out, &FreezeOptions::default()).unwrap();
    (folder, out)
}

/// Runs cargo without a network in a frozen crate, with every warning an error; returns all that it
/// printed.
fn cargo(crate_folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .current_dir(crate_folder)
        .env("CARGO_TARGET_DIR", crate_folder.join("target"))
        .env("RUSTFLAGS", "-D warnings")
        .output()
        .unwrap();
    let printed = [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat();
    if output.status.success() {
        Ok(printed)
    } else {
        Err(printed)
    }
}

#[test]
fn a_frozen_crate_builds_without_warnings_and_gives_the_golden_bits_unless_they_were_changed() {
    let (_folder, out) = frozen(&testing::emulator(1));
    cargo(&out, &["test", "--quiet"]).unwrap();
    cargo(&out, &["test", "--quiet", "--features", "no-fma"]).unwrap();
    cargo(&out, &["build", "--quiet", "--examples"]).unwrap();

    let weights = out.join("src/weights.rs");
    let text = std::fs::read_to_string(&weights).unwrap();
    let changed = text.replacen(" 0.", " -0.", 1);
    assert_ne!(changed, text);
    std::fs::write(&weights, changed).unwrap();
    assert!(
        cargo(&out, &["test", "--quiet"])
            .unwrap_err()
            .contains("self_test(&mut workspace).is_ok()")
    );
}

#[test]
fn two_frozen_crates_are_members_of_a_workspace_and_work_in_one_program() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for (name, seed) in [("first", 1), ("second", 2)] {
        let options = FreezeOptions {
            crate_name: name.into(),
            member: true,
            ..FreezeOptions::default()
        };
        freeze(&testing::emulator(seed), &root.join(name), &options).unwrap();
    }
    let manifest = r#"
[workspace]
members = ["first", "second"]

[package]
name = "both"
version = "0.1.0"
edition = "2024"

[dependencies]
first = { path = "first" }
second = { path = "second" }
"#;
    let program = "
#[test]
fn inputs_and_answers_have_names() {
    use first::{Emulator, Inputs, Predict as _};
    let inputs = Inputs { temperature_ev: 0.1, density_m3: 2.0, angle_deg: 0.2 };
    assert_eq!(inputs.to_array(), [0.1, 2.0, 0.2]);
    let mut workspace = Emulator::WORKSPACE;
    let (mut mean, mut std) = ([0.0; first::OUTPUTS], [0.0; first::OUTPUTS]);
    let status = Emulator.predict(&mut workspace, &inputs.into(), &mut mean, &mut std);
    let answer = Emulator.answer(&mut workspace, &inputs.into());
    assert_eq!(answer.mean.map(f32::to_bits), mean.map(f32::to_bits));
    assert_eq!(answer.std.map(f32::to_bits), std.map(f32::to_bits));
    assert_eq!(answer.status, status);
    let _: &dyn core::error::Error = &first::ImageError::Length;
}

#[test]
fn both_have_the_numbers_that_were_frozen() {
    use first::Predict as _;
    use second::Predict as _;
    assert!(first::Emulator.self_test(&mut first::Emulator::WORKSPACE.clone()).is_ok());
    assert!(second::Emulator.self_test(&mut second::Emulator::WORKSPACE.clone()).is_ok());
}
";
    std::fs::write(root.join("Cargo.toml"), manifest).unwrap();
    std::fs::create_dir(root.join("src")).unwrap();
    std::fs::write(root.join("src/lib.rs"), program).unwrap();
    let printed = cargo(root, &["test", "--workspace"]).unwrap();
    let passed = |test: &str| printed.matches(&format!("test {test}")).count();
    assert_eq!(passed("the_golden_vectors_come_out"), 2, "{printed}");
    assert_eq!(passed("both_have_the_numbers"), 1, "{printed}");
    assert!(!printed.contains("warning"), "{printed}");
}

#[test]
fn a_build_for_a_microcontroller_that_may_link_a_panic_says_why() {
    let (_folder, out) = frozen(&testing::emulator(1));
    let package = |folder: &Path| std::fs::read(folder.join("build.rs")).unwrap();
    assert_eq!(package(&out), package(&out.join("dense-runtime")));
    let script = out.join("build-script");
    let mut compiler = Command::new(std::env::var_os("RUSTC").unwrap_or("rustc".into()));
    compiler.args(["--edition", "2024", "-D", "warnings", "build.rs", "-o"]);
    let compiled = compiler.arg(&script).current_dir(&out).status().unwrap();
    assert!(compiled.success());
    let said = |os: &str, level: &str, checked: bool| {
        let mut run = Command::new(&script);
        run.env_clear()
            .env("CARGO_CFG_TARGET_OS", os)
            .env("OPT_LEVEL", level)
            .env("PROFILE", if level == "0" { "debug" } else { "release" })
            .env("CARGO_PKG_NAME", "pressure-runtime");
        if checked {
            run.env("CARGO_CFG_DEBUG_ASSERTIONS", "");
        }
        String::from_utf8(run.output().unwrap().stdout).unwrap()
    };
    for level in ["1", "s", "z"] {
        let line = format!(
            "cargo::warning=opt-level is {level}, so a panic may link: in the manifest of your workspace set \
             opt-level = 3 and debug-assertions = false under [profile.release.package.pressure-runtime]\n"
        );
        assert!(said("none", level, false).ends_with(&line));
        assert!(!said("linux", level, false).contains("warning"));
    }
    assert!(said("none", "0", true).contains("opt-level is 0"));
    assert!(said("none", "0", true).contains("[profile.dev.package."));
    assert!(said("unknown", "3", true).contains("=debug-assertions are on, so"));
    for level in ["2", "3"] {
        assert!(!said("none", level, false).contains("warning"));
    }
}

#[test]
fn the_runtime_comes_from_a_folder_or_a_registry_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let frozen = |name: &str, runtime: Runtime| {
        let options = FreezeOptions {
            runtime,
            ..FreezeOptions::default()
        };
        let out = folder.path().join(name);
        let frozen = freeze(&testing::emulator(1), &out, &options).unwrap();
        assert_eq!(frozen.carries, []);
        assert!(!out.join("dense-runtime").exists());
        out
    };
    let runtime = root.join("runtime").canonicalize().unwrap();
    let out = frozen("path", Runtime::Path(runtime));
    cargo(&out, &["test", "--quiet"]).unwrap();

    // A registry in a folder: an index, and packages as `cargo package` makes them.
    let registry = folder.path().join("registry");
    let index = registry.join("index/de/ns");
    std::fs::create_dir_all(&index).unwrap();
    let mut package = Command::new(env!("CARGO"));
    package.args(["package", "--offline", "--allow-dirty", "--no-verify"]);
    package
        .args(["--package", RUNTIME.name, "--target-dir"])
        .arg(&registry);
    let packaged = package.current_dir(&root).output().unwrap();
    assert!(
        packaged.status.success(),
        "{}",
        String::from_utf8_lossy(&packaged.stderr)
    );
    let file = format!("{}-{}.crate", RUNTIME.name, RUNTIME.version);
    let bytes = std::fs::read(registry.join("package").join(&file)).unwrap();
    std::fs::write(registry.join(&file), &bytes).unwrap();
    let features = [
        "std",
        "no-fma",
        "core-float-math",
        "crc-table-256",
        "compact",
        "sources",
    ];
    let mut features: serde_json::Map<_, _> = features
        .map(|feature| (feature.to_owned(), serde_json::json!([])))
        .into_iter()
        .collect();
    features.insert("default".into(), serde_json::json!(["std"]));
    let checksum = Sha256::digest(&bytes);
    let checksum: String = checksum.iter().map(|byte| format!("{byte:02x}")).collect();
    let entry = serde_json::json!({
        "name": RUNTIME.name, "vers": RUNTIME.version, "deps": [], "features": features,
        "cksum": checksum, "yanked": false,
    });
    std::fs::write(index.join(RUNTIME.name), entry.to_string()).unwrap();
    let out = frozen("registry-crate", Runtime::Registry);
    let source = format!(
        "source.local.local-registry={:?}",
        registry.display().to_string()
    );
    let config = [
        "--config",
        "source.crates-io.replace-with='local'",
        "--config",
        &source,
    ];
    cargo(&out, &[&["test", "--quiet"], &config[..]].concat()).unwrap();
}

#[test]
fn the_emitted_code_is_formatted() {
    let (_folder, out) = frozen(&testing::emulator(2));
    for file in [
        "build.rs",
        "src/lib.rs",
        "src/inputs.rs",
        "tests/golden.rs",
        "examples/latency.rs",
    ] {
        let output = Command::new("rustfmt")
            .args(["--check", "--edition", "2024", file])
            .current_dir(&out)
            .output();
        let Ok(output) = output else {
            crate::skip::skipped("rustfmt, install with rustup component add rustfmt");
            return;
        };
        assert!(
            output.status.success(),
            "{file}:\n{}",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

#[test]
fn the_stated_flash_is_what_the_arrays_hold() {
    let emulator = testing::emulator(3);
    let numbers = arrays(&emulator, Stored::Blocks).into_iter();
    let numbers = numbers.map(|field| match field.values {
        Values::Array(values) => values.len(),
        // The stated flash leaves these out: a few scalars.
        _ => 0,
    });
    assert_eq!(emulator.flash_bytes(), 4 * numbers.sum::<usize>());
}

#[test]
fn freezing_replaces_a_frozen_crate_and_nothing_else() {
    let (folder, out) = frozen(&testing::emulator(4));
    std::fs::write(out.join("left-over"), "").unwrap();
    freeze(&testing::emulator(5), &out, &FreezeOptions::default()).unwrap();
    assert!(!out.join("left-over").exists());

    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.tex"), "years of work").unwrap();
    let message = freeze(&testing::emulator(5), &foreign, &FreezeOptions::default())
        .unwrap_err()
        .to_string();
    assert!(
        message.contains(
            "holds something that is not a frozen emulator of this kind; give a new folder"
        ),
        "{message}"
    );
    assert_eq!(std::fs::read_dir(&foreign).unwrap().count(), 1);
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        2,
        "nothing is left beside"
    );
}

#[test]
fn a_name_that_cargo_would_refuse_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in [
        "",
        "Upper",
        "9lives",
        "dense-runtime",
        "two words",
        "fn",
        "self",
        "\u{e9}",
        "two\nlines",
        "proc-macro",
        "nul",
    ] {
        let options = FreezeOptions {
            crate_name: name.into(),
            ..FreezeOptions::default()
        };
        let message = freeze(&testing::emulator(1), &folder.path().join("out"), &options)
            .unwrap_err()
            .to_string();
        assert!(message.contains("cannot name a crate"), "{message}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_outputs_are_relative_to_is_named_and_part_of_the_structure() {
    let options = FreezeOptions::default();
    let text = |emulator: &Emulator, wanted: &str| {
        let all = files(emulator, &options);
        let (_, contents) = all.iter().find(|(path, _)| path == wanted).unwrap();
        String::from_utf8(contents.clone()).unwrap()
    };
    let plain = testing::emulator(2);
    assert!(!text(&plain, "src/model.rs").contains("OFFSET"));
    let emulator = testing::relative_emulator(2);
    let model = text(&emulator, "src/model.rs");
    let offset = "/// Output j is `OFFSET[j] + SCALE[j] * f64::from(mean[j])`: float32 cannot represent it.\n\
                  #[rustfmt::skip]\npub const OFFSET: [f64; OUTPUTS] = [\n    101325.0, ";
    assert!(model.contains(offset), "{model}");
    assert!(
        model.contains("pub const SCALE: [f64; OUTPUTS] = [\n    7.006492321624085e-46, "),
        "{model}"
    );
    assert!(
        text(&emulator, "README.md")
            .contains("its standard deviation `SCALE[j] * f64::from(std[j])`")
    );
    assert!(
        text(&emulator, "src/lib.rs")
            .contains("\npub use model::OFFSET;\npub use model::SCALE;\npub use model::{\n")
    );
    // Other offsets give another structure: an image with them is rejected.
    let mut parts = emulator.clone().into_parts();
    parts.outputs.relative.as_mut().unwrap().offset[0] += 1.0;
    let other = Emulator::new(parts).unwrap();
    let structures = [&plain, &emulator, &other].map(|one| weights::image(one).structure);
    assert!(structures[0] != structures[1] && structures[1] != structures[2]);
}

#[test]
fn the_same_emulator_gives_the_same_files() {
    let emulator = testing::emulator(6);
    let options = FreezeOptions::default();
    assert_eq!(
        files(&emulator, &options),
        files(&emulator.clone(), &options)
    );
}

#[test]
fn every_constant_lies_in_the_section_that_is_asked_for() {
    let emulator = testing::emulator(1);
    let options = FreezeOptions {
        section: Some(".qspi_weights".into()),
        ..FreezeOptions::default()
    };
    for (path, contents) in files(&emulator, &options) {
        let text = String::from_utf8_lossy(&contents);
        let count = |part: &str| text.matches(part).count();
        if path == "src/weights.rs" {
            let named = count("#[unsafe(link_section = \".qspi_weights\")]\npub static ");
            assert!(named == 1 && count("pub static ") == 1, "{path}");
        } else {
            assert_eq!(count(".qspi_weights"), 0, "{path}");
        }
    }
    let folder = tempfile::tempdir().unwrap();
    for section in ["qspi", ".", ".two words", ".a\"b"] {
        let options = FreezeOptions {
            section: Some(section.into()),
            ..FreezeOptions::default()
        };
        let message = freeze(&emulator, &folder.path().join("out"), &options)
            .unwrap_err()
            .to_string();
        assert!(message.contains("cannot name a section"), "{message}");
    }
}
