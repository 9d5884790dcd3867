//! Collections that are killed or meet a second one, and runs that are too long.

use super::Case;
use crate::{command, said};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

#[test]
fn a_kill_in_the_middle_runs_nothing_twice_and_loses_nothing() {
    let simulator = "echo $1 >> ${0%/*}/ran\nsleep 0.1\necho $1 > $2";
    let case = Case::new(30, simulator);
    // The runs that go on at each kill end without it.
    for begun in [3, 9, 20] {
        case.killed_after(begun);
        assert!(!case.path("data.npz").exists());
    }
    let figures = case.collected(&[]);
    assert_eq!(figures["rows"], 30);
    assert_eq!(case.ran(), (0..30).collect::<Vec<_>>());
    assert_eq!(case.data().y(), (0..30).map(f64::from).collect::<Vec<_>>());

    // A longer design adds its rows alone.
    case.design(33);
    let figures = case.collected(&[]);
    assert_eq!(
        (&figures["rows"], &figures["started"]),
        (&33.into(), &3.into())
    );
    assert_eq!(case.ran(), (0..33).collect::<Vec<_>>());
}

/// Where the machine goes down, the runs end with it: they have to be run again, and they alone.
#[test]
fn runs_that_were_killed_too_are_run_again() {
    let case = Case::new(8, "echo $1 >> ${0%/*}/ran\nsleep 0.3\necho $1 > $2");
    case.killed_after(6);
    let groups = fs::read_dir(case.path("data.npz.runs")).unwrap();
    let mut killed = 0;
    for folder in groups.flatten().map(|entry| entry.path()) {
        let group = fs::read_to_string(folder.join("group")).unwrap_or_default();
        if !group.is_empty() && !folder.join("code").exists() {
            let group = format!("-{}", group.trim());
            let kill = Command::new("kill").args(["-9", "--", &group]).status();
            killed += usize::from(kill.unwrap().success());
        }
    }
    assert!(killed > 0);
    let figures = case.collected(&[]);
    assert_eq!(figures["rows"], 8);
    assert!(case.ran().len() <= 8 + killed);
    assert_eq!(case.data().y(), (0..8).map(f64::from).collect::<Vec<_>>());
}

#[test]
fn a_run_that_hangs_on_after_a_kill_meets_its_limit_and_can_be_run_again() {
    let case = Case::new(
        3,
        "echo $1 >> ${0%/*}/ran\n[ $1 = 1 ] && sleep 1000\necho $1 > $2",
    );
    case.killed_after(3);
    let figures = case.collected(&["--timeout", "1s"]);
    assert_eq!(
        (&figures["rows"], &figures["failed"]),
        (&2.into(), &1.into())
    );
    assert_eq!(case.ran(), [0, 1, 2]);

    // The folder is of this command alone.
    let other = ["--command", "cat {input}"];
    let mut command = command();
    let other = command
        .current_dir(case.folder.path())
        .args(["collect", "design.csv", "-o", "data.npz"])
        .args(other);
    let output = other.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("another simulator: command"),
        "{}",
        said(&output)
    );

    // Mended, what failed is run again when asked for.
    fs::write(case.path("sim.sh"), "echo $1 >> ${0%/*}/ran\necho $1 > $2").unwrap();
    assert_eq!(case.collected(&[])["failed"], 1);
    let figures = case.collected(&["--retry-failed"]);
    assert_eq!(
        (&figures["rows"], &figures["started"]),
        (&3.into(), &1.into())
    );
    assert!(!case.path("data.npz.runs/failed.csv").exists());
}

/// Children with a group, a session, neither parent nor environment of the run's: none outlives its time limit.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_is_too_long_leaves_no_process_behind() {
    let simulator = r#"
        here=${0%/*}
        nap='echo $$ >> "$0/pids"; while :; do sleep 0.3; done'
        set -m
        sh -c "$nap" "$here" &
        set +m
        setsid sh -c "$nap" "$here" &
        (setsid sh -c "$nap" "$here" &)
        env -i PATH="$PATH" setsid sh -c "$nap" "$here" &
        while [ "$(wc -l < "$here/pids")" -lt 4 ]; do sleep 0.02; done
        wait"#;
    let pids = |case: &Case| -> Vec<PathBuf> {
        let text = fs::read_to_string(case.path("pids")).unwrap();
        text.lines()
            .map(|pid| Path::new("/proc").join(pid))
            .collect()
    };
    let gone = |case: &Case| {
        let left = |path: &PathBuf| {
            let status = fs::read_to_string(path.join("stat")).unwrap_or_default();
            !status.is_empty() && !status.contains(") Z ")
        };
        let left: Vec<_> = pids(case).into_iter().filter(left).collect();
        assert!(left.is_empty(), "{left:?}");
    };
    // By the program that started it.
    let case = Case::new(1, simulator);
    let output = case.command(&["--timeout", "2s"]).output().unwrap();
    assert!(
        said(&output).contains("killed after 2 s"),
        "{}",
        said(&output)
    );
    assert_eq!(pids(&case).len(), 4);
    gone(&case);

    // By a later start.
    let case = Case::new(1, simulator);
    let mut child = case.command(&[]).spawn().unwrap();
    let began = Instant::now();
    while !case.path("pids").exists() || pids(&case).len() < 4 {
        assert!(began.elapsed() < Duration::from_secs(60), "no run begins");
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(pids(&case).iter().all(|path| path.exists()));
    let output = case.command(&["--timeout", "1s"]).output().unwrap();
    assert!(
        said(&output).contains("killed after 1 s"),
        "{}",
        said(&output)
    );
    gone(&case);
}

#[test]
fn two_collections_never_share_a_folder() {
    let case = Case::new(4, "echo $1 >> ${0%/*}/ran\nsleep 1\necho $1 > $2");
    let mut first = case.command(&[]).spawn().unwrap();
    while case.ran().is_empty() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let second = case.command(&[]).output().unwrap();
    assert_eq!(second.status.code(), Some(2));
    let holder = format!("dense-search collect (process {} on ", first.id());
    for part in [&holder, " UTC) is at work there; ", "is dead", "remove "] {
        assert!(said(&second).contains(part), "{part}: {}", said(&second));
    }
    assert!(first.wait().unwrap().success());
    assert_eq!(case.ran(), [0, 1, 2, 3]);
}
