//! Two programs that write to the same run.

use super::{command, program, said, short, text, thomson, wait_for};
use std::fs;
use std::process::Stdio;

#[test]
fn the_second_program_is_told_of_the_first_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (run, data) = (folder.path().join("run"), thomson());
    let arguments = [&["search", text(&data)][..], &short("10000000", text(&run))].concat();
    let mut command = command();
    let first = command
        .args(&arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut first = first.spawn().expect("the program starts");
    wait_for(&run.join("run.json"));
    let described = fs::read(run.join("run.json")).unwrap();

    let holder = format!("dense-search search (process {} on ", first.id());
    for second in [&arguments[..], &["resume", text(&run)]] {
        let output = program(second);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{second:?}: {said}");
        for part in [
            &holder,
            "is at work there",
            "since 20",
            " UTC",
            "is dead",
            "remove ",
        ] {
            assert!(said.contains(part), "{second:?}, {part}: {said}");
        }
    }
    // A reader is not advised to resume a run that is active.
    let output = program(&["evaluate", text(&run), text(&data)]);
    let said_of_it = said(&output);
    assert!(
        said_of_it.contains("the run goes on, by dense-search search"),
        "{said_of_it}"
    );
    assert_eq!(fs::read(run.join("run.json")).unwrap(), described);
    assert!(first.try_wait().unwrap().is_none(), "the first goes on");

    // The system releases the lock of a killed program.
    first.kill().unwrap();
    first.wait().unwrap();
    let output = program(&arguments);
    let said = said(&output);
    assert!(
        said.contains("there is an unfinished run; continue it with"),
        "{said}"
    );
}

#[test]
fn of_searches_that_begin_at_once_one_runs_and_the_others_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let (run, data) = (folder.path().join("run"), thomson());
    let arguments = [&["search", text(&data)][..], &short("300", text(&run))].concat();
    let start = |_| {
        let mut command = command();
        let child = command
            .args(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        child.spawn().expect("the program starts")
    };
    let all: Vec<_> = (0..3).map(start).collect();
    let all = all.into_iter().map(|one| one.wait_with_output().unwrap());
    let (done, refused): (Vec<_>, Vec<_>) = all.partition(|one| one.status.success());
    assert_eq!(done.len(), 1);
    for output in refused {
        assert_eq!(output.status.code(), Some(2));
        let said = said(&output);
        // The first one may have ended before a later one checks.
        let is_told = said.contains("is at work there") || said.contains("there is a run already");
        assert!(is_told, "{said}");
    }
    assert!(run.join("emulator.safetensors").exists());
}
