//! The rows that `evaluate` judges, and the assignment of columns.

use super::{command, doubles, npz, said, short};
use dense_search::assemble::output_deviation;
use dense_search::data::{Dataset, Part, ReadOptions, Split};
use dense_search::metrics;
use serde_json::Value;
use std::fs;
use std::path::Path;

const ROWS: usize = 60;

/// A call in a folder: its standard output and standard error.
struct Call {
    code: Option<i32>,
    figures: Value,
    said: String,
}

fn call(folder: &Path, arguments: &[&str]) -> Call {
    let mut command = command();
    let output = command.current_dir(folder).args(arguments).output();
    let output = output.expect("the program starts");
    let printed = String::from_utf8_lossy(&output.stdout);
    Call {
        code: output.status.code(),
        figures: serde_json::from_str(printed.lines().last().unwrap_or_default())
            .unwrap_or_default(),
        said: said(&output),
    }
}

/// Two inputs at points that fill the unit square, and an output.
fn points(first: usize) -> (Vec<f64>, Vec<f64>) {
    let x: Vec<f64> = (first..first + ROWS)
        .flat_map(|k| [(0.618 * k as f64).fract(), (0.755 * k as f64).fract()])
        .collect();
    let y = x.chunks_exact(2).map(|x| (5.0 * x[0]).sin() * x[1]);
    let y = y.collect();
    (x, y)
}

fn file(first: usize, split: Option<&[u8]>) -> Vec<u8> {
    let (x, y) = points(first);
    let mut arrays = vec![
        ("x", "<f8", vec![ROWS, 2], doubles(&x)),
        ("y", "<f8", vec![ROWS], doubles(&y)),
    ];
    if let Some(split) = split {
        arrays.push(("split", "|u1", vec![ROWS], split.to_vec()));
    }
    let arrays: Vec<_> = arrays
        .iter()
        .map(|(name, descr, shape, bytes)| (*name, *descr, &shape[..], bytes.clone()))
        .collect();
    npz(&arrays)
}

/// The figures, computed by the library, of the rows that a search with this seed kept separate.
fn of_the_run(folder: &Path, data: &str, seed: u64, part: Part) -> (usize, f64) {
    let data = Dataset::read(&folder.join(data), &ReadOptions::default());
    let data = data.expect("the test wrote it");
    let split = Split::resolve(&data, seed).expect("it has enough rows");
    let rows = match part {
        Part::Train => split.train,
        Part::Validation => split.validation,
        Part::Test => split.test,
    };
    let file = folder.join("run/emulator.safetensors");
    let emulator = dense_codegen::file::load(&file).expect("the run has one");
    let deviation = output_deviation(&emulator);
    let found = metrics::evaluate(&emulator, &data, &rows, &deviation, 1);
    (rows.len(), found.mse_z)
}

#[test]
fn the_runs_own_file_is_judged_on_the_rows_that_the_run_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("own.npz"), file(0, None)).unwrap();
    fs::write(folder.join("fresh.npz"), file(900, None)).unwrap();
    let parts: Vec<u8> = (0..ROWS).map(|row| 2 * u8::from(row % 2 == 0)).collect();
    fs::write(folder.join("parts.npz"), file(900, Some(&parts))).unwrap();
    fs::write(folder.join("train.npz"), file(900, Some(&[0; ROWS]))).unwrap();
    let search = ["search", "own.npz", "--space", "micro", "--seed", "3"];
    let search = [&search[..], &short("60", "run")].concat();
    assert_eq!(call(folder, &search).code, Some(0));

    let judged = |arguments: &[&str]| {
        let found = call(
            folder,
            &[&["evaluate", "run"], arguments, &["--json"]].concat(),
        );
        assert_eq!(found.code, Some(0), "{arguments:?}: {}", found.said);
        found
    };
    // Detects judging of all 60 rows, most of which were trained on.
    let parts = [
        (&["own.npz"][..], Part::Test, 12),
        (&["own.npz", "--split", "test"], Part::Test, 12),
        (&["own.npz", "--split", "validation"], Part::Validation, 6),
        (&["own.npz", "--split", "train"], Part::Train, 42),
    ];
    for (arguments, part, count) in parts {
        let Call { figures, said, .. } = judged(arguments);
        let (rows, mse_z) = of_the_run(folder, "own.npz", 3, part);
        assert_eq!((rows, &figures["samples"]), (count, &count.into()));
        assert_eq!(figures["mse_z"].as_f64(), Some(mse_z), "{arguments:?}");
        assert_eq!(figures["part"], part.name());
        assert_eq!(figures["split_by"], "run");
        assert!(said.is_empty(), "{said}");
    }
    // An emulator file also identifies its rows.
    let file = "run/emulator.safetensors";
    let found = call(folder, &["evaluate", file, "own.npz", "--json"]);
    assert_eq!(found.figures["samples"], 12);

    let fresh = judged(&["fresh.npz"]);
    assert_eq!(fresh.figures["samples"], ROWS);
    assert_eq!(fresh.figures["part"], Value::Null);
    assert!(
        fresh.said.contains("all 60 rows are judged"),
        "{}",
        fresh.said
    );
    let parts = judged(&["parts.npz"]);
    assert_eq!(parts.figures["samples"], ROWS / 2);
    assert_eq!(parts.figures["split_by"], "file");

    for (arguments, expected) in [
        (&["fresh.npz", "--split", "train"][..], "no array \"split\""),
        (&["fresh.npz", "--split", "test"], "without --split"),
        (&["train.npz"], "the parts there are: train (60 rows)"),
    ] {
        let found = call(folder, &[&["evaluate", "run"], arguments].concat());
        assert_eq!(found.code, Some(2), "{arguments:?}");
        assert!(
            found.said.contains(expected),
            "{arguments:?}: {}",
            found.said
        );
    }

    let page = ["report", "run", "-o", "report.html", "--no-latency"];
    assert_eq!(call(folder, &page).code, Some(0));
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("Half of the 12 test runs"));
}

#[test]
fn outputs_and_inputs_are_matched_by_name_and_judged_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // p, in pascal, depends on a; q, a share, is random. Pooled, the errors would be "within 1 %".
    let (x, _) = points(0);
    let rows = x.chunks_exact(2).enumerate();
    let lines = rows.map(|(k, x)| {
        let share = 0.5 + 0.1 * (4000.0 * (k * k % 59) as f64).sin();
        format!("{},{},{},{share}\n", x[0], x[1], 1e3 + 100.0 * x[0])
    });
    let lines: String = lines.collect();
    fs::write(folder.join("data.csv"), format!("a,b,p,q\n{lines}")).unwrap();
    let data = |command: &'static str, inputs: &'static str, outputs: &'static str| {
        [
            command,
            "data.csv",
            "--inputs",
            inputs,
            "--outputs",
            outputs,
        ]
    };
    let search = data("search", "a,b", "p,q");
    let search = [&search[..], &["--space", "micro"], &short("300", "run")].concat();
    let mut searched = command();
    let searched = searched.current_dir(folder).args(&search).output().unwrap();
    assert_eq!(searched.status.code(), Some(0), "{}", said(&searched));
    let printed = String::from_utf8_lossy(&searched.stdout);
    assert!(printed.contains("worst output     q: R2 "), "{printed}");
    assert!(!printed.contains("relative error   "), "{printed}");

    let judged = |inputs: &'static str, outputs: &'static str| {
        let data = data("data", inputs, outputs);
        call(
            folder,
            &[&["evaluate", "run"], &data[1..], &["--json"]].concat(),
        )
    };
    let right = judged("a,b", "p,q");
    assert!(right.said.is_empty(), "{}", right.said);
    let r2 = |output: usize| right.figures["outputs"][output]["r2"].as_f64().unwrap();
    assert_eq!(right.figures["outputs"][1]["name"], "q");
    assert!(r2(0) > 0.9 && r2(1) < 0.5, "{}", right.figures);
    let page = ["report", "run", "-o", "report.html", "--no-latency"];
    assert_eq!(call(folder, &page).code, Some(0));
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("The worst of 2 outputs is q: half of the 12 test runs"));
    for (inputs, outputs, moved) in [
        ("a,b", "q,p", "the outputs q, p are taken by name"),
        ("b,a", "p,q", "the inputs b, a are taken by name"),
    ] {
        let found = judged(inputs, outputs);
        assert_eq!(found.figures, right.figures, "{inputs} {outputs}");
        assert!(found.said.contains(moved), "{}", found.said);
    }
    let named_by_the_run = call(folder, &["evaluate", "run", "data.csv", "--json"]);
    assert_eq!(named_by_the_run.figures, right.figures);
    for (inputs, outputs, expected) in [
        ("a,p", "b,q", "expected the inputs a, b"),
        ("a,b", "p", "expected the outputs p, q"),
    ] {
        let found = judged(inputs, outputs);
        assert_eq!(found.code, Some(2));
        assert!(found.said.contains(expected), "{}", found.said);
    }
}
