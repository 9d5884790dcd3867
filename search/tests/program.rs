//! The program as a user runs it, on the bundled data.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_dense-search"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn thomson() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/thomson/thomson.npz")
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary folders have UTF-8 names")
}

/// Searches for 400 steps and returns the emulator's bytes.
fn searched(folder: &Path, name: &str, seed: &str, threads: &str) -> Vec<u8> {
    let out = folder.join(name);
    let data = thomson();
    let output = program(&[
        "search",
        text(&data),
        "--out",
        text(&out),
        "--steps",
        "400",
        "--seed",
        seed,
        "--threads",
        threads,
    ]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    fs::read(out.join("emulator.safetensors")).expect("a run has an emulator")
}

#[test]
fn a_seed_gives_its_bytes_whatever_the_threads_and_the_run_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let first = searched(folder.path(), "first", "5", "1");
    assert!(first == searched(folder.path(), "second", "5", "2"));
    assert!(first != searched(folder.path(), "third", "6", "2"));

    let (run, data) = (folder.path().join("first"), thomson());
    let output = program(&["evaluate", text(&run), text(&data), "--json"]);
    let line = String::from_utf8(output.stdout).unwrap();
    let figures: serde_json::Value = serde_json::from_str(line.lines().last().unwrap()).unwrap();
    assert_eq!(figures["samples"], 300);
    assert!(figures["mse_z"].as_f64().unwrap() < 0.5, "{figures}");

    let out = folder.path().join("predictions.npz");
    let output = program(&["predict", text(&run), text(&data), "-o", text(&out)]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(out.exists());

    let out = folder.path().join("frozen");
    let output = program(&["freeze", text(&run), "--out", text(&out)]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(out.join("src/model.rs").exists());
}

#[test]
fn a_budget_is_kept_by_what_ships() {
    let folder = tempfile::tempdir().unwrap();
    let (run, data) = (folder.path().join("run"), thomson());
    let budget = ["--budget-macs", "16000", "--budget-flash", "60000"];
    let arguments = ["search", text(&data), "--out", text(&run), "--json"];
    let extent = ["--steps", "400", "--teacher", "none"];
    let output = program(&[&arguments[..], &budget, &extent].concat());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let line = String::from_utf8(output.stdout).unwrap();
    let figures: serde_json::Value = serde_json::from_str(line.lines().last().unwrap()).unwrap();
    assert!(figures["macs"].as_u64().unwrap() <= 16_000, "{figures}");
    assert!(
        figures["flash_bytes"].as_u64().unwrap() <= 60_000,
        "{figures}"
    );
}

#[test]
fn bad_input_is_said_with_exit_code_2_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (run, bad) = (folder.path().join("run"), folder.path().join("bad.npz"));
    let whole = fs::read(thomson()).unwrap();
    fs::write(&bad, &whole[..whole.len() / 2]).unwrap();
    let csv = folder.path().join("bad.csv");
    fs::write(&csv, "a,b\n1,2\n3,many\n").unwrap();
    let data = thomson();
    let signed = folder.path().join("signed.csv");
    let rows: Vec<_> = (0..20).map(|k| format!("{k},{}\n", k - 7)).collect();
    fs::write(&signed, "a,b\n".to_owned() + &rows.concat()).unwrap();
    let cases: [(&[&str], &str); 7] = [
        (
            &[
                "search",
                text(&signed),
                "--inputs",
                "a",
                "--outputs",
                "b",
                "--transform",
                "log",
                "--out",
                text(&run),
            ],
            "positive",
        ),
        (&["search", text(&bad), "--out", text(&run)], "bad.npz"),
        (
            &["search", "nowhere.npz", "--out", text(&run)],
            "nowhere.npz",
        ),
        (
            &[
                "search",
                text(&csv),
                "--inputs",
                "a",
                "--outputs",
                "b",
                "--out",
                text(&run),
            ],
            "many",
        ),
        (
            &[
                "search",
                text(&data),
                "--space",
                "vast",
                "--out",
                text(&run),
            ],
            "vast",
        ),
        (
            &["search", text(&data), "--time", "soon", "--out", text(&run)],
            "5m",
        ),
        (&["evaluate", text(&run), text(&data)], "run"),
    ];
    for (arguments, named) in cases {
        let output = program(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
        assert!(!run.exists(), "{arguments:?}");
    }
}
