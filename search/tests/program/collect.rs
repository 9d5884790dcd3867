//! `collect` with shell scripts as simulators: a failure costs only its own row, and a kill costs
//! nothing ([`kills`]).

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test that cannot go on fails there"
)]

mod kills;

use super::{command, said};
use dense_search::data::{Dataset, ReadOptions};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PARAMETERS: &str = r#"
[[parameter]]
name = "index"
low = -1
high = 100

[[parameter]]
name = "T_e_eV"
unit = "eV"
low = 1
high = 1000
scale = "log"
"#;

/// A folder with a simulator and a design whose row k has `index` k and `T_e_eV` k + 1.5.
struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new(rows: usize, simulator: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let case = Self { folder };
        fs::write(case.path("sim.sh"), simulator).unwrap();
        fs::write(case.path("parameters.toml"), PARAMETERS).unwrap();
        case.design(rows);
        case
    }

    fn design(&self, rows: usize) {
        let lines = (0..rows).map(|row| format!("{row},{}\n", row as f64 + 1.5));
        let text = "index,T_e_eV\n".to_owned() + &lines.collect::<String>();
        fs::write(self.path("design.csv"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, more: &[&str]) -> Command {
        let mut command = command();
        command
            .current_dir(self.folder.path())
            .args([
                "collect",
                "design.csv",
                "--command",
                "sh {here}/sim.sh {index} {output}",
            ])
            .args([
                "--parameters",
                "parameters.toml",
                "--jobs",
                "4",
                "-o",
                "data.npz",
            ])
            .arg("--json")
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs to the end and returns the figures of `--json`.
    fn collected(&self, more: &[&str]) -> serde_json::Value {
        let output = self.command(more).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn data(&self) -> Dataset {
        Dataset::read(&self.path("data.npz"), &ReadOptions::default()).unwrap()
    }

    /// Returns the rows for which the simulator was started, sorted.
    fn ran(&self) -> Vec<usize> {
        let text = fs::read_to_string(self.path("ran")).unwrap_or_default();
        let number = |line: &str| line.parse::<f64>().unwrap() as usize;
        let mut rows: Vec<usize> = text.lines().map(number).collect();
        rows.sort_unstable();
        rows
    }

    /// Starts a collection and kills only its own process once this number of runs has begun.
    fn killed_after(&self, begun: usize) {
        let mut child: Child = self.command(&[]).spawn().unwrap();
        let began = Instant::now();
        while self.ran().len() < begun {
            assert!(began.elapsed() < Duration::from_secs(60), "no run begins");
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

fn rows_of(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn what_fails_hangs_or_prints_rubbish_costs_its_own_row() {
    let case = Case::new(
        12,
        r##"case $1 in
            2) echo 'no convergence' >&2; exit 3 ;;
            3) sleep 1000 & wait ;;
            4) echo 'Segmentation fault' > $2; exit ;;
            5) echo '1 2' > $2; exit ;;
            6) kill -9 $$ ;;
            7) exit ;;
            8) echo '1 nan 2' > $2; exit ;;
        esac
        echo "# t y z
        $1 0.5 -1e-3" > $2.txt"##,
    );
    let began = Instant::now();
    let figures = case.collected(&["--timeout", "1s", "--layout", "curve"]);
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(
        (&figures["rows"], &figures["failed"]),
        (&5.into(), &7.into())
    );
    assert!(figures["seconds_per_call"].as_f64().unwrap() < 1.0);

    let data = case.data();
    let expected = [0.0, 1.0, 9.0, 10.0, 11.0];
    assert_eq!((data.rows(), data.shape()), (5, &[3][..]));
    for (row, index) in expected.into_iter().enumerate() {
        assert_eq!(data.x_row(row), [index, index + 1.5]);
        assert_eq!(data.y_row(row), [index, 0.5, -1e-3]);
    }
    assert_eq!(data.layout().to_string(), "curve");
    assert_eq!(
        data.seconds_per_call(),
        figures["seconds_per_call"].as_f64()
    );
    let wall = figures["wall_seconds_per_call"].as_f64().unwrap();
    assert!(wall > 0.0 && wall < 1.0, "{wall}");
    let input = &data.inputs()[1];
    assert_eq!(
        (input.low, input.high, input.logarithmic),
        (1.0, 1000.0, true)
    );

    let table = rows_of(&case.path("data.npz.runs/failed.csv"));
    for (line, expected) in table.iter().zip([
        "2,2,3.5,it ended with exit code 3: no convergence",
        "3,3,4.5,it was killed after 1 s",
        "4,4,5.5,\"its output has \"\"Segmentation\"\"",
        "5,5,6.5,\"its output has shape [2]",
        "6,6,7.5,it was killed by signal 9",
        "7,7,8.5,it wrote no output",
        "8,8,9.5,\"its output has NaN at place 1",
    ]) {
        assert!(line.starts_with(expected), "{line}");
    }
    assert_eq!(table.len(), 7);
}

#[test]
fn outputs_are_stored_to_their_last_digit() {
    let simulator = "echo \"101325.00$1 1e-5$1 -3.0000000000000004e25$1\" > $2";
    let case = Case::new(8, simulator);
    case.collected(&[]);
    let data = case.data();
    for row in 0..8 {
        let expected = [
            format!("101325.00{row}"),
            format!("1e-5{row}"),
            format!("-3.0000000000000004e25{row}"),
        ];
        let expected = expected.map(|text| text.parse::<f64>().unwrap());
        assert_eq!(data.y_row(row), expected);
    }
}

/// A simulator with fixed file names in its working folder, as is common.
#[test]
fn every_run_starts_in_a_folder_of_its_own() {
    let simulator = "cp INPUT.DAT copy; sleep 0.1; cat copy > RESULT.DAT; ls | wc -l >> RESULT.DAT";
    let case = Case::new(16, simulator);
    // Files left by a trial run by hand.
    for name in ["INPUT.DAT", "RESULT.DAT"] {
        fs::write(case.path(name), "777\n").unwrap();
    }
    let simulation = "echo {index} > INPUT.DAT && sh sim.sh && cp RESULT.DAT {output}";
    let more = ["--jobs", "8", "--command", simulation];
    let output = command()
        .current_dir(case.folder.path())
        .args(["collect", "design.csv", "-o", "data.npz"])
        .args(more)
        .output()
        .unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("names what is in this one: sim.sh;"),
        "{said}"
    );
    assert!(!case.path("data.npz.runs").exists());

    // The suggested command line works.
    let line = said.lines().find(|line| line.contains("{here}/sim.sh"));
    let typed = Command::new("sh")
        .args(["-c", line.unwrap()])
        .current_dir(case.folder.path())
        .output()
        .unwrap();
    assert!(typed.status.success(), "{}", super::said(&typed));
    let data = case.data();
    assert_eq!(data.rows(), 16);
    for row in 0..16 {
        // INPUT.DAT, its copy and RESULT.DAT.
        assert_eq!(data.y_row(row), [row as f64, 3.0]);
    }
    assert_eq!(
        fs::read_to_string(case.path("RESULT.DAT")).unwrap(),
        "777\n"
    );
}

#[test]
fn a_file_that_all_runs_write_is_warned_of() {
    let case = Case::new(2, "echo $1 > $2\necho $1 > $3");
    let output = command()
        .current_dir(case.folder.path())
        .args(["collect", "design.csv", "-o", "data.npz", "--command"])
        .arg("sh {here}/sim.sh {index} {output} {here}/all")
        .output()
        .unwrap();
    let said = said(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("/all changed while runs went on"), "{said}");
    assert!(!said.contains("sim.sh changed"), "{said}");
}

/// The advice on a decimal comma works as written, and no run that was understood is repeated.
#[test]
fn a_decimal_comma_is_refused_until_the_user_says_what_it_is() {
    let case = Case::new(3, "[ $1 = 2 ] && x=2 || x=$1,25; echo $x > $2");
    let output = case.command(&[]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(case.data().y(), [2.0]);
    let table = rows_of(&case.path("data.npz.runs/failed.csv"));
    assert!(
        table[0].contains("one number with a decimal comma"),
        "{table:?}"
    );
    let advice = ["--retry-failed", "--decimal", "comma"];
    assert_eq!(case.collected(&advice)["started"], 2);
    assert_eq!(case.data().y(), [0.25, 1.25, 2.0]);
    // Read as two values, the shape differs from the recorded one.
    let output = case.command(&["--decimal", "point"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("say the same --decimal"),
        "{}",
        said(&output)
    );
}

/// Names of outputs are names of channels, so that a search accepts collected outputs of any shape.
#[test]
fn named_curves_are_collected_as_curves() {
    let curve = "seq -s, 1 20";
    let simulator = format!(
        "printf '{{' > $2; for k in $(seq 1 20); do printf '\"c%d\": [%s], ' $k \"$({curve})\"; done >> $2\n\
         printf '\"c0\": [%s]}}' \"$({curve})\" >> $2"
    );
    let case = Case::new(2, &simulator);
    case.collected(&[]);
    let data = case.data();
    assert_eq!(
        (data.layout().to_string().as_str(), data.shape()),
        ("curves", &[21, 20][..])
    );
    let output = case.command(&["--layout", "image"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("with 21 names"), "{}", said(&output));
}

/// A run that waits for its computing child and then sleeps.
#[test]
fn processor_time_and_wall_time_are_measured_apart() {
    let work = "i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done";
    let case = Case::new(2, &format!("sh -c '{work}'\nsleep 1\necho $1 > $2"));
    let figures = case.collected(&[]);
    let seconds = |name: &str| figures[name].as_f64().unwrap();
    let (processor, wall) = (
        seconds("seconds_per_call"),
        seconds("wall_seconds_per_call"),
    );
    assert!(
        processor > 0.02 && wall > 1.0 && processor < wall - 0.9,
        "{figures}"
    );
}

#[test]
fn a_simulator_that_always_fails_is_stopped_early_and_can_be_mended() {
    let case = Case::new(60, "echo $1 >> ${0%/*}/ran\necho 'no licence' >&2\nexit 1");
    let output = case.command(&[]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let text = said(&output);
    assert!(
        text.contains("no licence") && text.contains("--retry-failed"),
        "{text}"
    );
    assert!(case.ran().len() < 30, "{:?}", case.ran());
    assert!(!case.path("data.npz").exists());
    fs::write(case.path("sim.sh"), "echo $1 > $2").unwrap();
    assert_eq!(case.collected(&["--retry-failed"])["rows"], 60);
}

#[test]
fn unsound_arguments_are_refused_with_exit_code_2_before_any_run() {
    let case = Case::new(5, "echo $1 >> ${0%/*}/ran\necho $1 > $2");
    fs::write(case.path("two.txt"), "1 2").unwrap();
    let collect = ["collect", "design.csv", "--command"];
    let wide = "[[parameter]]\nname = \"index\"\nlow = 0\nhigh = 9\nscale = \"log\"\n\n\
                [[parameter]]\nname = \"T_e_eV\"\nlow = 1\nhigh = 9";
    fs::write(case.path("zero.toml"), wide).unwrap();
    let whole = wide.replace("scale = \"log\"\n", "") + "\nscale = \"integer\"";
    fs::write(case.path("whole.toml"), whole).unwrap();
    let cases: [(&[&str], &str); 8] = [
        (
            &[
                "sh {here}/sim.sh {index}",
                "-o",
                "d.npz",
                "--parameters",
                "zero.toml",
            ],
            "\"log\" needs low above 1.2e-38",
        ),
        (
            &[
                "sh {here}/sim.sh {index}",
                "-o",
                "d.npz",
                "--parameters",
                "whole.toml",
            ],
            "line 2, column \"T_e_eV\": its scale is \"integer\"",
        ),
        (&["sh {here}/sim.sh", "-o", "d.npz"], "takes no parameter"),
        (&["sh {here}/sim.sh {index}", "-o", "d.csv"], "ends in .npz"),
        (
            &["sh {here}/sim.sh {index}", "-o", "d.npz", "--axis", "t"],
            "NAME=FILE",
        ),
        (
            &[
                "sh {here}/sim.sh {index}",
                "-o",
                "d.npz",
                "--axis",
                "y=two.txt",
            ],
            "another name",
        ),
        (
            &[
                "sh {here}/sim.sh {index}",
                "-o",
                "d.npz",
                "--parameters",
                "sim.sh",
            ],
            "sim.sh",
        ),
        (
            &[
                "sh {here}/sim.sh {index}",
                "-o",
                "d.npz",
                "--axis",
                "t=none.txt",
            ],
            "none.txt",
        ),
    ];
    for (more, expected) in cases {
        let output = command()
            .current_dir(case.folder.path())
            .args(collect)
            .args(more)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(
            said(&output).contains(expected),
            "{more:?}: {}",
            said(&output)
        );
    }
    // Errors that a search would report for the data set.
    for (text, expected) in [
        ("index,\n1,2\n", "parameter 2 has no name"),
        ("index,index\n1,2\n", "differ"),
        (
            "index,here\n1,2\n",
            "means something else in a simulator's command",
        ),
        (
            "index,b\n1,1e35\n",
            "line 2, column \"b\": expected a magnitude of at most 1e30",
        ),
        (
            "index,b\n1,1000000\n2,1000001\n",
            "too narrow beside its magnitude",
        ),
    ] {
        fs::write(case.path("other.csv"), text).unwrap();
        let output = command()
            .current_dir(case.folder.path())
            .args(["collect", "other.csv", "--command"])
            .args(["sh {here}/sim.sh {index} {output}", "-o", "d.npz"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(said(&output).contains(expected), "{}", said(&output));
    }
    assert!(case.ran().is_empty() && !case.path("d.npz.runs").exists());
    // An axis of the wrong length is detected after the runs, which are kept.
    let output = case.command(&["--axis", "t=two.txt"]).output().unwrap();
    assert!(
        said(&output).contains("no run is repeated"),
        "{}",
        said(&output)
    );
    assert_eq!(case.collected(&[])["started"], 0);
}
