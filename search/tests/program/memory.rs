//! The memory of a search with far more outputs than rows.

use super::{command, doubles, figures, npz, text};
use std::fs;
use std::process::Stdio;
use wait4::Wait4;

/// Rows and outputs: 6.4 MB in single precision.
const ROWS: usize = 40;
const OUTPUTS: usize = 40_000;
/// The maximum memory of a search on these data, in bytes.
const BAR: u64 = 400 << 20;

/// Waves that depend on three inputs.
fn runs() -> Vec<u8> {
    let x: Vec<f64> = (0..3 * ROWS)
        .map(|k| (0.618 * k as f64 + 0.3 * (k as f64).sin()).rem_euclid(1.0))
        .collect();
    let wave = |x: &[f64], place: usize| {
        let t = place as f64 / OUTPUTS as f64;
        ((4.0 * t + 3.0 * x[0]).sin() * (1.0 + x[1]) + x[2] * t) as f32
    };
    let y = x
        .chunks_exact(3)
        .flat_map(|x| (0..OUTPUTS).map(move |place| wave(x, place)));
    let y = y.flat_map(f32::to_le_bytes).collect();
    npz(&[
        ("x", "<f8", &[ROWS, 3], doubles(&x)),
        ("y", "<f4", &[ROWS, OUTPUTS], y),
    ])
}

#[test]
fn forty_rows_of_forty_thousand_outputs_are_learnt_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let (data, run) = (folder.path().join("runs.npz"), folder.path().join("run"));
    fs::write(&data, runs()).unwrap();
    let mut command = command();
    // With a teacher and the control, as in a search with a time limit.
    let search = command
        .args(["search", text(&data), "--space", "micro", "--steps", "300"])
        .args(["--threads", "1", "--control", "beside", "--out", text(&run)])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let ended = search.spawn().unwrap().wait4().unwrap();
    assert!(ended.status.success());
    let most = ended.rusage.maxrss;
    assert!(most < BAR, "{} MiB", most >> 20);
    let judged = figures(&["evaluate", text(&run), text(&data), "--json"]);
    assert!(judged["mse_z"].as_f64().unwrap() < 5e-2, "{judged}");
}
