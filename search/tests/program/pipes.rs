//! Readers that end before the program does: `dense-search man | head -n1`.

use super::{command, doubles, npz, short};
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Returns a pipe without a reader.
fn closed() -> Stdio {
    let (reader, writer) = std::io::pipe().expect("the system has pipes");
    drop(reader);
    writer.into()
}

fn unread(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = command();
    command.current_dir(folder).args(arguments).stdout(closed());
    let output = command.stderr(Stdio::piped()).output();
    output.expect("the program starts")
}

#[test]
fn nothing_is_said_and_nothing_is_lost_where_nobody_reads() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let x: Vec<f64> = (0..60).map(|k| (0.618 * f64::from(k)).fract()).collect();
    let y: Vec<f64> = x.iter().map(|x| (5.0 * x).sin()).collect();
    let arrays = [
        ("x", "<f8", &[60][..], doubles(&x)),
        ("y", "<f8", &[60], doubles(&y)),
    ];
    fs::write(folder.join("data.npz"), npz(&arrays)).unwrap();
    let parameter = "[[parameter]]\nname = \"a\"\nlow = 0\nhigh = 1\n";
    fs::write(folder.join("p.toml"), parameter).unwrap();

    // A search prints notes during the run, and its result at the end.
    let mut searched = command();
    searched
        .current_dir(folder)
        .args(["search", "data.npz", "--hold-out", "0.2"]);
    searched.args(short("60", "run"));
    let status = searched.stdout(closed()).stderr(closed()).status();
    assert_eq!(status.unwrap().code(), Some(0));
    assert!(folder.join("run/emulator.safetensors").exists());

    let calls: [&[&str]; 15] = [
        &["man"],
        &["man", "search"],
        &["man", "--out", "pages"],
        &["--help"],
        &["search", "--help"],
        &["--version"],
        &["completions", "bash"],
        &["inspect", "data.npz"],
        &["inspect", "data.npz", "--json"],
        &["space", "micro", "--for", "data.npz"],
        &["evaluate", "run", "data.npz"],
        &["predict", "run", "data.npz", "-o", "p.csv"],
        &["freeze", "run", "--out", "frozen"],
        &["export", "run", "-o", "m.onnx"],
        &["report", "run", "-o", "r.html", "--no-latency"],
    ];
    for arguments in calls {
        let output = unread(folder, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {said}");
        assert!(said.is_empty(), "{arguments:?}: {said}");
    }
    // A full disk is reported in one line, and no partial file is left.
    for output in ["full.npz", "full.csv", "full.onnx"] {
        let call = match output {
            "full.onnx" => "export run",
            _ => "predict run many.csv",
        };
        let program = env!("CARGO_BIN_EXE_dense-search");
        let line = format!("trap '' XFSZ; ulimit -f 8; '{program}' {call} -o {output}");
        let inputs: String = (0..5000).map(|k| format!("0.{k}\n")).collect();
        fs::write(folder.join("many.csv"), format!("x0\n{inputs}")).unwrap();
        let mut shell = Command::new("sh");
        let output = shell
            .current_dir(folder)
            .args(["-c", &line])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert_eq!(said.lines().count(), 1, "{line}: {said}");
        assert!(
            said.starts_with("dense-search: ") && !said.contains("Zip"),
            "{said}"
        );
        let names = fs::read_dir(folder).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let left: Vec<String> = names
            .filter(|name| name.starts_with("full") || name.contains(".partial"))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
    // Errors are still reported as errors.
    let output = unread(folder, &["evaluate", "nowhere", "data.npz"]);
    assert_eq!(output.status.code(), Some(2));
    let mut command = command();
    let wrong = command.current_dir(folder).args(["resume", "nowhere"]);
    let status = wrong.stderr(closed()).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
