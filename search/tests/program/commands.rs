//! From the bundled data to a frozen crate; and incorrect uses of every command.

use super::{command, emulator, figures, program, said, short, succeeds, text, thomson};
use std::fs;
use std::path::Path;

/// Searches for 400 steps and returns the emulator's bytes.
fn searched(folder: &Path, name: &str, seed: &str, threads: &str) -> Vec<u8> {
    let out = folder.join(name);
    let data = thomson();
    succeeds(&[
        "search",
        text(&data),
        "--out",
        text(&out),
        "--steps",
        "400",
        "--seed",
        seed,
        "--threads",
        threads,
    ]);
    emulator(&out)
}

#[test]
fn a_seed_gives_its_bytes_whatever_the_threads_and_the_run_can_be_used() {
    let folder = tempfile::tempdir().unwrap();
    let first = searched(folder.path(), "first", "5", "1");
    assert!(first == searched(folder.path(), "second", "5", "2"));
    assert!(first != searched(folder.path(), "third", "6", "2"));

    let (run, data) = (folder.path().join("first"), thomson());
    let figures = figures(&["evaluate", text(&run), text(&data), "--json"]);
    assert_eq!(figures["samples"], 300);
    assert!(figures["mse_z"].as_f64().unwrap() < 0.5, "{figures}");

    // Fifths of 300 rows have equal sizes, and so do tenths of 250 points.
    let fifths = figures["coverage_90_by_size"].as_array().unwrap();
    let sum: f64 = fifths.iter().map(|share| share.as_f64().unwrap()).sum();
    let all = figures["coverage_90"].as_f64().unwrap();
    assert!(
        fifths.len() == 5 && (sum / 5.0 - all).abs() < 1e-9,
        "{figures}"
    );
    let least = &figures["coverage_90_least"];
    assert!(least["coverage_90"].as_f64().unwrap() <= all, "{figures}");
    let lines = succeeds(&["evaluate", text(&run), text(&data)]);
    let said = ["of the predicted size, smallest first: ", "band, least: "];
    assert!(said.iter().all(|said| lines.contains(said)), "{lines}");

    let out = folder.path().join("predictions.npz");
    succeeds(&["predict", text(&run), text(&data), "-o", text(&out)]);
    assert!(out.exists());

    let out = folder.path().join("frozen");
    succeeds(&["freeze", text(&run), "--out", text(&out)]);
    assert!(out.join("src/model.rs").exists());

    let out = folder.path().join("in_c");
    let freeze = ["freeze", text(&run), "--out", text(&out), "--c"];
    let sections = ["--section", ".slow", "--code-section", ".fast"];
    let target = ["--target", "thumbv7em-none-eabihf"];
    succeeds(&[&freeze[..], &sections, &target].concat());
    let file = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    assert!(file("in_c.c").contains("__section__(\".slow\")"));
    assert!(file("in_c.c").contains("__section__(\".fast\")"));
    assert!(file("in_c.h").contains(" bytes of a call") || file("in_c.h").contains("not known"));
    assert!(file("library/src/weights.rs").contains("link_section = \".slow\""));
}

#[test]
fn a_budget_is_kept_by_what_ships() {
    let folder = tempfile::tempdir().unwrap();
    let (run, data) = (folder.path().join("run"), thomson());
    let budget = ["--budget-macs", "16000", "--budget-flash", "60000"];
    let arguments = ["search", text(&data), "--json"];
    let extent = short("400", text(&run));
    let figures = figures(&[&arguments[..], &budget, &extent].concat());
    assert!(figures["macs"].as_u64().unwrap() <= 16_000, "{figures}");
    assert!(
        figures["flash_bytes"].as_u64().unwrap() <= 60_000,
        "{figures}"
    );
}

#[test]
fn a_search_is_compared_with_its_control_and_each_row_of_its_table_can_be_frozen() {
    let folder = tempfile::tempdir().unwrap();
    let (run, data) = (folder.path().join("run"), thomson());
    let budget = ["--budget-macs", "60000", "--budget-us", "4"];
    // A machine on which every operation takes 20 ns, plus 0.03 ns per multiply-accumulate of a
    // dense layer.
    let costs = folder.path().join("costs.json");
    let rates: Vec<String> = [
        ("dense", 0.03),
        ("conv1d", 0.0),
        ("add", 0.0),
        ("silu", 0.0),
        ("rescale", 0.0),
        ("logarithm", 0.0),
        ("standardise", 0.0),
        ("guard", 0.0),
        ("member", 0.0),
        ("end", 0.0),
    ]
    .iter()
    .map(|(kind, per_mac)| {
        format!("\"{kind}\": {{\"fixed\": 20, \"per_mac\": {per_mac}, \"per_byte\": 0}}")
    })
    .collect();
    let model = format!(
        "{{\"machine\": \"another\", \"measured\": 0, \"rates\": {{{}}}}}",
        rates.join(", ")
    );
    fs::write(&costs, model).unwrap();
    let arguments = [
        "search",
        text(&data),
        "--json",
        "--space",
        "micro",
        "--ablation",
    ];
    let (extent, costs) = (short("600", text(&run)), ["--costs", text(&costs)]);
    let output = program(&[&arguments[..], &budget, &extent, &costs].concat());
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();

    let contenders = report["contenders"].as_array().unwrap();
    let roles: Vec<_> = contenders.iter().map(|one| one["role"].clone()).collect();
    assert_eq!(roles, ["search", "random", "control"]);
    let of = |one: &serde_json::Value, figure: &str| one[figure].as_f64().unwrap();
    let least = contenders
        .iter()
        .filter(|one| one["role"] != "random")
        .min_by(|a, b| of(a, "selection_error").total_cmp(&of(b, "selection_error")))
        .unwrap();
    assert!(
        least["ships"] == true && report["space"] == least["name"],
        "{report}"
    );
    assert!(
        told.contains("of the search") && told.contains("of the fixed network"),
        "{told}"
    );
    for one in contenders {
        assert!(of(one, "macs") <= 60_000.0 && of(one, "us") <= 4.0, "{one}");
    }

    let table = fs::read(run.join("pareto.json")).unwrap();
    let table: serde_json::Value = serde_json::from_slice(&table).unwrap();
    let rows = table["rows"].as_array().unwrap();
    assert!(rows.len() > 1 && report["pareto"] == table["rows"]);
    assert_eq!(rows.iter().filter(|row| row["ships"] == true).count(), 1);
    for row in rows {
        let number = row["row"].to_string();
        let out = folder.path().join(format!("row-{number}"));
        let freeze = [
            "freeze",
            text(&run),
            "--row",
            &number,
            "--out",
            text(&out),
            "--json",
        ];
        let frozen = figures(&freeze);
        assert_eq!(frozen["macs"], row["macs"]);
        assert_eq!(frozen["flash_bytes"], row["flash_bytes"]);
        let emulator = run.join(format!("pareto/{number}.safetensors"));
        let judge = [
            "evaluate",
            text(&emulator),
            text(&data),
            "--split",
            "validation",
            "--json",
        ];
        let judged = figures(&judge);
        assert!(
            (of(&judged, "mse_z") / of(row, "val_mse_z") - 1.0).abs() < 1e-6,
            "{judged}"
        );
    }
    let absent = (rows.len() + 1).to_string();
    let out = folder.path().join("absent");
    let output = program(&["freeze", text(&run), "--row", &absent, "--out", text(&out)]);
    let said = said(&output);
    assert!(
        output.status.code() == Some(2) && said.contains("expected 1 to"),
        "{said}"
    );
    assert!(!out.exists());

    let history = fs::read(run.join("history.json")).unwrap();
    let history: serde_json::Value = serde_json::from_slice(&history).unwrap();
    for training in history["trainings"].as_array().unwrap() {
        let groups = training["groups"].as_array().unwrap();
        for record in training["records"].as_array().unwrap() {
            let probabilities = record["probabilities"].as_array().unwrap();
            assert_eq!(
                record["entropy"].as_array().unwrap().len(),
                probabilities.len()
            );
            match training["role"] == "control" {
                true => assert!(probabilities.is_empty()),
                false => assert_eq!(probabilities.len(), groups.len()),
            }
            for (group, p) in groups.iter().zip(probabilities) {
                let p: Vec<f64> = serde_json::from_value(p.clone()).unwrap();
                assert_eq!(p.len(), group["candidates"].as_array().unwrap().len());
                assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            }
        }
    }
}

/// No machine has this device, with any features of the program.
#[test]
fn a_device_that_there_is_not_is_said_before_anything_is_read_or_written() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    for arguments in [
        vec!["search", "nowhere.npz", "--out", text(&run)],
        vec!["demo", "--out", text(&run)],
    ] {
        let output = program(&[&arguments[..], &["--device", "cuda:99"]].concat());
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(
            said.contains("cuda:99") && said.contains("--device cpu"),
            "{arguments:?}: {said}"
        );
        assert!(!said.contains("nowhere") && !run.exists(), "{arguments:?}");
    }
}

/// Incorrect uses of every command that takes files: the message states the problem, the place and
/// the remedy; the exit code is 2, and no file is left.
#[test]
fn wrong_uses_of_every_command_are_said_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
    };
    let rows: String = (0..40)
        .map(|k| format!("{k},{},{}\n", (k * 7) % 11, (k * k) % 13))
        .collect();
    write("ok.csv", &format!("a,b,y\n{rows}"));
    write("empty.csv", "");
    write("header.csv", "a,b,y\n");
    write("nan.csv", "a,b,y\n1,2,3\n1,nan,3\n");
    write("words.csv", "a,b\n1,2\n1,many\n");
    write("ragged.csv", "a,b,y\n1,2,3\n1,2\n");
    write("huge.csv", "a,b,y\n1,2,3\n1,1e40,3\n");
    let constant: String = (0..40).map(|k| format!("{k},3,7.5\n")).collect();
    write("constant.csv", &format!("a,b,y\n{constant}"));
    write("bad.toml", "groups = 3\n");
    write(
        "other.toml",
        "[[parameter]]\nname = \"q\"\nlow = 0\nhigh = 1\n",
    );
    write("file", "no folder");
    fs::create_dir(folder.path().join("folder")).unwrap();
    let columns = ["--inputs", "a,b", "--outputs", "y"];
    let said_by = |arguments: &[&str]| {
        let mut command = command();
        let output = command.current_dir(folder.path()).args(arguments).output();
        let output = output.expect("the program starts");
        let said = said(&output);
        (output.status.code(), said)
    };
    let run = [&["search", "ok.csv"], &columns[..], &short("60", "run")].concat();
    assert_eq!(said_by(&run).0, Some(0), "{}", said_by(&run).1);
    let entries = || {
        let entries = fs::read_dir(folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<std::collections::BTreeSet<_>>()
    };
    let before = entries();

    let data = |name| [&["inspect", name], &columns[..]].concat();
    let searched = |more: &[&'static str]| {
        [
            &["search", "ok.csv"],
            &columns[..],
            &short("60", "new"),
            more,
        ]
        .concat()
    };
    let evaluated = |name, more: &[&'static str]| [&["evaluate", "run", name], more].concat();
    let cases: Vec<(Vec<&str>, &[&str])> = vec![
        (data("nowhere.csv"), &["nowhere.csv", "check the path"]),
        (data("folder"), &["ends in .npz or .csv"]),
        (data("empty.csv"), &["no column \"a\"", "none"]),
        (data("header.csv"), &["at least one row"]),
        (data("nan.csv"), &["line 3, column \"b\"", "NaN", "remove"]),
        (
            data("ragged.csv"),
            &["line 3", "expected 3 cells", "repair"],
        ),
        (data("huge.csv"), &["line 3, column \"b\"", "rescale"]),
        (vec!["inspect", "ok.csv"], &["--inputs", "a, b, y"]),
        (
            vec!["inspect", "ok.csv", "--inputs", "a,c", "--outputs", "y"],
            &["no column \"c\"", "a, b, y"],
        ),
        (
            vec!["inspect", "ok.csv", "--inputs", "a,b", "--outputs", "a"],
            &["\"a\"", "leave it out of one"],
        ),
        (
            [&data("ok.csv")[..], &["--layout", "image"]].concat(),
            &["scalars or one curve", ".npz"],
        ),
        (
            searched(&["--space", "vast.toml"]),
            &["vast.toml", "check the path"],
        ),
        (searched(&["--space", "bad.toml"]), &["groups", "group"]),
        (searched(&["--costs", "bad.toml"]), &["dense-search costs"]),
        (searched(&["--budget-macs", "1"]), &["raise the budget"]),
        (
            [&["search", "ok.csv"], &columns[..], &short("60", "run")].concat(),
            &["there is a run already", "choose another folder"],
        ),
        (
            [&["search", "ok.csv"], &columns[..], &short("60", "file")].concat(),
            &["file: cannot be made", "choose another folder"],
        ),
        (
            [
                &["search", "constant.csv"],
                &columns[..],
                &short("60", "new"),
            ]
            .concat(),
            &["no output varies over the 40 training rows (y = 7.5)"],
        ),
        (
            vec!["predict", "run", "ok.csv", "-o", "ok.csv"],
            &["this is what is read", "another name"],
        ),
        (
            vec!["predict", "run", "ok.csv", "-o", "./folder/../ok.csv"],
            &["this is what is read", "another name"],
        ),
        (vec!["freeze", "run", "--out", "run"], &["run"]),
        (vec!["resume", "run"], &["finished"]),
        (vec!["resume", "folder"], &["no run is here", "--out"]),
        (
            evaluated("ok.csv", &["--inputs", "a,y", "--outputs", "b"]),
            &["expected the inputs a, b", "got a, y"],
        ),
        (
            evaluated("ok.csv", &["--inputs", "a", "--outputs", "y"]),
            &[
                "expected the inputs a, b",
                "got a; choose them with --inputs",
            ],
        ),
        (
            evaluated(
                "ok.csv",
                &["--inputs", "a,b", "--outputs", "y", "--split", "dev"],
            ),
            &["train", "validation", "test"],
        ),
        (
            [&["evaluate", "folder", "ok.csv"], &columns[..]].concat(),
            &["no emulator is here", "--out"],
        ),
        (
            vec!["predict", "run", "nan.csv", "-o", "p.csv"],
            &["line 3, column \"b\"", "NaN"],
        ),
        (
            vec!["predict", "run", "words.csv", "-o", "p.csv"],
            &["line 3, column \"b\"", "many"],
        ),
        (
            vec!["predict", "run", "empty.csv", "-o", "p.csv"],
            &["no column \"a\""],
        ),
        (
            vec!["predict", "run", "ok.csv", "-o", "p.txt"],
            &["p.txt", ".npz or .csv"],
        ),
        (
            vec!["predict", "run", "ok.csv", "-o", "none/p.csv"],
            &["none/p.csv", "folder exists"],
        ),
        (
            vec!["predict", "file", "ok.csv", "-o", "p.csv"],
            &["file: not a whole .safetensors"],
        ),
        (
            vec!["freeze", "nowhere", "--out", "new"],
            &["nowhere: no emulator is here", "--out"],
        ),
        (vec!["freeze", "run", "--out", "file"], &["not a folder"]),
        (
            vec!["freeze", "run", "--out", "new", "--section", "a b"],
            &["begin with a dot"],
        ),
        (
            vec!["freeze", "run", "--out", "new", "--c", "--section", ".bss"],
            &["memory without contents", ".emulator_weights"],
        ),
        (
            vec![
                "freeze",
                "run",
                "--out",
                "new",
                "--c",
                "--code-section",
                "fast",
            ],
            &["\"fast\"", "begin with a dot"],
        ),
        (
            vec!["freeze", "run", "--out", "new", "--code-section", ".fast"],
            &["--c"],
        ),
        (
            vec![
                "freeze",
                "run",
                "--out",
                "new",
                "--c",
                "--target",
                "cortex-m99",
            ],
            &["cortex-m4", "thumbv7em-none-eabihf"],
        ),
        (
            vec!["freeze", "run", "--out", "new", "--c", "--prefix", "9x"],
            &["9x"],
        ),
        (
            vec!["export", "run", "-o", "m.onnx", "--member", "99"],
            &["an index below", "99"],
        ),
        (vec!["export", "run", "-o", "m.pb"], &["ends in .onnx"]),
        (
            vec!["export", "run", "-o", "none/m.onnx"],
            &["none/m.onnx", "check the path"],
        ),
        (vec!["report", "run", "-o", "r.pdf"], &["ends in .html"]),
        (
            vec!["report", "run", "-o", "r.html", "--data", "nowhere.csv"],
            &["nowhere.csv", "--data says"],
        ),
        (vec!["bench", "folder"], &["no emulator is here", "--out"]),
        (
            vec!["design", "bad.toml", "-n", "8", "-o", "d.csv"],
            &["bad.toml", "parameter"],
        ),
        (
            vec!["design", "other.toml", "-n", "0", "-o", "d.csv"],
            &["0", "1.."],
        ),
        (
            vec!["design", "other.toml", "-n", "8", "-o", "d.npz"],
            &["ends in .csv"],
        ),
        (
            vec!["space", "paper", "--for", "nowhere.npz"],
            &["nowhere.npz", "check the path"],
        ),
        (
            vec![
                "collect",
                "header.csv",
                "--command",
                "echo {a}",
                "-o",
                "c.npz",
            ],
            &["at least one row"],
        ),
        (
            vec!["collect", "ok.csv", "--command", "echo {c}", "-o", "c.npz"],
            &["takes no parameter", "{a} {b} {y}"],
        ),
        (vec!["man", "nothing"], &["no such command", "--help"]),
    ];
    for (arguments, parts) in cases {
        let (code, said) = said_by(&arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        for part in parts {
            assert!(said.contains(part), "{arguments:?}, {part:?}: {said}");
        }
        assert_eq!(entries(), before, "{arguments:?}");
        assert!(said.matches("os error").count() <= 1, "said twice: {said}");
    }
}

/// Names listed in an error can be used as written.
#[test]
fn a_column_with_a_comma_in_its_name_is_named_as_in_a_csv() {
    let folder = tempfile::tempdir().unwrap();
    let csv = folder.path().join("runs.csv");
    let rows: Vec<_> = (0..20)
        .map(|k| format!("{k},{},{}\n", k % 7, k * k))
        .collect();
    fs::write(&csv, "\"n, cm^-3\",T,y\n".to_owned() + &rows.concat()).unwrap();
    let refused = program(&["inspect", text(&csv)]);
    let listed = said(&refused);
    let (_, listed) = listed.split_once("the columns there are: ").unwrap();
    let inputs = listed.trim().strip_suffix(", y").unwrap();
    let found = figures(&[
        "inspect",
        text(&csv),
        "--inputs",
        inputs,
        "--outputs",
        "y",
        "--json",
    ]);
    assert_eq!(found["inputs"][0]["name"], "n, cm^-3");
    assert_eq!(found["inputs"][1]["name"], "T");
}

#[test]
fn bad_input_is_said_with_exit_code_2_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (run, bad) = (folder.path().join("run"), folder.path().join("bad.npz"));
    let whole = fs::read(thomson()).unwrap();
    fs::write(&bad, &whole[..whole.len() / 2]).unwrap();
    let csv = folder.path().join("bad.csv");
    fs::write(&csv, "a,b\n1,2\n3,many\n").unwrap();
    let data = thomson();
    let signed = folder.path().join("signed.csv");
    let rows: Vec<_> = (0..20).map(|k| format!("{k},{}\n", k - 7)).collect();
    fs::write(&signed, "a,b\n".to_owned() + &rows.concat()).unwrap();
    let cases: [(&[&str], &str); 7] = [
        (
            &[
                "search",
                text(&signed),
                "--inputs",
                "a",
                "--outputs",
                "b",
                "--transform",
                "log",
                "--out",
                text(&run),
            ],
            "positive",
        ),
        (&["search", text(&bad), "--out", text(&run)], "bad.npz"),
        (
            &["search", "nowhere.npz", "--out", text(&run)],
            "nowhere.npz",
        ),
        (
            &[
                "search",
                text(&csv),
                "--inputs",
                "a",
                "--outputs",
                "b",
                "--out",
                text(&run),
            ],
            "many",
        ),
        (
            &[
                "search",
                text(&data),
                "--space",
                "vast",
                "--out",
                text(&run),
            ],
            "vast",
        ),
        (
            &["search", text(&data), "--time", "soon", "--out", text(&run)],
            "5m",
        ),
        (&["evaluate", text(&run), text(&data)], "run"),
    ];
    for (arguments, named) in cases {
        let output = program(arguments);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
        assert!(!run.exists(), "{arguments:?}");
    }
}
