//! How errors fall with steps, and what a race expects of it.

use crate::error;
use crate::sets::Set;
use dense_search::kind::Kind;
use dense_search::kind::fall::{Fall, Point};
use dense_tests::record;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Steps of the trainings: as of a race's first two rounds, and of what ships.
const STEPS: [usize; 4] = [1_500, 6_000, 24_000, 96_000];
/// Kinds that train.
const KINDS: [&str; 2] = ["gated", "residual"];
/// Rows of a step.
const BATCH: usize = 64;

/// The errors of a kind on a set after each number of [`STEPS`], each of a training of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Curve {
    set: String,
    kind: String,
    rows: usize,
    mse_z: [f64; 4],
    commit: String,
}

/// Measures the curves that a record lacks, and returns all.
///
/// # Errors
/// The record cannot be read or written, or a training fails.
pub(crate) fn measure(
    sets: &[Set],
    file: &Path,
    commit: Option<&str>,
) -> anyhow::Result<Vec<Curve>> {
    let mut curves: Vec<Curve> = record::read(Some(file))?;
    let Some(commit) = commit else {
        return Ok(curves);
    };
    let missing = sets.iter().flat_map(|set| KINDS.map(|kind| (set, kind)));
    let missing = missing.filter(|(set, kind)| {
        let has = |curve: &Curve| curve.set == set.name && curve.kind == *kind;
        !curves.iter().any(has)
    });
    let missing: Vec<(&Set, &str)> = missing.collect();
    for pair in missing.chunks(2) {
        let measured = pair.par_iter().map(|(set, name)| {
            let kind = Kind::named(name).ok_or_else(|| anyhow::anyhow!("no kind {name}"))?;
            let mut mse_z = [0.0; 4];
            for (mse_z, steps) in mse_z.iter_mut().zip(STEPS) {
                *mse_z = error(set, kind, steps)?;
            }
            Ok(Curve {
                set: set.name.clone(),
                kind: kind.name(),
                rows: set.train,
                mse_z,
                commit: commit.to_owned(),
            })
        });
        for curve in measured.collect::<anyhow::Result<Vec<_>>>()? {
            record::append(Some(file), &curve)?;
            eprintln!("{} {}", curve.set, curve.kind);
            curves.push(curve);
        }
    }
    Ok(curves)
}

/// Returns what is expected after the second number of steps over what came to be, a line for each
/// number of rows.
pub(crate) fn table(curves: &[Curve]) -> String {
    let mut by_rows: BTreeMap<usize, Vec<&Curve>> = BTreeMap::new();
    // A network that fails at first has no error that falls.
    for curve in curves.iter().filter(|curve| curve.mse_z[1] < 1.0) {
        by_rows.entry(curve.rows).or_default().push(curve);
    }
    let mut text = format!(
        "| rows | curves | error after {} steps over that after {}, geometric mean | expected / came to be | largest, smallest | after {} steps, likewise | | |\n|---|---|---|---|---|---|---|---|\n",
        STEPS[2], STEPS[1], STEPS[3]
    );
    for (rows, curves) in by_rows {
        let mut line = format!("| {rows} | {} ", curves.len());
        for place in [2, 3] {
            let [mut fell, mut off] = [0.0; 2];
            let (mut largest, mut smallest) = (f64::NEG_INFINITY, f64::INFINITY);
            for curve in &curves {
                let point = |place: usize| Point {
                    steps: STEPS[place],
                    error: curve.mse_z[place],
                };
                let fall = Fall {
                    before: point(0),
                    last: point(1),
                    epochs: (STEPS[1] * BATCH.min(rows)) as f64 / rows as f64,
                };
                let told = fall.expected(STEPS[place]);
                let over = (told / curve.mse_z[place]).ln();
                fell += (curve.mse_z[place] / curve.mse_z[1]).ln();
                off += over;
                largest = largest.max(over);
                smallest = smallest.min(over);
            }
            let count = curves.len() as f64;
            let [fell, off] = [fell, off].map(|sum| (sum / count).exp());
            let _ = write!(
                line,
                "| {fell:.2} | {off:.2} | {:.2}, {:.2} ",
                largest.exp(),
                smallest.exp()
            );
        }
        text += &line;
        text += "|\n";
    }
    text
}
