//! Shell commands, for error messages, that repair a data file. Each reads the file and writes a
//! repaired copy beside it.

use super::files::Format;
use super::layout::guess;
use super::limits::{LARGEST_MAGNITUDE, LARGEST_OUTPUT};
use dense_codegen::emulator::Layout;
use std::path::Path;

/// The largest number of line ranges in one `sed` command.
const MOST_RANGES: usize = 1000;

/// A numpy command that changes the arrays `d` of a `.npz` by `statements` and stores them as
/// `NAME-SUFFIX.npz`.
pub(super) fn numpy(file: &str, suffix: &str, statements: &str, pickled: Pickled) -> String {
    let pickled = match pickled {
        Pickled::Yes => ", allow_pickle=True",
        Pickled::No => "",
    };
    let program = format!(
        "import numpy as np; d = dict(np.load({}{pickled})); {statements}; np.savez({}, **d)",
        python_text(file),
        python_text(&renamed(file, suffix))
    );
    format!("python3 -c {}", shell_text(&program))
}

/// Whether the file has an array of Python objects, which numpy reads only on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pickled {
    Yes,
    No,
}

/// The command that keeps the rows of a `.npz` whose values are finite and not too large.
pub(super) fn keep_usable_rows(file: &str) -> String {
    let usable = format!(
        "n = len(d[\"x\"]); ok = (abs(d[\"x\"].reshape(n, -1)) <= {LARGEST_MAGNITUDE:e}).all(1) & \
         (abs(d[\"y\"].reshape(n, -1).astype(float)) <= {LARGEST_OUTPUT:e}).all(1)"
    );
    let rows =
        "d.update({k: d[k][ok] for k in (\"x\", \"y\", \"split\", \"design_row\") if k in d})";
    numpy(file, "usable", &format!("{usable}; {rows}"), Pickled::No)
}

/// The command that drops these lines of a text, given in ascending order; `None` if they are too
/// many for one command.
pub(super) fn drop_lines(file: &str, lines: &[u64]) -> Option<String> {
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for &line in lines {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == line => *last = line,
            _ => ranges.push((line, line)),
        }
    }
    let commands = ranges.iter().map(|&(first, last)| match first == last {
        true => format!("{first}d"),
        false => format!("{first},{last}d"),
    });
    let commands: Vec<String> = commands.collect();
    (commands.len() <= MOST_RANGES).then(|| {
        format!(
            "sed {} {} > {}",
            shell_text(&commands.join(";")),
            shell_text(file),
            shell_text(&renamed(file, "usable"))
        )
    })
}

/// The statement that turns a complex array of this `shape` into two real channels.
pub(super) fn real_channels(array: &str, shape: &[usize]) -> String {
    let (name, output) = (python_text(array), shape.get(1..).unwrap_or_default());
    let join = match guess(output) {
        _ if array == "x" => "column_stack([a.real, a.imag])",
        Some(Layout::Curve | Layout::Image) => "stack([a.real, a.imag], axis=1)",
        Some(Layout::Curves | Layout::Images) => "concatenate([a.real, a.imag], axis=1)",
        Some(Layout::Scalars) | None => "column_stack([a.real, a.imag])",
    };
    // The column names, and other arrays with one element per column, are adapted too.
    let names = format!("\"{array}_names\"");
    let rest = match array {
        "x" => "[d.pop(k, 0) for k in (\"x_log\", \"x_low\", \"x_high\")]",
        _ => "d.pop(\"y_layout\", 0)",
    };
    format!(
        "a = d[{name}]; d[{name}] = np.{join}; {rest}; d.update({{k: np.array([s + part for part in (\"_re\", \"_im\") for s in \
         d[k]]) for k in [{names}] if k in d}})"
    )
}

/// The file's name with a suffix before its extension.
fn renamed(file: &str, suffix: &str) -> String {
    let path = Path::new(file);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let ending = match Format::of(path) {
        Ok(Format::Csv) => "csv",
        _ => "npz",
    };
    let name = format!("{stem}-{suffix}.{ending}");
    path.with_file_name(name).display().to_string()
}

/// A Python string literal.
fn python_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A shell word.
fn shell_text(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_follow_one_another_in_ranges() {
        let line = drop_lines("a b.csv", &[3, 4, 5, 9]).unwrap();
        assert_eq!(line, "sed '3,5d;9d' 'a b.csv' > 'a b-usable.csv'");
        let many: Vec<u64> = (0..2002).step_by(2).collect();
        assert_eq!(drop_lines("a.csv", &many), None);
    }

    #[test]
    fn names_are_quoted_for_python_and_for_the_shell() {
        assert_eq!(shell_text("it's"), "'it'\\''s'");
        assert_eq!(python_text("a\"b\\c"), "\"a\\\"b\\\\c\"");
        assert_eq!(renamed("runs/one.npz", "usable"), "runs/one-usable.npz");
        assert_eq!(renamed("one.CSV", "usable"), "one-usable.csv");
    }

    #[test]
    fn complex_arrays_become_what_a_search_takes() {
        for (shape, join) in [
            (&[9][..], "column_stack"),
            (&[9, 2], "column_stack"),
            (&[9, 80], "np.stack([a.real, a.imag], axis=1)"),
            (&[9, 3, 80], "concatenate"),
            (&[9, 20, 20], "stack([a.real, a.imag], axis=1)"),
        ] {
            assert!(real_channels("y", shape).contains(join), "{shape:?}");
        }
    }
}
