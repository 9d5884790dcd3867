//! The bundled Thomson scattering spectra can be reproduced with their generator.

use dense_tests::{repository, skip::skipped};
use std::env;
use std::path::PathBuf;
use std::process::Command;

/// The Python with the generator's requirements: the environment variable `DENSE_PYTHON`, else
/// `.venv` at the top.
fn python() -> Option<PathBuf> {
    let python = match env::var_os("DENSE_PYTHON") {
        Some(path) => PathBuf::from(path),
        None => repository().join(".venv/bin/python"),
    };
    let has_simulator = Command::new(&python)
        .args(["-c", "import plasmapy"])
        .output()
        .ok()?;
    has_simulator.status.success().then_some(python)
}

#[test]
fn the_simulator_gives_the_shipped_spectra() {
    let Some(python) = python() else {
        return skipped(
            "plasmapy, install with python3 -m venv .venv && \
             .venv/bin/pip install -r examples/thomson/requirements.txt",
        );
    };
    let generator = repository().join("examples/thomson/generate.py");
    let output = Command::new(python)
        .arg(generator)
        .args(["--check", "20"])
        .output()
        .expect("python starts");
    let (said, complaint) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{said}{complaint}");
    assert!(said.contains("20 rows computed again"), "{said}{complaint}");
}
