//! Outputs that float32 cannot represent are learnt and predicted; outputs that are constant in the
//! training rows are reported.

use super::{command, doubles, figures, npz, said, succeeds, text};
use std::fs;
use std::path::Path;
use std::process::Output;

const ROWS: usize = 120;

/// Points that fill the unit square.
fn points(first: usize) -> Vec<[f64; 2]> {
    (first..first + ROWS)
        .map(|k| {
            [
                (0.618_034 * k as f64).fract(),
                (0.754_878 * k as f64).fract(),
            ]
        })
        .collect()
}

/// Writes a file with these points and with scalars of these names.
fn file(
    points: &[[f64; 2]],
    y: impl Fn([f64; 2]) -> Vec<f64>,
    names: &[&str],
    split: &[u8],
) -> Vec<u8> {
    let outputs: Vec<f64> = points.iter().flat_map(|&x| y(x)).collect();
    let length = names
        .iter()
        .map(|name| name.len())
        .max()
        .unwrap_or_default();
    let letters = names.iter().flat_map(|name| {
        let mut letters: Vec<u32> = name.chars().map(u32::from).collect();
        letters.resize(length, 0);
        letters
    });
    let mut arrays = vec![
        (
            "x",
            "<f8".to_owned(),
            vec![points.len(), 2],
            doubles(points.as_flattened()),
        ),
        (
            "y",
            "<f8".to_owned(),
            vec![points.len(), names.len()],
            doubles(&outputs),
        ),
        (
            "y_names",
            format!("<U{length}"),
            vec![names.len()],
            letters.flat_map(u32::to_le_bytes).collect(),
        ),
    ];
    if !split.is_empty() {
        arrays.push((
            "split",
            "|u1".to_owned(),
            vec![points.len()],
            split.to_vec(),
        ));
    }
    let arrays: Vec<_> = arrays
        .iter()
        .map(|(name, descr, shape, bytes)| (*name, &descr[..], &shape[..], bytes.clone()))
        .collect();
    npz(&arrays)
}

fn call(folder: &Path, arguments: &[&str]) -> Output {
    let output = command().current_dir(folder).args(arguments).output();
    output.expect("the program starts")
}

/// Returns R2 of the predictions of one output.
fn r2(predicted: &[Vec<f64>], truth: &[Vec<f64>], output: usize) -> f64 {
    let mean = truth.iter().map(|y| y[output]).sum::<f64>() / truth.len() as f64;
    let unit = truth
        .iter()
        .map(|y| (y[output] - mean).abs())
        .fold(0.0, f64::max);
    let square = |value: f64| (value / unit).powi(2);
    let errors = predicted
        .iter()
        .zip(truth)
        .map(|(p, y)| square(p[output] - y[output]));
    let total: f64 = truth.iter().map(|y| square(y[output] - mean)).sum();
    1.0 - errors.sum::<f64>() / total
}

#[test]
fn outputs_that_float32_cannot_represent_are_learnt_and_predicted() {
    let f = |[a, b]: [f64; 2]| (3.0 * a).sin() + a * b;
    let y = |x: [f64; 2]| {
        vec![
            1e6 + 1e-3 * f(x),
            9.5e-44 * (1.0 + f(x)),
            -2e299 * f([x[1], x[0]]),
            f(x),
        ]
    };
    let names = ["energy_J", "sigma_m2", "huge", "plain"];
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::write(folder.join("data.npz"), file(&points(0), y, &names, &[])).unwrap();
    let search = [
        "search",
        "data.npz",
        "--out",
        "run",
        "--steps",
        "300",
        "--threads",
        "1",
    ];
    let output = call(folder, &search);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let note = "the emulator predicts output \"energy_J\" as its difference from 1000000.0 (2 more outputs likewise)";
    assert!(said.contains(note), "{said}");

    let fresh = points(4000);
    let cells: String = fresh.iter().map(|[a, b]| format!("{a},{b}\n")).collect();
    fs::write(folder.join("fresh.csv"), format!("x0,x1\n{cells}")).unwrap();
    let [run, inputs, predicted] = ["run", "fresh.csv", "p.csv"].map(|name| folder.join(name));
    succeeds(&["predict", text(&run), text(&inputs), "-o", text(&predicted)]);
    let printed = fs::read_to_string(&predicted).unwrap();
    let rows = printed.lines().skip(1).map(|line| {
        let cells = line.split(',').take(8);
        cells
            .map(|cell| cell.parse().unwrap())
            .collect::<Vec<f64>>()
    });
    let rows: Vec<Vec<f64>> = rows.collect();
    let truth: Vec<Vec<f64>> = fresh.iter().map(|&x| y(x)).collect();
    for (output, name) in names.iter().enumerate() {
        let fit = r2(&rows, &truth, output);
        assert!(fit >= 0.99, "{name}: {fit}");
        // The standard deviation is of the size of the errors.
        let size = (truth[0][output] - truth[1][output]).abs();
        let std = rows[0][4 + output];
        assert!(
            std > 1e-6 * size && std < size,
            "{name}: {std} beside {size}"
        );
    }
    // `evaluate` gives the same figures on rows of another file.
    let fresh = folder.join("fresh.npz");
    fs::write(&fresh, file(&points(4000), y, &names, &[])).unwrap();
    let judged = figures(&["evaluate", text(&run), text(&fresh), "--json"]);
    for (output, name) in names.iter().enumerate() {
        let one = &judged["outputs"][output];
        assert_eq!(one["name"], *name);
        let (found, expected) = (one["r2"].as_f64().unwrap(), r2(&rows, &truth, output));
        assert!(
            (found - expected).abs() < 1e-6,
            "{name}: {found}, not {expected}"
        );
    }
    // Shipped files state the offsets to which they are relative.
    let [frozen, c] = ["frozen", "c"].map(|name| folder.join(name));
    succeeds(&["freeze", text(&run), "--out", text(&frozen)]);
    let model = fs::read_to_string(frozen.join("src/model.rs")).unwrap();
    // Ignore line breaks: literals are on lines of their own.
    let model: String = model.split_whitespace().collect();
    assert!(
        model.contains("pubconstOFFSET:[f64;OUTPUTS]=[1000000.0,0.0,0.0,0.0,];"),
        "{model}"
    );
    assert!(
        model.contains("pubconstSCALE:[f64;OUTPUTS]=[1.0,1e-43,1e299,1.0,];"),
        "{model}"
    );
    succeeds(&[
        "freeze",
        text(&run),
        "--c",
        "--prefix",
        "gas",
        "--out",
        text(&c),
    ]);
    let header = fs::read_to_string(c.join("gas.h")).unwrap();
    assert!(header.contains("#define GAS_OFFSET {"), "{header}");
    // Outputs with an offset cannot be learnt as logarithms.
    let search = ["search", "data.npz", "--out", "other", "--transform", "log"];
    let output = call(folder, &search);
    assert_eq!(output.status.code(), Some(2));
    assert!(super::said(&output).contains("leave --transform out"));
    assert!(!folder.join("other").exists());
}

#[test]
fn an_output_that_is_constant_in_the_training_rows_is_named_and_left_out_of_scores() {
    let points = points(0);
    let split: Vec<u8> = (0..ROWS)
        .map(|row| [0, 0, 0, 0, 0, 0, 0, 1, 2, 2][row % 10])
        .collect();
    let last = points[ROWS - 1];
    let y = |x: [f64; 2]| vec![x[0] + x[1], 2.5, if x == last { 4.0 } else { 7.5 }];
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let bytes = file(&points, y, &["sum", "fixed", "late"], &split);
    fs::write(folder.join("data.npz"), bytes).unwrap();
    let search = [
        "search",
        "data.npz",
        "--out",
        "run",
        "--steps",
        "60",
        "--threads",
        "1",
    ];
    let output = call(folder, &search);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for warning in [
        "warning: output \"fixed\" is 2.5 in all 96 training rows: the emulator always returns that value",
        "warning: output \"late\" is 7.5 in all 96 training rows, but not in row 119: the emulator always returns that value",
    ] {
        assert!(said.contains(warning), "{said}");
    }
    let output = call(folder, &["evaluate", "run", "data.npz", "--json"]);
    let said = super::said(&output);
    assert!(
        said.contains("the figures leave out output \"fixed\", output \"late\""),
        "{said}"
    );
    let printed = String::from_utf8(output.stdout).unwrap();
    let figures: serde_json::Value = serde_json::from_str(printed.trim()).unwrap();
    assert_eq!(figures["outputs"].as_array().unwrap().len(), 1, "{figures}");
    assert!(figures["r2"].as_f64().unwrap() > 0.9, "{figures}");
}

#[test]
fn outputs_too_large_or_too_small_for_double_precision_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (scale, message) in [
        (
            1e-303,
            "output flux: expected magnitudes from 1e-300 to 1e300",
        ),
        (1e302, "column \"flux\": 2e300 (above 1e300)"),
    ] {
        let y = |x: [f64; 2]| vec![x[0], scale * (0.02 + x[1]).floor() + scale * 0.02];
        fs::write(
            folder.join("data.npz"),
            file(&points(0), y, &["a", "flux"], &[]),
        )
        .unwrap();
        let output = call(folder, &["search", "data.npz", "--out", "run"]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(message), "{said}");
        assert!(!folder.join("run").exists());
    }
}
