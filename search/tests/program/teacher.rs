//! `predict --teacher`: the stack that a race leaves in its run.

use super::{command, said, succeeds, text};
use std::fs;
use std::path::Path;
use std::process::Output;

const ROWS: usize = 80;
const FRESH: usize = 400;

/// Points that fill the unit square.
fn points(first: usize, count: usize) -> impl Iterator<Item = [f64; 2]> {
    (first..first + count).map(|k| {
        [
            (0.618_034 * k as f64).fract(),
            (0.754_878 * k as f64).fract(),
        ]
    })
}

/// Two outputs of different size.
fn truth([a, b]: [f64; 2]) -> [f64; 2] {
    [(3.0 * a).sin() + a * b, 100.0 * (4.0 * a * b).cos() - 7.0]
}

fn call(folder: &Path, arguments: &[&str]) -> Output {
    let output = command().current_dir(folder).args(arguments).output();
    output.expect("the program starts")
}

/// The numbers of a `.csv` and what its last column says.
fn table(file: &Path) -> Vec<(Vec<f64>, String)> {
    let text = fs::read_to_string(file).expect("the file was written");
    let lines = text.lines().skip(1).map(|line| {
        let (numbers, last) = line.rsplit_once(',').expect("there are several columns");
        let numbers = numbers.split(',').map(|cell| cell.parse());
        let numbers: Result<Vec<f64>, _> = numbers.collect();
        (numbers.expect("cells are numbers"), last.to_owned())
    });
    lines.collect()
}

/// Standard deviations of the outputs over the rows that train.
fn deviations() -> [f64; 2] {
    let all: Vec<[f64; 2]> = points(0, ROWS).map(truth).collect();
    [0, 1].map(|k| {
        let mean = all.iter().map(|y| y[k]).sum::<f64>() / ROWS as f64;
        let square = all.iter().map(|y| (y[k] - mean).powi(2)).sum::<f64>();
        (square / ROWS as f64).sqrt()
    })
}

#[test]
fn a_teacher_answers_fresh_inputs_as_well_as_the_race_said_of_its_stack() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let lines = points(0, ROWS).map(|x| {
        let y = truth(x);
        format!("{},{},{},{}\n", x[0], x[1], y[0], y[1])
    });
    let rows = "a,b,y,z\n".to_owned() + &lines.collect::<String>();
    fs::write(folder.join("rows.csv"), rows).unwrap();
    let lines = points(ROWS, FRESH).map(|x| format!("{},{}\n", x[0], x[1]));
    let fresh = "a,b\n".to_owned() + &lines.collect::<String>();
    fs::write(folder.join("fresh.csv"), fresh).unwrap();
    let file = folder.join("rows.csv");
    let search = |name: &str, extent: [&str; 2], threads: &str| {
        let out = folder.join(name);
        let arguments = [
            "search",
            text(&file),
            "--inputs",
            "a,b",
            "--outputs",
            "y,z",
            "--budget-macs",
            "8000",
            "--members",
            "1",
            "--teacher",
            "always",
            "--threads",
            threads,
            "--out",
            text(&out),
        ];
        succeeds(&[&arguments[..], &extent].concat());
        fs::read(out.join("teacher.safetensors")).unwrap()
    };
    let teacher = search("run", ["--steps", "300"], "2");
    let run = folder.join("run");
    let description = fs::read_to_string(run.join("run.json")).unwrap();
    let description: serde_json::Value = serde_json::from_str(&description).unwrap();
    let raced = description["report"]["race"].as_array().unwrap();
    let stack = raced.iter().find(|one| one["name"] == "stack").unwrap();
    let stated = stack["mse_z"].as_f64().unwrap();

    let predict = |out: &str, others: &[&str]| {
        let arguments = ["predict", "run", "fresh.csv", "-o", out];
        let output = call(folder, &[&arguments[..], others].concat());
        assert!(output.status.success(), "{}", said(&output));
        table(&folder.join(out))
    };
    let by_teacher = predict("teacher.csv", &["--teacher", "--threads", "2"]);
    assert_eq!(by_teacher.len(), FRESH);
    let (mut error, mut square) = (0.0, 0.0);
    for ((found, _), x) in by_teacher.iter().zip(points(ROWS, FRESH)) {
        for (k, (y, deviation)) in truth(x).into_iter().zip(deviations()).enumerate() {
            error += ((found[k] - y) / deviation).powi(2) / (2 * FRESH) as f64;
            square += (found[2 + k] / deviation).powi(2) / (2 * FRESH) as f64;
            assert_eq!(
                found[2 + k],
                by_teacher[0].0[2 + k],
                "of one size everywhere"
            );
        }
    }
    assert!(
        (0.2..2.5).contains(&(error / stated)),
        "{error:e}, {stated:e}"
    );
    assert!(
        (square / stated - 1.0).abs() < 1e-3,
        "{square:e}, {stated:e}"
    );
    // The emulator says of the same inputs whether they are in its domain.
    let by_emulator = predict("emulator.csv", &[]);
    let inside = |rows: &[(Vec<f64>, String)]| -> Vec<String> {
        rows.iter().map(|(_, inside)| inside.clone()).collect()
    };
    assert_eq!(inside(&by_teacher), inside(&by_emulator));
    assert_ne!(by_teacher, by_emulator);
    assert_eq!(
        predict("again.csv", &["--teacher", "--threads", "1"]),
        by_teacher
    );

    // The plan repeats the teacher as well.
    let plan = run.join("run.json");
    assert!(search("repeated", ["--plan", text(&plan)], "1") == teacher);

    let refused = |run: &str, parts: &[&str]| {
        let arguments = ["predict", run, "fresh.csv", "-o", "no.csv", "--teacher"];
        let output = call(folder, &arguments);
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        for part in parts {
            assert!(said(&output).contains(part), "{part}: {}", said(&output));
        }
        assert!(!folder.join("no.csv").exists());
    };
    refused(
        "run/emulator.safetensors",
        &["has no teacher", "name the folder"],
    );
    let kept = run.join("teacher.safetensors");
    let mut damaged = teacher.clone();
    *damaged.last_mut().unwrap() ^= 1;
    fs::write(&kept, damaged).unwrap();
    refused(
        "run",
        &["teacher.safetensors", "repeat the search", "checksum"],
    );
    fs::write(&kept, &teacher[..teacher.len() / 2]).unwrap();
    refused(
        "run",
        &["teacher.safetensors", "repeat the search", "damaged"],
    );
    fs::remove_file(&kept).unwrap();
    refused("run", &["the run has no teacher", "a race leaves one"]);
}
