//! `predict` on files larger than the memory it uses.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test that cannot go on fails there"
)]

use super::{command, npz, short, succeeds, text, thomson};
use dense_codegen::executor::Executor;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

/// A short search on the bundled spectra.
fn searched(folder: &Path) -> PathBuf {
    let run = folder.join("run");
    let data = thomson();
    succeeds(&[&["search", text(&data)][..], &short("100", text(&run))].concat());
    run
}

/// Rows in the box of the bundled data and slightly beyond it; each value is a function of its row.
fn inputs(rows: usize) -> Vec<f32> {
    let box_of_inputs = [
        (5e17, 1.5e19),
        (50.0, 800.0),
        (-3e6, 3e6),
        (0.0, 0.3),
        (1.5, 6.0),
    ];
    (0..rows)
        .flat_map(|row| {
            box_of_inputs.map(|(low, high)| {
                let share = (row as f64 * 0.618 * (1.0 + high)).sin() * 0.51 + 0.5;
                (low + share * (high - low)) as f32
            })
        })
        .collect()
}

/// A `.npz` of inputs.
fn inputs_file(x: &[f32]) -> Vec<u8> {
    let bytes = x.iter().flat_map(|value| value.to_le_bytes()).collect();
    npz(&[("x", "<f4", &[x.len() / 5, 5], bytes)])
}

#[test]
fn rows_in_blocks_on_several_threads_have_the_bits_of_one_call() {
    let folder = tempfile::tempdir().unwrap();
    let run = searched(folder.path());
    let x = inputs(3001);
    let file = folder.path().join("x.npz");
    fs::write(&file, inputs_file(&x)).unwrap();
    let answers = folder.path().join("answers.csv");
    let output = command()
        .arg("predict")
        .args([&run, &file])
        .arg("-o")
        .arg(&answers)
        .args(["--threads", "3", "--json"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let emulator = dense_codegen::file::load(&run.join("emulator.safetensors")).unwrap();
    let expected = Executor::new(&emulator).predict(&x, 1);
    let outside = expected.status.iter().filter(|status| !status.is_ok());
    assert_eq!(figures["outside"], outside.count());
    let text = fs::read_to_string(answers).unwrap();
    let lines: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!(lines.len(), 3001);
    for (row, line) in lines.iter().enumerate() {
        let outputs = row * 250..(row + 1) * 250;
        let numbers = expected.mean[outputs.clone()]
            .iter()
            .chain(&expected.std[outputs]);
        let mut cells: Vec<String> = numbers.map(|value| format!("{value:?}")).collect();
        cells.push(expected.status[row].is_ok().to_string());
        assert_eq!(*line, cells.join(","), "row {row}");
    }
}

/// The peak resident memory of `predict` for this number of rows, in MiB.
#[cfg(target_os = "linux")]
fn peak_mib(run: &Path, folder: &Path, rows: usize) -> f64 {
    let file = folder.join("x.npz");
    fs::write(&file, inputs_file(&inputs(rows))).unwrap();
    let answers = folder.join("answers.npz");
    let mut child = command()
        .arg("predict")
        .args([run, &file])
        .arg("-o")
        .arg(&answers)
        .args(["--threads", "2"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (status, mut peak) = (format!("/proc/{}/status", child.id()), 0.0f64);
    let ended = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        peak = peak.max(kib.unwrap_or(0.0) / 1024.0);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    assert!(ended.success());
    assert!(fs::metadata(answers).unwrap().len() > rows as u64 * 2000);
    peak
}

/// All predictions together would take 400 MB.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_rows() {
    let folder = tempfile::tempdir().unwrap();
    let run = searched(folder.path());
    let few = peak_mib(&run, folder.path(), 10_000);
    let many = peak_mib(&run, folder.path(), 200_000);
    assert!(
        few > 1.0 && many < 100.0 && many < few + 20.0,
        "{few} MiB, {many} MiB"
    );
}
