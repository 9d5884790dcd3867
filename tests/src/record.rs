//! The record of a benchmark that is made in parts: a file with a line of JSON for each finished
//! cell, and the state of the code that a cell was measured on.

use anyhow::Context;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::{Command, Output};

/// Returns the cells of a record; none if there is no record yet.
///
/// # Errors
/// The file cannot be read, or a line is not a cell of this benchmark.
pub fn read<T: DeserializeOwned>(record: Option<&Path>) -> anyhow::Result<Vec<T>> {
    let Some(path) = record else {
        return Ok(Vec::new());
    };
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        text => text.with_context(|| path.display().to_string())?,
    };
    let cells = text.lines().map(serde_json::from_str);
    cells
        .collect::<Result<_, _>>()
        .with_context(|| format!("{}: not a record of this benchmark", path.display()))
}

/// Appends a finished cell to a record, if there is one, in one write.
///
/// # Errors
/// The file cannot be written.
pub fn append<T: Serialize>(record: Option<&Path>, cell: &T) -> anyhow::Result<()> {
    let Some(path) = record else {
        return Ok(());
    };
    let line = serde_json::to_string(cell)? + "\n";
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line.as_bytes())
        .with_context(|| path.display().to_string())
}

/// Returns the commit of the sources in 12 digits, followed by `+` if one of `paths` (relative to
/// the repository, empty: any file that git knows) differs from it.
///
/// # Errors
/// git does not start, or the sources are not in a repository.
pub fn commit(paths: &[&str]) -> anyhow::Result<String> {
    let head = git(&["rev-parse", "--short=12", "HEAD"])?;
    anyhow::ensure!(head.status.success(), "the sources are in no repository");
    let mut commit = String::from_utf8_lossy(&head.stdout).trim().to_owned();
    if !is_unchanged("HEAD", paths)? {
        commit.push('+');
    }
    Ok(commit)
}

/// Whether the files in `paths` are now as they were in a commit. A commit that is not known here,
/// or had changes (`+`), counts as different.
///
/// # Errors
/// git does not start.
pub fn is_unchanged(commit: &str, paths: &[&str]) -> anyhow::Result<bool> {
    let output = git(&[&["diff", "--quiet", commit, "--"], paths].concat())?;
    Ok(output.status.success())
}

fn git(arguments: &[&str]) -> anyhow::Result<Output> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    Command::new("git")
        .current_dir(top)
        .args(arguments)
        .output()
        .context("git says which commit is measured; it does not start")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_back_in_order_and_other_lines_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record.jsonl");
        assert!(read::<(String, f64)>(Some(&path)).unwrap().is_empty());
        let cells = [("a".to_owned(), 0.1), ("b".to_owned(), 3e-9)];
        for cell in &cells {
            append(Some(&path), cell).unwrap();
        }
        assert_eq!(read::<(String, f64)>(Some(&path)).unwrap(), cells);
        append(Some(&path), &"neither").unwrap();
        let error = read::<(String, f64)>(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("record.jsonl: not a record"), "{error}");
        append(None, &cells[0]).unwrap();
        assert!(read::<(String, f64)>(None).unwrap().is_empty());
    }
}
