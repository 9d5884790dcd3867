//! Images, and super-architectures from files, through the program's command line.

use super::{command, doubles, emulator, figures, npz, program, said, succeeds, text};
use dense_codegen::executor::Executor;
use dense_codegen::file;
use dense_search::data::{Dataset, Part, ReadOptions};
use dense_search::space::presets::micro_decoder;
use dense_search::space::{Shape, Space};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

const WRITTEN: &str = "a temporary folder can be written to";

const ROWS: usize = 120;
/// Channels, rows and columns.
const IMAGES: [usize; 3] = [2, 9, 7];

/// Writes two blobs whose positions depend on three inputs.
fn data(folder: &Path) -> PathBuf {
    let input = |k: usize| (k as f64 * 2.3).sin();
    let x: Vec<f64> = (0..3 * ROWS).map(input).collect();
    let pixel = |x: &[f64], place: usize| {
        let (channel, row, column) = (place / 63, place / 7 % 9, place % 7);
        let (y, z) = (row as f64 - 4.0 - 2.0 * x[0], column as f64 - 3.0 - x[1]);
        (-0.1 * (y * y + z * z)).exp() * (1.0 + channel as f64 * x[2])
    };
    let places = 0..IMAGES.iter().product();
    let y = x
        .chunks_exact(3)
        .flat_map(|x| places.clone().map(move |place| pixel(x, place)));
    let y: Vec<f64> = y.collect();
    let split: Vec<u8> = (0..ROWS).map(|row| [0, 0, 0, 1, 2][row % 5]).collect();
    let shape = [&[ROWS], IMAGES.as_slice()].concat();
    let path = folder.join("blobs.npz");
    let arrays = [
        ("x", "<f8", &[ROWS, 3][..], doubles(&x)),
        ("y", "<f8", &shape, doubles(&y)),
        ("split", "|i1", &[ROWS], split),
    ];
    fs::write(&path, npz(&arrays)).expect(WRITTEN);
    path
}

/// The example of docs/spaces.md, from three inputs to two images of 9 x 7.
fn example(folder: &Path) -> PathBuf {
    let page = include_str!("../../../docs/spaces.md");
    let begun = page
        .split("```toml\n")
        .nth(1)
        .expect("the page has an example");
    let path = folder.join("example.toml");
    fs::write(&path, begun.split("```").next().expect("it ends")).expect(WRITTEN);
    path
}

#[test]
fn images_are_searched_judged_predicted_and_frozen_and_a_seed_gives_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path());
    let searched = |name: &str, threads: &str| {
        let run = folder.path().join(name);
        let extent = ["--steps", "400", "--seed", "4", "--threads", threads];
        let arguments = [
            "search",
            text(&data),
            "--out",
            text(&run),
            "--teacher",
            "none",
        ];
        succeeds(&[&arguments[..], &extent].concat());
        run
    };
    let run = searched("one", "1");
    assert!(emulator(&run) == emulator(&searched("two", "2")));

    let figures = figures(&["evaluate", text(&run), text(&data), "--json"]);
    assert_eq!(figures["samples"], 24);
    let judged = figures["mse_z"].as_f64().unwrap();
    assert!(judged < 0.1, "{figures}");

    // The mean squared error computed from the emulator file itself, in the data's order, relative
    // to the variance of the outputs.
    let rows = Dataset::read(&data, &ReadOptions::default()).unwrap();
    let loaded = file::load(&run.join("emulator.safetensors")).unwrap();
    assert_eq!(loaded.outputs().shape, IMAGES);
    let test = rows.part_rows(Part::Test).unwrap();
    let x: Vec<f32> = test
        .iter()
        .flat_map(|&row| rows.x_row(row))
        .map(|&x| x as f32)
        .collect();
    let mean = Executor::new(&loaded).predict(&x, 1).mean;
    let y: Vec<f32> = test
        .iter()
        .flat_map(|&row| rows.y_row(row))
        .map(|&y| y as f32)
        .collect();
    let error: f32 = mean
        .iter()
        .zip(&y)
        .map(|(mean, y)| (mean - y).powi(2))
        .sum();
    let spread: f32 = y.iter().map(|y| y * y).sum();
    assert!(error < 0.03 * spread, "{error} of {spread}");

    let out = folder.path().join("frozen");
    succeeds(&["freeze", text(&run), "--out", text(&out)]);
    assert!(out.join("src/model.rs").exists());
}

#[cfg(unix)]
#[test]
fn a_space_from_a_file_is_searched_and_a_broken_run_resumes_to_its_bytes_without_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (data, space) = (data(folder.path()), example(folder.path()));
    let search = |run: &Path| {
        let extent = ["--steps", "9000", "--seed", "2", "--teacher", "none"];
        let arguments = [
            "search",
            text(&data),
            "--out",
            text(run),
            "--space",
            text(&space),
        ];
        let mut search = command();
        search.args([&arguments[..], &extent].concat());
        search.stderr(Stdio::null()).stdout(Stdio::null());
        search.spawn().unwrap()
    };
    let [whole, run] = ["whole", "broken"].map(|name| folder.path().join(name));
    assert!(search(&whole).wait().unwrap().success());
    let mut child = search(&run);
    let began = Instant::now();
    while !run.join("small-images.checkpoint").exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "no checkpoint");
        assert_eq!(
            child.try_wait().unwrap(),
            None,
            "the run ends before its first checkpoint"
        );
        sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    fs::remove_file(&space).unwrap();
    succeeds(&["resume", text(&run)]);
    assert!(emulator(&run) == emulator(&whole));
}

#[test]
fn a_preset_is_printed_as_the_space_that_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path());
    let printed = succeeds(&["space", "micro-decoder", "--for", text(&data)]);
    let [channels, height, width] = IMAGES;
    let output = Shape::Image {
        height,
        width,
        channels,
    };
    assert_eq!(
        Space::from_toml(&printed).unwrap(),
        micro_decoder(3, output).unwrap()
    );
    let paper = [
        "space",
        "paper",
        "--for",
        text(&data),
        "--channels",
        "5",
        "--dense",
        "9",
    ];
    let paper = Space::from_toml(&succeeds(&paper)).unwrap();
    assert_eq!(paper.groups()[0].output, Shape::Vector(9));
    assert_eq!(paper.groups()[3].output.size() % 5, 0);
}

#[test]
fn a_space_that_cannot_be_searched_is_said_with_exit_code_2_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (data, space) = (data(folder.path()), example(folder.path()));
    let good = fs::read_to_string(&space).unwrap();
    let run = folder.path().join("run");
    for (there, instead, reasons) in [
        (
            "inputs = 3",
            "inputs = 4",
            ["\"small-images\"", "expected inputs = 3"],
        ),
        (
            "width = 7",
            "width = 8",
            [
                "\"output\"",
                "an image of 9 x 7 with 2 channels, got an image of 9 x 8",
            ],
        ),
        (
            "\"zero\", \"conv 3\"",
            "\"conv 2\"",
            ["\"coarse\"", "expected an odd kernel, got 2"],
        ),
        ("[[group]]", "[[grupo]]", ["example.toml", "grupo"]),
    ] {
        assert!(good.contains(there));
        fs::write(&space, good.replacen(there, instead, 1)).unwrap();
        let output = program(&[
            "search",
            text(&data),
            "--space",
            text(&space),
            "--out",
            text(&run),
        ]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{instead}: {said}");
        assert!(
            reasons.iter().all(|reason| said.contains(reason)),
            "{instead}: {said}"
        );
        assert!(!run.exists());
    }
    let absent = program(&[
        "search",
        text(&data),
        "--space",
        "absent.toml",
        "--out",
        text(&run),
    ]);
    let told = said(&absent);
    assert!(
        absent.status.code() == Some(2) && told.contains("absent.toml: cannot be read"),
        "{told}"
    );
    let several = program(&["space", "mlp", "--for", text(&data)]);
    let told = said(&several);
    assert!(
        several.status.code() == Some(2) && told.contains("mlp-residual and mlp-basis"),
        "{told}"
    );
}
