//! `--time` is the wall time of the whole command, including what races or trains beside a search.

use super::{command, thomson};
use std::fs;
use std::path::Path;
use std::time::Instant;

/// The requested time in seconds.
const SECONDS: f64 = 6.0;
/// The tolerated relative deviation of a run's time.
const SHARE: f64 = 0.1;
/// The machine may be busy with other work: one of this number of runs must meet its time.
const TRIES: usize = 3;

#[test]
fn a_search_keeps_its_time_within_a_tenth_and_its_steps_repeat_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = thomson();
    let search = |name: &str, extent: &[&str]| {
        let out = folder.path().join(name);
        let began = Instant::now();
        let output = command()
            .args([
                Path::new("search"),
                &data,
                Path::new("--json"),
                Path::new("--space"),
                Path::new("micro"),
                Path::new("--out"),
                &out,
            ])
            .args(extent)
            .output()
            .unwrap();
        assert!(output.status.success());
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let contenders = report["contenders"].as_array().unwrap();
        let steps = |role: &str| {
            let one = contenders.iter().find(|one| one["role"] == role);
            one.and_then(|one| one["steps"].as_u64())
        };
        let steps = (steps("search").unwrap(), steps("control"));
        (began.elapsed().as_secs_f64(), steps, out)
    };
    let mut times = Vec::new();
    for number in 0..TRIES {
        let (seconds, (steps, control), out) = search(
            &format!("timed {number}"),
            &["--time", &format!("{SECONDS}s")],
        );
        times.push(seconds);
        if (seconds / SECONDS - 1.0).abs() <= SHARE {
            let (_, _, repeated) = search("repeated", &["--steps", &steps.to_string()]);
            let bytes = |run: &Path, name: &str| {
                let file = run
                    .join("contenders")
                    .join(name)
                    .with_extension("safetensors");
                fs::read(file).unwrap()
            };
            assert!(
                bytes(&out, "micro") == bytes(&repeated, "micro"),
                "{steps} steps"
            );
            assert!(!repeated.join("contenders/control.safetensors").exists());
            // Repeats the control beside the search with its own number of steps.
            let steps = control
                .expect("a search with a time has a control")
                .to_string();
            let control = ["--control=beside", "--steps", &steps];
            let (_, _, repeated) = search("control repeated", &control);
            assert!(
                bytes(&out, "control") == bytes(&repeated, "control"),
                "{steps} steps"
            );
            return;
        }
    }
    panic!("{SECONDS} s were asked for, the runs took {times:?} s");
}

#[test]
fn a_race_keeps_its_time_within_a_tenth_and_its_plan_repeats_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = thomson();
    let mut times = Vec::new();
    for number in 0..TRIES {
        let [out, repeated] = ["timed", "repeated"].map(|what| {
            let name = format!("{what} {number}");
            folder.path().join(name)
        });
        let race = |out: &Path, extent: [&str; 2]| {
            let began = Instant::now();
            let arguments = [Path::new("search"), &data, Path::new("--out"), out];
            let output = command().args(arguments).args(extent).output().unwrap();
            assert!(output.status.success(), "{}", super::said(&output));
            began.elapsed().as_secs_f64()
        };
        times.push(race(&out, ["--time", &format!("{SECONDS}s")]));
        if (times[number] / SECONDS - 1.0).abs() <= SHARE {
            let plan = out.join("run.json");
            race(&repeated, ["--plan", super::text(&plan)]);
            assert!(super::emulator(&out) == super::emulator(&repeated));
            return;
        }
    }
    panic!("{SECONDS} s were asked for, the races took {times:?} s");
}

/// A plan with the winner's round, which only long runs have, and the networks of its five folds as
/// teachers.
#[test]
fn a_plan_with_a_round_of_the_winner_is_carried_out_and_repeats_itself() {
    let folder = tempfile::tempdir().unwrap();
    let data = thomson();
    let race = |name: &str, extent: [&str; 2]| {
        let out = folder.path().join(name);
        let arguments = [Path::new("search"), &data, Path::new("--out"), &out];
        let arguments = arguments.into_iter().chain([Path::new("-v")]);
        let output = command().args(arguments).args(extent).output().unwrap();
        assert!(output.status.success(), "{}", super::said(&output));
        (out, super::said(&output))
    };
    let (short, _) = race("short", ["--steps", "160"]);
    let description = fs::read(short.join("run.json")).unwrap();
    let mut description: serde_json::Value = serde_json::from_slice(&description).unwrap();
    let plan = &mut description["report"]["plan"];
    assert_eq!(plan["rounds"], serde_json::json!([10, 40]));
    plan["rounds"] = serde_json::json!([10, 40, 320]);
    plan["is_taught"] = true.into();
    plan["fresh"] = 2000.into();
    let asked = folder.path().join("asked.json");
    fs::write(&asked, description.to_string()).unwrap();
    let (out, said) = race("asked for", ["--plan", super::text(&asked)]);
    let by_steps = |steps: &str| said.matches(&format!("after {steps} steps")).count();
    assert_eq!(["10", "40", "320"].map(by_steps), [5, 2, 1], "{said}");
    assert!(said.contains("learns from a stack of models"), "{said}");
    let (again, _) = race("again", ["--plan", super::text(&out.join("run.json"))]);
    assert!(super::emulator(&out) == super::emulator(&again));
}
