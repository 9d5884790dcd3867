//! Runs that are killed or interrupted, and their results.

use super::tier::of_tier;
use super::{command, emulator, text, thomson, wait_for};
use dense_search::streams::stream;
use rand::Rng;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Steps of the last training: with the rounds before it, enough for a few checkpoints.
const STEPS: &str = "2500";

fn begin(arguments: &[&str], run: &Path) -> Child {
    command()
        .args(arguments)
        .arg(run)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts")
}

fn search(run: &Path, extent: [&str; 2]) -> Child {
    let data = thomson();
    let data = text(&data);
    begin(
        &["search", data, extent[0], extent[1], "--seed", "3", "--out"],
        run,
    )
}

/// Returns the histories of the trainings without their seconds.
fn history(run: &Path) -> serde_json::Value {
    let text = fs::read(run.join("history.json")).expect("the run has a history");
    let mut history: serde_json::Value = serde_json::from_slice(&text).expect("it is JSON");
    for training in history["trainings"].as_array_mut().into_iter().flatten() {
        for record in training["records"].as_array_mut().into_iter().flatten() {
            record["seconds"].take();
        }
    }
    history
}

/// Waits until the run has written its description: it can be resumed from then on.
fn wait_for_description(run: &Path) {
    wait_for(&run.join("run.json"));
}

#[test]
fn a_run_killed_at_any_moment_resumes_to_the_bytes_of_the_unbroken_run() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let began = Instant::now();
    assert!(search(&whole, ["--steps", STEPS]).wait().unwrap().success());
    let lasted = began.elapsed();
    let (expected, went) = (emulator(&whole), history(&whole));
    let records = went["trainings"][0]["records"].as_array().map(Vec::len);
    assert!(records.is_some_and(|records| records > 100), "{records:?}");
    let pareto = |run: &Path| fs::read(run.join("pareto.json")).unwrap();
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_nanos() as u64;
    println!("moments drawn from {seed}");
    let mut random = stream(seed, "kills");
    for time in 0..of_tier(2, 10) {
        let run = folder.path().join(format!("killed {time}"));
        let mut child = search(&run, ["--steps", STEPS]);
        wait_for_description(&run);
        let mut kills = Vec::new();
        // Sometimes the resumed run is killed too.
        while random.random_bool(if kills.is_empty() { 1.0 } else { 0.3 }) {
            let moment = lasted.mul_f64(random.random_range(0.0..1.0));
            kills.push(moment);
            sleep(moment);
            // SIGKILL: the program cannot react.
            child.kill().unwrap();
            child.wait().unwrap();
            child = begin(&["resume"], &run);
        }
        let status = child.wait().unwrap();
        // A run that completed before the kill has nothing to resume.
        assert!(
            status.success() || status.code() == Some(2),
            "{kills:?}: {status}"
        );
        assert!(emulator(&run) == expected, "killed after {kills:?}");
        assert!(history(&run) == went, "killed after {kills:?}");
        assert!(pareto(&run) == pareto(&whole), "killed after {kills:?}");
        let left: Vec<_> = fs::read_dir(&run)
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        let is_checkpoint =
            |name: &std::ffi::OsString| name.to_string_lossy().ends_with("checkpoint");
        assert!(!left.iter().any(is_checkpoint), "{left:?}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_an_emulator_and_resumes_to_the_bytes_of_the_unbroken_run() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, run] = ["whole", "interrupted"].map(|name| folder.path().join(name));
    assert!(search(&whole, ["--steps", STEPS]).wait().unwrap().success());
    let mut child = search(&run, ["--steps", STEPS]);
    wait_for_description(&run);
    sleep(Duration::from_millis(500));
    let process = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &process])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let data = thomson();
    let judged = command()
        .args([Path::new("evaluate"), &run, &data, Path::new("--json")])
        .output()
        .unwrap();
    let figures: serde_json::Value = serde_json::from_slice(&judged.stdout).unwrap();
    assert!(figures["mse_z"].as_f64().unwrap() < 0.5, "{figures}");
    assert!(emulator(&run) != emulator(&whole));
    assert!(begin(&["resume"], &run).wait().unwrap().success());
    assert!(emulator(&run) == emulator(&whole));
    assert_eq!(begin(&["resume"], &run).wait().unwrap().code(), Some(2));
}

/// A smooth function of two inputs at few enough points for a Gaussian process as a teacher.
fn few_smooth_rows() -> String {
    let mut random = stream(5, "few smooth rows");
    let rows = (0..150).map(|_| {
        let [a, b] = [0; 2].map(|_| random.random_range(-1.0..1.0f64));
        format!("{a},{b},{}\n", (2.0 * a).sin() + a * b)
    });
    "a,b,y\n".to_owned() + &rows.collect::<String>()
}

/// The second training learns from the first, which a resumed run must restore.
#[cfg(unix)]
#[test]
fn a_taught_run_stopped_at_any_moment_resumes_to_the_bytes_of_the_unbroken_run() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("few.csv");
    fs::write(&data, few_smooth_rows()).unwrap();
    let search = |run: &Path| {
        let data = data.to_str().expect("the folder's path is UTF-8");
        let how = [
            "--space",
            "mlp-residual",
            "--members",
            "1",
            "--steps",
            "4000",
        ];
        let columns = ["search", data, "--inputs", "a,b", "--outputs", "y"];
        begin(&[&columns[..], &how, &["--out"]].concat(), run)
    };
    let whole = folder.path().join("whole");
    let began = Instant::now();
    assert!(search(&whole).wait().unwrap().success());
    let lasted = began.elapsed();
    let taught = |run: &Path| fs::read(run.join("contenders/mlp-residual-taught.safetensors"));
    let (expected, went) = (taught(&whole).expect("a process teaches"), history(&whole));
    for (moment, signal) in [(0.3, "-INT"), (0.7, "-INT"), (0.3, "-KILL"), (0.7, "-KILL")] {
        let run = folder.path().join(format!("{moment}{signal}"));
        let mut child = search(&run);
        wait_for_description(&run);
        sleep(lasted.mul_f64(moment));
        let process = child.id().to_string();
        let mut kill = Command::new("kill");
        assert!(kill.args([signal, &process]).status().unwrap().success());
        child.wait().unwrap();
        let status = begin(&["resume"], &run).wait().unwrap();
        // A run that completed before the interrupt has nothing to resume.
        assert!(status.success() || status.code() == Some(2), "{status}");
        assert!(taught(&run).unwrap() == expected, "{signal} after {moment}");
        assert!(history(&run) == went, "{signal} after {moment}");
    }
}
