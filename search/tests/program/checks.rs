//! The messages of docs/checks.md: runs every command of the page and compares its output with the
//! page.
//!
//! A block of the page marked `console` has commands after `$ `, each followed by its output on
//! both streams in order. `...` stands for any text, and on a line of its own for any lines. If the
//! output differs from the page, the corrected page is written to the build's folder for temporary
//! files.

#![expect(
    clippy::unwrap_used,
    reason = "a helper of a test that cannot go on fails there"
)]

use super::skip::skipped;
use super::{doubles, npz};
use dense_search::folder_lock::FolderLock;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const ROWS: usize = 60;

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/checks.md")
}

/// Values between 0 and 1 in an order without a pattern.
fn spread(count: usize, step: f64) -> Vec<f64> {
    (0..count).map(|k| (step * k as f64).fract()).collect()
}

/// Two inputs and a smooth output: the arrays of a `.npz`.
fn waves(first: usize) -> (Vec<f64>, Vec<f64>) {
    let rows = first..first + ROWS;
    let x: Vec<f64> = rows
        .flat_map(|k| [(0.618 * k as f64).fract(), (0.755 * k as f64).fract()])
        .collect();
    let y = x.chunks_exact(2).map(|x| (5.0 * x[0]).sin() * x[1]);
    let y = y.collect();
    (x, y)
}

/// Name, type, shape and bytes of an array.
type Array<'a> = (&'a str, &'a str, &'a [usize], Vec<u8>);

/// The names of two inputs.
fn names() -> Array<'static> {
    let letters = ['a', 'b'].map(|name| u32::from(name).to_le_bytes());
    ("x_names", "<U1", &[2], letters.concat())
}

/// Writes the files that the page's commands use.
fn files(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    let (x, y) = waves(0);
    let inputs = || ("x", "<f8", &[ROWS, 2][..], doubles(&x));
    let outputs = |y: &[f64]| ("y", "<f8", &[ROWS][..], doubles(y));
    let with = |more: Array<'_>| npz(&[inputs(), outputs(&y), more]);
    let named = with(names());
    write("runs.npz", &named);
    write("runs.txt", b"1 2 3\n");
    write("cut.npz", &named[..named.len() / 2]);
    write("only-x.npz", &npz(&[inputs()]));
    let fewer = ("y", "<f8", &[ROWS - 1][..], doubles(&y[1..]));
    write("short.npz", &npz(&[inputs(), fewer]));

    let mut wrong = y.clone();
    (wrong[3], wrong[7], wrong[8]) = (f64::NAN, f64::INFINITY, f64::NAN);
    (wrong[20], wrong[21]) = (f64::NAN, f64::NAN);
    write("nan.npz", &npz(&[inputs(), outputs(&wrong)]));
    let cells = spread(20, 0.618).into_iter().enumerate();
    let cells = cells.map(|(row, a)| match row {
        4 => format!("{a},failed\n"),
        9 => format!("{a},\n"),
        _ => format!("{a},{}\n", a * a),
    });
    write(
        "cells.csv",
        ("a,y\n".to_owned() + &cells.collect::<String>()).as_bytes(),
    );
    let rows = x.chunks_exact(2).zip(&y);
    let rows: Vec<String> = rows
        .map(|(x, y)| format!("{},{},{y}\n", x[0], x[1]))
        .collect();
    write(
        "runs.csv",
        ("a,b,y\n".to_owned() + &rows.concat()).as_bytes(),
    );
    write("ragged.csv", b"a,y\n1,2\n3,4,5\n");
    write("comma.csv", b"a;b;y\n0,5;1,25;3,5\n0,75;1,5;4,5\n");
    write(
        "commented.csv",
        b"# from the cluster\n# a b y\n0.5 1.25 3.5\n0.75 1.5 4.5\n",
    );
    let both: Vec<f64> = y.iter().flat_map(|&y| [y, 1.0 - y]).collect();
    write(
        "complex.npz",
        &npz(&[inputs(), ("y", "<c16", &[ROWS], doubles(&both))]),
    );

    let parts = |part: fn(usize) -> u8| (0..ROWS).map(part).collect::<Vec<u8>>();
    let three = parts(|row| if row == 5 { 3 } else { u8::from(row % 4 == 3) });
    write("three.npz", &with(("split", "|u1", &[ROWS], three)));
    let truths = parts(|row| u8::from(row % 4 == 3));
    write("true-false.npz", &with(("split", "|b1", &[ROWS], truths)));
    let few = ("x", "<f8", &[6, 2][..], doubles(&x[..12]));
    write(
        "few.npz",
        &npz(&[few, ("y", "<f8", &[6], doubles(&y[..6]))]),
    );
    let (mut twice, mut same) = (x.clone(), y.clone());
    for row in [7, 11] {
        twice.copy_within(0..2, 2 * row);
        same[row] = same[0];
    }
    let tested = parts(|row| 2 * u8::from(row % 4 == 3));
    let leaked: [Array<'_>; 3] = [
        ("x", "<f8", &[ROWS, 2], doubles(&twice)),
        outputs(&same),
        ("split", "|u1", &[ROWS], tested),
    ];
    write("leaked.npz", &npz(&leaked));

    let mut filled = y.clone();
    for row in [2, 17, 40] {
        filled[row] = -999.0;
    }
    write("fill.npz", &npz(&[inputs(), outputs(&filled)]));
    // Two inputs that vary, one that is constant, and one that depends on the first.
    let odd = x.chunks_exact(2);
    let odd = odd.flat_map(|x| [x[0], x[1], 3.0, 2.0 * x[0] + 1.0]);
    let mut odd: Vec<f64> = odd.collect();
    let mut results = y.clone();
    odd.copy_within(0..4, 4 * 30);
    results[30] = results[0];
    odd.copy_within(4..8, 4 * 31);
    results[31] = results[1] + 0.5;
    let odd: [Array<'_>; 2] = [("x", "<f8", &[ROWS, 4], doubles(&odd)), outputs(&results)];
    write("odd.npz", &npz(&odd));
    let rare: [Array<'_>; 2] = [
        ("x", "<f8", &[15, 2], doubles(&x[..30])),
        ("y", "<f8", &[15], doubles(&y[..15])),
    ];
    write("rare.npz", &npz(&rare));
    let steep: Vec<f64> = x
        .chunks_exact(2)
        .map(|x| (18.0 * x[0] * x[1]).exp())
        .collect();
    write("decades.npz", &npz(&[inputs(), outputs(&steep)]));

    let parameter = |name: &str, rest: &str| format!("[[parameter]]\nname = \"{name}\"\n{rest}\n");
    let limits = "low = 0\nhigh = 1\n";
    let narrow = parameter("a", "low = 1000000\nhigh = 1000001\n");
    write("narrow.toml", narrow.as_bytes());
    let zero = parameter("a", &(limits.to_owned() + "scale = \"log\"\n"));
    write("zero.toml", zero.as_bytes());
    let twice = parameter("a", limits) + &parameter("a", limits);
    write("twice.toml", twice.as_bytes());

    let design = (0..12).map(|row| format!("{row},{}\n", 10 - row));
    write(
        "design.csv",
        ("a,b\n".to_owned() + &design.collect::<String>()).as_bytes(),
    );
    write("sim.sh", b"case $1 in 3) echo 'no convergence' >&2; exit 3 ;; 5) echo nan; exit ;; esac\necho $1.5\n");
    write("other.sh", b"echo $2\n");
    write("comma.sh", b"[ $1 = 2 ] && echo 2 || echo $1,25\n");
    write("local.py", b"def f(a, b):\n    return a * b\n");

    let (x, y) = waves(900);
    let again = ("x", "<f8", &[ROWS, 2][..], doubles(&x));
    write("again.npz", &npz(&[again, outputs(&y), names()]));
    write("outside.csv", b"a,b\n0.5,0.5\n7.5,0.5\n");
    write("wrong.csv", b"a,c\n0.5,0.5\n");
    fs::create_dir(folder.join("here")).unwrap();
    write("here/notes.txt", b"mine\n");
    fs::create_dir(folder.join("busy")).unwrap();

    write("constant.npz", &npz(&[inputs(), outputs(&[7.5; ROWS])]));
    let mut large = waves(0).1;
    (large[4], large[9]) = (3e303, -2e301);
    write("large.npz", &npz(&[inputs(), outputs(&large)]));
    let offset: Vec<f64> = waves(0).1.iter().map(|y| 1e6 + 1e-3 * y).collect();
    write("offset.npz", &npz(&[inputs(), outputs(&offset)]));
}

/// A command of the page with the output shown there.
struct Shown {
    command: String,
    printed: Vec<String>,
}

/// Whether a text matches the page, where each `...` stands for any text.
fn is_text(shown: &str, text: &str) -> bool {
    let mut parts = shown.split("...");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else {
            return false;
        };
        rest = after;
    }
    rest.ends_with(last)
}

/// Whether lines match the page, where each line `...` stands for any lines.
fn are_lines(shown: &[String], lines: &[&str]) -> bool {
    match (shown.split_first(), lines.split_first()) {
        (None, left) => left.is_none(),
        (Some((any, rest)), _) if any == "..." => {
            (0..=lines.len()).any(|skipped| are_lines(rest, &lines[skipped..]))
        }
        (Some((line, rest)), Some((text, others))) => {
            is_text(line, text) && are_lines(rest, others)
        }
        (Some(_), None) => false,
    }
}

/// Returns the output of a command run in a folder, on both streams.
fn typed(command: &str, folder: &Path) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_dense-search"));
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1; {command}")])
        .current_dir(folder)
        .env(
            "PATH",
            format!("{}:{path}", program.parent().unwrap().display()),
        )
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.replace(&folder.display().to_string(), "/home/you")
}

#[test]
fn the_page_of_messages_shows_what_the_program_says() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    files(&folder);
    let _busy = FolderLock::take(&folder.join("busy"), "search", &|_| {}).unwrap();
    let has_cc = Command::new("cc").arg("--version").output().is_ok();
    if !has_cc {
        skipped("cc, install a compiler of C");
    }
    let text = fs::read_to_string(page()).unwrap();
    let (mut all, mut wrong) = (String::new(), Vec::new());
    let mut lines = text.lines().peekable();
    let (mut commands, mut inside) = (0, false);
    while let Some(line) = lines.next() {
        all += &format!("{line}\n");
        match (line, line.strip_prefix("$ ")) {
            ("```console", _) => inside = true,
            ("```", _) => inside = false,
            (_, Some(command)) if inside => {
                commands += 1;
                let mut shown = Shown {
                    command: command.to_owned(),
                    printed: Vec::new(),
                };
                while let Some(next) =
                    lines.next_if(|next| *next != "```" && !next.starts_with("$ "))
                {
                    shown.printed.push(next.to_owned());
                }
                let is_left_out = command.starts_with("cc ") && !has_cc;
                let printed = match is_left_out {
                    true => shown.printed.join("\n"),
                    false => typed(command, &folder),
                };
                let printed: Vec<&str> = printed.lines().collect();
                if are_lines(&shown.printed, &printed) || is_left_out {
                    all.extend(shown.printed.iter().map(|line| format!("{line}\n")));
                } else {
                    all.extend(printed.iter().map(|line| format!("{line}\n")));
                    wrong.push((shown.command, shown.printed, printed.join("\n")));
                }
            }
            _ => {}
        }
    }
    assert!(commands > 30, "{commands} commands");
    let as_it_would_be = Path::new(env!("CARGO_TARGET_TMPDIR")).join("checks.md");
    if !wrong.is_empty() {
        fs::write(&as_it_would_be, all).unwrap();
    }
    for (command, shown, printed) in &wrong {
        println!(
            "$ {command}\nthe page has:\n{}\nthe program says:\n{printed}\n",
            shown.join("\n")
        );
    }
    assert!(
        wrong.is_empty(),
        "{} commands print other than docs/checks.md shows; as it would be: {}",
        wrong.len(),
        as_it_would_be.display()
    );
}

#[test]
fn dots_stand_for_any_text_and_any_lines_and_nothing_else_does() {
    assert!(is_text("a ... c", "a b c") && is_text("...", "") && is_text("a", "a"));
    assert!(!is_text("a", "ab") && !is_text("a ... c", "a b d") && !is_text("a... b...b", "a b"));
    let shown = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert!(are_lines(&shown("a\n...\nd"), &["a", "b", "c", "d"]));
    assert!(are_lines(&shown("..."), &[]));
    assert!(!are_lines(&shown("a\nd"), &["a", "b", "d"]));
    assert!(!are_lines(&shown("a"), &["a", "b"]) && !are_lines(&shown("a\nb"), &["a"]));
}
