//! Messages about unusable files: all problems are reported at once, and the suggested lines repair
//! the file when run as printed.

use super::skip::skipped;
use super::{command, doubles, npz, said};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Finds a Python with numpy, in the same places as other tests.
fn python() -> Option<PathBuf> {
    let python = match env::var_os("DENSE_PYTHON") {
        Some(python) => python.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../.venv/bin/python"),
    };
    let mut numpy = Command::new(&python);
    let has_numpy = numpy.args(["-c", "import numpy"]).output();
    match has_numpy.is_ok_and(|output| output.status.success()) {
        true => Some(python),
        false => {
            skipped("numpy, install with python3 -m venv .venv && .venv/bin/pip install numpy");
            None
        }
    }
}

/// Returns the exit code of `inspect` and its output on both streams.
fn inspect(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = command();
    command.current_dir(folder).arg("inspect").args(arguments);
    let output = command.output().expect("the program starts");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), said(&output) + &printed)
}

/// Runs the line at the end of a message.
fn run_line(folder: &Path, said: &str, python: Option<&Path>) {
    let line = said.lines().last().unwrap_or_default().trim();
    let line = match python {
        Some(python) => line.replacen("python3", &python.display().to_string(), 1),
        None => line.to_owned(),
    };
    let mut shell = Command::new("sh");
    let output = shell.current_dir(folder).args(["-c", &line]).output();
    let output = output.expect("there is a shell");
    assert!(output.status.success(), "{line}: {}", super::said(&output));
}

#[test]
fn faults_of_an_array_are_named_at_once_and_the_line_drops_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let name = "it's of a run.npz";
    let mut x: Vec<f64> = (0..400).map(|k| (0.618 * f64::from(k)).fract()).collect();
    let mut y: Vec<f64> = x.iter().map(|x| x * x).collect();
    for row in (0..200).step_by(5) {
        y[2 * row] = f64::NAN;
    }
    (y[3], y[5], x[14]) = (f64::INFINITY, 1e303, f64::NEG_INFINITY);
    let parts: Vec<u8> = (0..200).map(|row| u8::from(row % 7 == 0) * 2).collect();
    let arrays = [
        ("x", "<f8", &[200, 2][..], doubles(&x)),
        ("y", "<f8", &[200, 2], doubles(&y)),
        ("split", "|u1", &[200], parts),
    ];
    fs::write(folder.join(name), npz(&arrays)).unwrap();
    let (code, said) = inspect(folder, &[name]);
    assert_eq!(code, Some(2));
    for part in [
        "43 values in 43 of 200 rows cannot be used",
        "array \"y\", row 0 (from 0), column \"0\": NaN",
        "array \"y\", row 1 (from 0), column \"1\": inf",
        "row 2 (from 0), column \"1\": 1e303 (above 1e300)",
        "and 40 more",
        "the other 157 rows",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let Some(python) = python() else { return };
    run_line(folder, &said, Some(&python));
    let (code, said) = inspect(folder, &["it's of a run-usable.npz"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("157: "), "{said}");
}

#[test]
fn faults_of_a_text_are_named_at_once_and_the_line_drops_theirs() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cell = |row: usize| match row {
        3..=5 => "nan".to_owned(),
        9 => "many".to_owned(),
        12 => String::new(),
        20 => "-1e301".to_owned(),
        30 => "1e31".to_owned(),
        _ => (row * row % 17).to_string(),
    };
    let lines: String = (0..60)
        .map(|row| format!("{row},{}\n", cell(row)))
        .collect();
    fs::write(folder.join("runs.csv"), format!("a,y\n{lines}")).unwrap();
    let columns = ["--inputs", "a", "--outputs", "y"];
    let (code, said) = inspect(folder, &[&["runs.csv"][..], &columns].concat());
    assert_eq!(code, Some(2));
    for part in [
        "6 values in 6 of 60 rows cannot be used",
        "line 5, column \"y\": NaN; line 6",
        "and 3 more",
        "the other 54 rows",
        "sed '5,7d;11d;14d;22d' runs.csv > runs-usable.csv",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    run_line(folder, &said, None);
    let (code, said) = inspect(folder, &[&["runs-usable.csv"][..], &columns].concat());
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("rows     54"), "{said}");
}

#[test]
fn arrays_of_other_types_are_stored_anew_by_the_line_that_is_printed() {
    let Some(python) = python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // The faulty arrays, in Python; the expected message about them; the expected message about the
    // repaired file.
    let cases = [
        (
            "x_names=np.array(['a', 'b'], object)",
            "\"x_names\": expected numbers or text, got Python objects",
            "  a ",
        ),
        (
            "x_names=np.array([4, 7])",
            "\"x_names\": expected text, got numbers",
            "  7 ",
        ),
        (
            "y_names=np.array(['p', 'q'], object)",
            "\"y_names\": expected numbers or text",
            "  q ",
        ),
        (
            "y=y.astype(object)",
            "\"y\": expected numbers or text, got Python objects",
            "scalars, 2",
        ),
        (
            "x=x.astype(object)",
            "\"x\": expected numbers or text, got Python objects",
            "inputs   2",
        ),
        (
            "y=y + 1j",
            "\"y\": expected real numbers, got complex ones",
            "scalars, 4",
        ),
        (
            "y=y[:, 0] + 1j",
            "\"y\": expected real numbers, got complex ones",
            "scalars, 2",
        ),
        (
            "y=y + 1j, y_names=np.array(['p', 'q'])",
            "\"y\": expected real numbers, got complex ones",
            "  q_im ",
        ),
        (
            "y=y + 0j, y_names=np.array(['p', 'q']), y_layout='scalars'",
            "\"y\": expected real numbers, got complex ones",
            "  p_re ",
        ),
        (
            "x=x + x * 1j, x_names=np.array(['a', 'b']), x_log=np.array([True, False])",
            "\"x\": expected real numbers, got complex ones",
            "  b_im ",
        ),
        (
            "y=np.ones((60, 40)) * x[:, :1] * 1j",
            "got complex ones",
            "curves, 2 x 40",
        ),
        (
            "y=np.ones((60, 3, 40)) * x[:, :1, None] * 1j",
            "got complex ones",
            "curves, 6 x 40",
        ),
        (
            "y=y.astype(str)",
            "\"y\": expected numbers, got text",
            "scalars, 2",
        ),
        (
            "split=np.array(['train', 'test', 'validation', 'train'] * 15)",
            "\"split\": expected numbers, got text",
            "30 train, 15 validation, 15 test",
        ),
        (
            "split=np.array(['train', 'train', 'train', 'test'] * 15, object)",
            "\"split\": expected numbers or text, got Python objects",
            "45 train, 0 validation, 15 test",
        ),
        (
            "split=np.arange(60) % 4 == 3",
            "got true and false",
            "45 train, 0 validation, 15 test",
        ),
    ];
    // A single Python process writes all files: its start takes longer than the writing.
    let files = cases.iter().enumerate();
    let files = files.map(|(number, (wrong, ..))| {
        format!("np.savez('runs{number}.npz', **{{**dict(x=x, y=y), **dict({wrong})}})\n")
    });
    let program =
        "import numpy as np; x = np.random.default_rng(1).uniform(0, 1, (60, 2)); y = x ** 2\n";
    let program = program.to_owned() + &files.collect::<String>();
    let mut write = Command::new(&python);
    let status = write.current_dir(folder).args(["-c", &program]).status();
    assert!(status.unwrap().success(), "{program}");
    for (number, (wrong, expected, mended)) in cases.into_iter().enumerate() {
        let (code, said) = inspect(folder, &[&format!("runs{number}.npz")]);
        assert_eq!(code, Some(2), "{wrong}: {said}");
        assert!(said.contains(expected), "{wrong}: {said}");
        run_line(folder, &said, Some(&python));
        let (code, said) = inspect(folder, &[&format!("runs{number}-mended.npz")]);
        assert_eq!(code, Some(0), "{wrong}: {said}");
        assert!(said.contains(mended), "{wrong}: {said}");
    }
}
