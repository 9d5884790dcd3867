//! The commands of docs/guide.md, in order, with shorter searches: they work as written in the
//! guide.

use super::said;
use super::skip::skipped;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Texts of the guide and their replacements in the test.
const SHORTER: [(&str, &str); 2] = [("-n 16", "-n 2"), ("--time 2m", "--steps 200")];

fn repository() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    folder.canonicalize().expect("the repository is there")
}

/// The lines of the blocks marked `sh`; other blocks are not run.
fn commands(guide: &str) -> String {
    let (mut inside, mut lines) = (false, String::new());
    for line in guide.lines() {
        match line {
            "```sh" => inside = true,
            "```" => inside = false,
            _ if inside => lines += &format!("{line}\n"),
            _ => {}
        }
    }
    lines
}

#[test]
fn the_commands_of_the_guide_run_as_they_are_printed() {
    let python = repository().join(".venv/bin/python");
    if !python.exists() {
        skipped(
            "plasmapy, install with python3 -m venv .venv && \
             .venv/bin/pip install -r examples/thomson/requirements.txt",
        );
        return;
    }
    let guide = fs::read_to_string(repository().join("docs/guide.md")).unwrap();
    let mut script = commands(&guide);
    for (long, short) in SHORTER {
        assert!(script.contains(long), "the guide has no {long:?}");
        script = script.replace(long, short);
    }
    let folder = tempfile::tempdir().unwrap();
    for name in ["examples", "search", ".venv"] {
        std::os::unix::fs::symlink(repository().join(name), folder.path().join(name)).unwrap();
    }
    let program = Path::new(env!("CARGO_BIN_EXE_dense-search"));
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-exc", &script])
        .current_dir(folder.path())
        .env(
            "PATH",
            format!("{}:{path}", program.parent().unwrap().display()),
        )
        .output()
        .unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    for file in [
        "design.csv",
        "runs.npz",
        "run/emulator.safetensors",
        "answers.csv",
    ] {
        assert!(folder.path().join(file).exists(), "{file}: {said}");
    }
}
