//! Files that `freeze` writes besides the emulator's own code.

use super::{program, said, short, text, thomson};
use std::fs;
use std::path::Path;

#[test]
fn a_frozen_crate_takes_its_runtime_from_where_it_is_told_and_says_what_it_carries() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let data = thomson();
    let output = program(&[&["search", text(&data)][..], &short("20", text(&run))].concat());
    assert!(output.status.success(), "{}", said(&output));
    let freeze = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let output = program(
            &[
                &["freeze", text(&run), "--json", "--out", text(&out)][..],
                more,
            ]
            .concat(),
        );
        (out, output)
    };
    let carries = |output: &std::process::Output| -> serde_json::Value {
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        report["carries"].clone()
    };
    let (out, output) = freeze("carried", &[]);
    let licence = serde_json::json!([{
        "name": "dense-runtime", "version": env!("CARGO_PKG_VERSION"),
        "licence": "MIT OR Apache-2.0", "folder": "dense-runtime",
    }]);
    assert_eq!(carries(&output), licence);
    assert!(out.join("dense-runtime/LICENSE-MIT").exists());

    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).join("../runtime");
    let (out, output) = freeze("path", &["--runtime", &format!("path={}", text(&runtime))]);
    assert_eq!(carries(&output), serde_json::json!([]));
    let manifest = fs::read_to_string(out.join("Cargo.toml")).unwrap();
    assert!(
        manifest.contains("package = \"dense-runtime\", path = \"/"),
        "{manifest}"
    );

    let (out, output) = freeze("registry", &["--runtime", "registry"]);
    assert_eq!(carries(&output), serde_json::json!([]));
    let manifest = fs::read_to_string(out.join("Cargo.toml")).unwrap();
    let version = format!(
        "dense-runtime = {{ version = \"={}\"",
        env!("CARGO_PKG_VERSION")
    );
    assert!(manifest.contains(&version), "{manifest}");

    for (source, told) in [
        (
            "path=none",
            "is not the manifest of dense-runtime; give the folder",
        ),
        ("elsewhere", "expected carried, registry or path=FOLDER"),
    ] {
        let (out, output) = freeze("refused", &["--runtime", source]);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(told), "{}", said(&output));
        assert!(!out.exists());
    }
}
