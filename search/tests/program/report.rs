//! The report in a real browser, for every layout of outputs: nothing overflows, the console is
//! empty, and every figure has a caption and axis labels, on wide and narrow screens, in light and
//! dark mode.

use super::{doubles, npz, program, said, short, skip, succeeds, text, thomson};
use dense_search::provenance::Provenance;
use dense_search::run_folder::RunFolder;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const WRITTEN: &str = "a temporary folder can be written to";
/// Names of browsers that can run headless.
const BROWSERS: [&str; 3] = ["chromium-headless-shell", "chromium", "google-chrome"];
/// Widths of a desktop and a phone screen, in pixels.
const WIDTHS: [u32; 2] = [1280, 400];
/// Rows of the generated data.
const ROWS: usize = 100;
/// A script appended to a page that reports its problems.
const CHECK: &str = include_str!("report/check.js");

/// A finished run of a few steps.
fn searched(data: &Path, folder: &Path) -> PathBuf {
    let run = folder.join("run");
    // A page with everything: probabilities that move, a control to compare with.
    let arguments = ["search", text(data), "--space", "micro", "--members", "2"];
    succeeds(&[&arguments[..], &short("120", text(&run))].concat());
    run
}

#[test]
fn a_report_on_a_race_tells_who_taught_what_ships() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), &[]);
    let run = folder.path().join("run");
    let search = ["search", text(&data), "--steps", "60", "--threads", "1"];
    let taught = ["--teacher", "always", "--out", text(&run)];
    succeeds(&[&search[..], &taught].concat());
    let page = fs::read_to_string(reported(&run)).unwrap();
    for shown in [
        "and was taught by the stack of models (mse_z ",
        " on such rows), as --teacher always asks.",
        "at up to 960 fresh points",
    ] {
        assert!(page.contains(shown), "the page does not show {shown}");
    }
}

#[test]
fn a_report_on_a_race_shows_what_was_said_of_rows_by_those_that_had_not_seen_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = data(folder.path(), &[12]);
    let run = folder.path().join("run");
    succeeds(&[&["search", text(&data)][..], &short("60", text(&run))].concat());
    let page = fs::read_to_string(reported(&run)).unwrap();
    let part = format!("Of {ROWS} out-of-fold runs, which train; what is shown was said by");
    assert!(page.contains(&part), "{page}");
    for shown in [
        "What raced",
        " kinds of network, its networks of folds erred least",
        "It trained on all training rows alone, as --teacher none asks",
        "is estimated out of fold",
        "Error against steps.",
        "What the time went into.",
        "3, then 15 steps of each network",
        "60 steps on all training rows",
    ] {
        assert!(page.contains(shown), "the page does not show {shown}");
    }
    // Nothing was to be compared with a control.
    assert!(!page.contains("No control"), "{page}");
    if let Some(browser) = browser() {
        assert_fine(browser, &run.join("report.html"));
    }
    // What was said, not what the emulator answers after having seen the rows.
    let unseen = fs::read(run.join("unseen.safetensors")).unwrap();
    assert!(unseen.len() > ROWS * 12 * 4);
    fs::remove_file(run.join("unseen.safetensors")).unwrap();
    let output = program(&["report", text(&run), "-o", text(&run.join("again.html"))]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("unseen.safetensors"));
}

/// Writes the report on a run, without latency.
fn reported(run: &Path) -> PathBuf {
    let page = run.join("report.html");
    succeeds(&["report", text(run), "-o", text(&page), "--no-latency"]);
    page
}

/// Writes a file of runs with outputs of this shape: waves that depend on three inputs, and one
/// constant output.
fn data(folder: &Path, shape: &[usize]) -> PathBuf {
    let x: Vec<f64> = (0..3 * ROWS).map(|k| (k as f64 * 2.3).sin()).collect();
    let count: usize = shape.iter().product();
    let wave = |x: &[f64], place: usize| match place {
        0 if count > 1 => 2.0,
        place => (0.3 * place as f64 + x[0] + x[1] * x[2]).sin() * 1e4,
    };
    let y: Vec<f64> = x
        .chunks_exact(3)
        .flat_map(|x| (0..count).map(|place| wave(x, place)))
        .collect();
    let path = folder.join("a <odd> name & \"quotes\".npz");
    let y_shape = [&[ROWS], shape].concat();
    let arrays = [
        ("x", "<f8", &[ROWS, 3][..], doubles(&x)),
        ("y", "<f8", &y_shape, doubles(&y)),
    ];
    fs::write(&path, npz(&arrays)).expect(WRITTEN);
    path
}

/// Returns a browser that starts.
fn browser() -> Option<&'static str> {
    let starts = |name: &&str| {
        let output = Command::new(name).arg("--version").output();
        output.is_ok_and(|output| output.status.success())
    };
    BROWSERS.into_iter().find(|name| starts(name))
}

/// Returns the problems of a page at this width, and its console messages.
fn findings(browser: &str, page: &Path, width: u32, dark: bool) -> Vec<String> {
    let html = fs::read_to_string(page).expect("the report is there");
    let checked = page.with_file_name(format!("checked-{width}-{dark}.html"));
    fs::write(&checked, format!("{html}<script>{CHECK}</script>")).expect(WRITTEN);
    // Only the headless shell supports windows narrower than 500 pixels: other browsers get a frame
    // of this width.
    let frame = checked.with_file_name(format!("frame-{width}-{dark}.html"));
    let inner = checked
        .file_name()
        .expect("a name")
        .to_string_lossy()
        .into_owned();
    let show = format!(
        "<iframe src=\"{inner}\" style=\"border:0;width:{width}px;height:900px\"></iframe><script>\
         onload = () => document.body.append(frames[0].document.getElementById(\"findings\"))</script>"
    );
    fs::write(&frame, show).expect(WRITTEN);
    let mut command = Command::new(browser);
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        "--enable-logging=stderr",
        "--window-size=1400,1000",
        "--dump-dom",
    ]);
    if dark {
        command.arg("--blink-settings=preferredColorScheme=0");
    }
    let output = command.arg(&frame).output().expect("the browser starts");
    let (dom, said) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        said(&output),
    );
    let list = dom
        .split("<pre id=\"findings\">")
        .nth(1)
        .and_then(|rest| rest.split("</pre>").next())
        .unwrap_or_else(|| panic!("{browser} did not check the page:\n{dom}\n{said}"));
    let mut lines = list.lines().map(str::to_owned);
    let first = lines.next().unwrap_or_default();
    let scrolled = width - 15;
    assert!(
        first.starts_with(&format!("{width} wide"))
            || first.starts_with(&format!("{scrolled} wide")),
        "the page was not {width} wide: {first}"
    );
    assert!(first.ends_with(&format!("dark {dark}")), "{first}");
    let console = said.lines().filter(|line| line.contains(":CONSOLE"));
    lines.chain(console.map(str::to_owned)).collect()
}

fn assert_fine(browser: &str, page: &Path) {
    for width in WIDTHS {
        for dark in [false, true] {
            let found = findings(browser, page, width, dark);
            assert!(
                found.is_empty(),
                "{} at {width}: {found:#?}",
                page.display()
            );
        }
    }
}

#[test]
fn the_report_on_every_arrangement_of_outputs_is_in_order_in_a_browser() {
    let Some(browser) = browser() else {
        return skip::skipped("chromium, install with apt-get install chromium-headless-shell");
    };
    let shapes: [&[usize]; 6] = [&[], &[5], &[40], &[2, 40], &[20, 17], &[2, 9, 7]];
    for shape in shapes {
        let folder = tempfile::tempdir().expect(WRITTEN);
        let run = searched(&data(folder.path(), shape), folder.path());
        let page = reported(&run);
        assert_fine(browser, &page);
    }
}

#[test]
fn the_report_on_the_bundled_spectra_has_the_latency_and_is_in_order_in_a_browser() {
    let Some(browser) = browser() else {
        return skip::skipped("chromium, install with apt-get install chromium-headless-shell");
    };
    let folder = tempfile::tempdir().expect(WRITTEN);
    let run = searched(&thomson(), folder.path());
    let page = folder.path().join("report.html");
    succeeds(&["report", text(&run), "-o", text(&page)]);
    let html = fs::read_to_string(&page).expect("the report is there");
    for shown in [
        "Latency of the frozen code.",
        "Entropy of each group.",
        "how the probabilities moved.",
        "Error against work.",
    ] {
        assert!(html.contains(shown), "the page does not show {shown}");
    }
    assert!(!html.contains("class=\"missing\">Loss"));
    assert!(html.contains("times faster than the simulator"));
    assert_fine(browser, &page);
}

#[test]
fn the_check_sees_what_is_wrong_with_a_page() {
    let Some(browser) = browser() else {
        return skip::skipped("chromium, install with apt-get install chromium-headless-shell");
    };
    let folder = tempfile::tempdir().expect(WRITTEN);
    let page = folder.path().join("page.html");
    let plot = "<svg class=\"plot\" viewBox=\"0 0 360 200\" width=\"360\"><text class=\"tick\" text-anchor=\"middle\" x=\"355\" \
                y=\"50\">outside</text><text class=\"label x\">time (s)</text></svg>";
    let wrong = format!(
        "<!DOCTYPE html><body><div style=\"width:3000px\">wide</div><figure>{plot}</figure><script>console.error(\"told\")</script>"
    );
    fs::write(&page, wrong).expect(WRITTEN);
    let found = findings(browser, &page, 400, false).join("\n");
    for fault in ["wide in", "no caption", "outside", "no label", "told"] {
        assert!(found.contains(fault), "{fault} is not among\n{found}");
    }
}

#[test]
fn the_report_loads_nothing_and_says_what_a_run_does_not_have() {
    let folder = tempfile::tempdir().expect(WRITTEN);
    let run = searched(&data(folder.path(), &[5]), folder.path());
    for name in ["history.json", "pareto.json"] {
        // The run may contain these files; this test needs them to be absent.
        let _ = fs::remove_file(run.join(name));
    }
    let html = fs::read_to_string(reported(&run)).expect("the report is there");
    for loading in ["http:", "https:", "src=", "@import", "url(", "<script"] {
        assert!(!html.contains(loading), "the page has {loading}");
    }
    for missing in ["no history.json", "no pareto.json", "was not timed"] {
        assert!(html.contains(missing), "the page does not say {missing}");
    }
    assert!(html.contains("a &lt;odd&gt; name &amp; &quot;quotes&quot;.npz"));
    assert!(
        !html.contains("NaN") && !html.contains("inf\""),
        "a figure is no number"
    );
}

#[test]
fn a_report_that_cannot_be_made_is_an_error_and_leaves_no_file() {
    let folder = tempfile::tempdir().expect(WRITTEN);
    let first = data(folder.path(), &[5]);
    let run = searched(&first, folder.path());
    let page = folder.path().join("report.html");
    let other = thomson();
    let cases: [(&[&str], &str); 4] = [
        (
            &["report", text(folder.path()), "-o", text(&page)],
            "no run is here",
        ),
        (
            &[
                "report",
                text(&run),
                "-o",
                text(&page),
                "--data",
                text(&other),
            ],
            "not the data",
        ),
        (&["report", text(&run), "-o", "report.pdf"], "ends in .html"),
        (&["export", text(&run), "-o", "model.pb"], "ends in .onnx"),
    ];
    for (arguments, problem) in cases {
        let output = program(arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(problem), "{arguments:?}: {said}");
    }
    fs::write(run.join("history.json"), "{\"version\": 1}").expect(WRITTEN);
    let output = program(&["report", text(&run), "-o", text(&page), "--no-latency"]);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("history.json"), "{said}");
    assert!(!page.exists());
}

#[test]
fn what_a_run_leaves_is_read_back_as_it_was_written() {
    let folder = tempfile::tempdir().expect(WRITTEN);
    let run = searched(&data(folder.path(), &[5]), folder.path());
    let written = |name: &str| -> serde_json::Value {
        let text = fs::read(run.join(name)).expect("the run has the file");
        serde_json::from_slice(&text).expect("the file is JSON")
    };
    let folder = RunFolder::at(&run);
    let description = folder.description().unwrap();
    assert_eq!(serde_json::json!(description), written("run.json"));
    let pareto = folder.pareto().unwrap().unwrap();
    assert_eq!(serde_json::json!(pareto), written("pareto.json"));
    let history = folder.history().unwrap().unwrap();
    assert_eq!(serde_json::json!(history), written("history.json"));
    assert_eq!(description.report.unwrap().pareto, pareto.rows);

    let emulator = dense_search::emulator_of(&run).unwrap();
    let provenance = Provenance::of(&emulator).unwrap().unwrap();
    assert_eq!(provenance.values().unwrap(), *emulator.provenance());
    assert_eq!(provenance.data_sha256, description.data.sha256);
    assert_eq!(provenance.seed, description.plan.seed);
}

#[test]
fn a_key_that_is_missing_or_of_another_type_is_refused_with_the_file_and_the_key() {
    let folder = tempfile::tempdir().expect(WRITTEN);
    let data = data(folder.path(), &[5]);
    let run = searched(&data, folder.path());
    let page = folder.path().join("report.html");
    let report = ["report", text(&run), "-o", text(&page), "--no-latency"];
    let evaluate = ["evaluate", text(&run), text(&data)];
    let resume = ["resume", text(&run)];
    let all = [&report[..], &evaluate, &resume];
    let cases = [
        ("run.json", "\"seed\":", "\"sead\":", "seed", &all[..]),
        ("run.json", "\"seed\": 0", "\"seed\": true", "seed", &all),
        ("pareto.json", "\"macs\":", "\"mac\":", "macs", &all[..1]),
        (
            "pareto.json",
            "\"version\":1",
            "\"version\":2",
            "version",
            &all[..1],
        ),
        (
            "history.json",
            "\"seconds\":",
            "\"time\":",
            "seconds",
            &all[..1],
        ),
    ];
    for (name, there, instead, key, commands) in cases {
        let file = run.join(name);
        let before = fs::read_to_string(&file).expect("the run has the file");
        assert!(before.contains(there), "{name} has no {there}");
        fs::write(&file, before.replace(there, instead)).expect(WRITTEN);
        for command in commands {
            let output = program(command);
            let said = said(&output);
            assert_eq!(output.status.code(), Some(2), "{command:?}: {said}");
            let quoted = [format!("`{key}`"), format!("{key:?}")];
            assert!(
                said.contains(name) && quoted.iter().any(|key| said.contains(key)),
                "{command:?}: {said}"
            );
        }
        fs::write(&file, before).expect(WRITTEN);
    }
    assert!(!page.exists());
    succeeds(&evaluate);
}
