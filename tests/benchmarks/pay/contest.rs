//! The rows of a cell as the file that every contestant reads: part 0 for the rows to learn from,
//! part 2 for those held out, no part 1.

use crate::cell::Rows;
use crate::formula::Formula;
use crate::npz::Archive;
use anyhow::Context;
use dense_search::data::{Dataset, Part, ReadOptions};
use dense_search::design::Scale;
use dense_search::streams::{permutation, stream};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

/// Fresh rows that judge a formula.
const FRESH: usize = 5000;

/// A file for all contestants. It vanishes with this value.
pub(crate) struct Contest {
    pub(crate) rows: Rows,
    /// SHA-256 of the rows and their parts.
    pub(crate) sha256: String,
    folder: tempfile::TempDir,
}

impl Contest {
    /// Writes the rows, from `FOLDER/NAME.npz` or from the formula NAME.
    ///
    /// # Errors
    /// There is no such set, it has too few rows, or the file cannot be written.
    pub(crate) fn new(rows: Rows, folder: &Path) -> anyhow::Result<Self> {
        let made = tempfile::tempdir()?;
        let file = made.path().join("rows.npz");
        let sha256 = match Formula::named(&rows.set) {
            Some(formula) => of_formula(formula, &rows, &file)?,
            None => of_set(&folder.join(format!("{}.npz", rows.set)), &rows, &file)?,
        };
        Ok(Self {
            rows,
            sha256,
            folder: made,
        })
    }

    /// The file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("rows.npz")
    }
}

/// Writes the set with parts of its rows: a seeded permutation holds out its first fifth, or all
/// but its first `train` rows.
fn of_set(set: &Path, rows: &Rows, file: &Path) -> anyhow::Result<String> {
    let data = Dataset::read(set, &ReadOptions::default())?;
    let order = permutation(&mut stream(rows.draw, "held-out rows"), data.rows());
    let held_out = match rows.train {
        None => &order[..data.rows().div_ceil(5)],
        Some(train) => order
            .get(train..)
            .filter(|left| !left.is_empty())
            .with_context(|| format!("{} has too few rows for {train}", rows.set))?,
    };
    let mut parts = vec![Part::Train.number(); data.rows()];
    for &row in held_out {
        parts[row] = Part::Test.number();
    }
    let mut archive = Archive::create(file)?;
    archive.copy(set)?;
    archive.bytes("split", "|i1", &parts)?;
    archive.finish()?;
    Ok(digest(&[&fs::read(set)?, &parts]))
}

/// Writes scrambled Sobol rows to learn from and random rows to judge.
fn of_formula(formula: &Formula, rows: &Rows, file: &Path) -> anyhow::Result<String> {
    let train = rows.train.context("a formula has no rows of its own")?;
    let (x, y) = formula.rows(train, FRESH, rows.draw);
    let parameters = formula.parameters();
    let (count, inputs) = (y.len(), parameters.len());
    let mut parts = vec![Part::Train.number(); train];
    parts.resize(count, Part::Test.number());
    let names: Vec<String> = parameters.iter().map(|one| one.name.clone()).collect();
    let lows: Vec<f64> = parameters.iter().map(|one| one.low).collect();
    let highs: Vec<f64> = parameters.iter().map(|one| one.high).collect();
    let logarithmic = parameters
        .iter()
        .map(|one| u8::from(one.scale == Scale::Log));
    let mut archive = Archive::create(file)?;
    archive.doubles("x", &[count, inputs], &x)?;
    archive.doubles("y", &[count, 1], &y)?;
    archive.texts("x_names", &[inputs], &names)?;
    archive.doubles("x_low", &[inputs], &lows)?;
    archive.doubles("x_high", &[inputs], &highs)?;
    archive.bytes("x_log", "|b1", &logarithmic.collect::<Vec<_>>())?;
    archive.texts("y_layout", &[], &["scalars".to_owned()])?;
    archive.bytes("split", "|i1", &parts)?;
    archive.finish()?;
    let numbers = x.iter().chain(&y).flat_map(|value| value.to_le_bytes());
    Ok(digest(&[&numbers.collect::<Vec<_>>(), &parts]))
}

/// SHA-256 of several pieces, one after the other, in hexadecimal.
pub(crate) fn digest(pieces: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update(piece);
    }
    format!("{:x}", hash.finalize())
}
