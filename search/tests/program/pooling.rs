//! Validation rows of the user's file in a race: they train, or they judge and calibrate.

use super::{doubles, emulator, figures, npz, program, said, short, succeeds, text};
use dense_search::assemble::output_deviation;
use dense_search::data::{Dataset, Division, Pooling, ReadOptions, Split};
use dense_search::metrics;
use dense_search::run_folder::RunFolder;
use dense_search::search::Judged;
use std::fs;
use std::path::{Path, PathBuf};

const ROWS: usize = 80;

/// Writes a file of which a half trains, and a quarter each validates and tests.
fn data(folder: &Path) -> PathBuf {
    let x: Vec<f64> = (0..ROWS)
        .flat_map(|k| [(0.618 * k as f64).fract(), (0.755 * k as f64).fract()])
        .collect();
    let y: Vec<f64> = x
        .chunks_exact(2)
        .map(|x| (5.0 * x[0]).sin() * x[1])
        .collect();
    let split = (0..ROWS).map(|row| [0, 0, 1, 2][row % 4]).collect();
    let arrays = [
        ("x", "<f8", &[ROWS, 2][..], doubles(&x)),
        ("y", "<f8", &[ROWS], doubles(&y)),
        ("split", "|u1", &[ROWS], split),
    ];
    let path = folder.join("data.npz");
    fs::write(&path, npz(&arrays)).expect("a temporary folder can be written to");
    path
}

/// Holds a race of a few steps; returns its folder, and what it said.
fn raced(data: &Path, pool: &str) -> (PathBuf, String) {
    let run = data.with_file_name(pool);
    let search = ["search", text(data), "--pool-validation", pool];
    let output = program(&[&search[..], &short("120", text(&run))].concat());
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    let printed = String::from_utf8_lossy(&output.stdout);
    (run, said + &printed)
}

#[test]
fn validation_rows_train_and_folds_judge() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path());
    let (run, said) = raced(&data, "yes");
    let note = "the 20 validation rows of the file train too, beside 40 others";
    assert!(said.contains(note), "{said}");
    assert!(
        said.contains("on new rows, estimated out of fold"),
        "{said}"
    );
    let folder = RunFolder::at(&run);
    let report = folder.description().unwrap().report.unwrap();
    assert_eq!(report.judged, Judged::OutOfFold);
    assert_eq!(folder.unseen().unwrap().unwrap().rows.len(), 60);
    let spent = report.time_spent.unwrap();
    let line = format!("time spent       {}", spent.text());
    assert!(said.contains(&line), "{said}");
    assert!(spent.rounds > 0.0 && spent.last > 0.0 && spent.other > 0.0);
    // A clock that counts a thread twice would have more.
    assert!(spent.total() < 2.0 * spent.wall, "{spent:?}");
    for one in report.race.iter().filter(|one| one.steps > 0) {
        let least = one.rounds.iter().map(|round| round.mse_z);
        assert_eq!(one.mse_z, least.fold(f64::INFINITY, f64::min));
    }
    assert_eq!(
        report.race.iter().map(|one| one.rounds.len()).max(),
        Some(2)
    );
    // Few rows are pooled, if nobody says otherwise.
    let (auto, said) = raced(&data, "auto");
    assert!(said.contains(note), "{said}");
    let other = RunFolder::at(&auto).description().unwrap().report.unwrap();
    assert_eq!(other.val_mse_z, report.val_mse_z);
}

#[test]
fn validation_rows_do_not_train_but_judge_and_calibrate() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path());
    let (run, said) = raced(&data, "no");
    let note = "the 20 validation rows of the file do not train, as 40 others do";
    assert!(said.contains(note), "{said}");
    assert!(said.contains("on validation rows"), "{said}");
    assert!(!said.contains("estimated"), "{said}");
    let folder = RunFolder::at(&run);
    let description = folder.description().unwrap();
    assert_eq!(description.plan.pool_validation, Pooling::No);
    let report = description.report.unwrap();
    assert_eq!(report.judged, Judged::Validation);
    assert!(folder.unseen().unwrap().is_none());

    // The reported error is that of the emulator on the rows of the file.
    let read = Dataset::read(&data, &ReadOptions::default()).unwrap();
    let division = Division::Folds {
        hold_out: None,
        pool: Pooling::No,
    };
    let split = Split::divide(&read, 0, division).unwrap();
    assert_eq!((split.train.len(), split.validation.len()), (40, 20));
    let ships = dense_codegen::file::load(&folder.emulator()).unwrap();
    let deviation = output_deviation(&ships);
    let found = metrics::evaluate(&ships, &read, &split.validation, &deviation, 1);
    assert_eq!(report.val_mse_z, found.mse_z);
    let evaluate = ["evaluate", text(&run), text(&data), "--json"];
    let judged = figures(&[&evaluate[..], &["--split", "validation"]].concat());
    assert_eq!(judged["samples"], 20);
    assert_eq!(judged["mse_z"].as_f64(), Some(found.mse_z));
    assert_eq!(figures(&evaluate)["samples"], 20);

    // A plan keeps them apart too, unless it is told otherwise.
    let again = run.with_file_name("again");
    let file = run.join("run.json");
    let plan = ["search", text(&data), "--plan", text(&file)];
    let settings = ["--teacher", "none", "--threads", "1", "--out", text(&again)];
    succeeds(&[&plan[..], &settings].concat());
    assert_eq!(emulator(&again), emulator(&run));
}

#[test]
fn a_search_by_name_does_not_train_on_validation_rows() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path());
    let run = folder.path().join("run");
    let search = |pool: &'static str| {
        let search = ["search", text(&data), "--space", "micro"];
        let pool = ["--pool-validation", pool];
        program(&[&search[..], &pool, &short("20", text(&run))].concat())
    };
    let refused = search("yes");
    assert_eq!(refused.status.code(), Some(2));
    assert!(said(&refused).contains("--pool-validation yes is for races"));
    assert!(!run.exists());
    let output = search("no");
    assert!(output.status.success(), "{}", said(&output));
}
