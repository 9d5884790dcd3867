//! What a cell of the tables is, and what its line in the record says.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Who {
    /// The search of this checkout.
    Ours,
    /// An earlier build of the program.
    Before,
    /// `gated_jax.py`, on one core.
    GatedJax,
    /// `classical.py`, on one core: the best of its regressors.
    Classical,
}

impl Who {
    /// Returns the name that the record has.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Before => "before",
            Self::GatedJax => "gated_jax",
            Self::Classical => "classical",
        }
    }
}

/// Which rows are learnt from and which judge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rows {
    /// The data set's or the formula's name.
    pub(crate) set: String,
    /// Number of rows to learn from; `None` for all but a fifth.
    pub(crate) train: Option<usize>,
    /// The seed of the draw.
    pub(crate) draw: u64,
}

/// What is measured. Tables that ask for the same share it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Key {
    #[serde(flatten)]
    pub(crate) rows: Rows,
    pub(crate) who: Who,
    /// Wall seconds; 0 for regressors, which take what they need.
    pub(crate) seconds: f64,
    /// Threads.
    pub(crate) threads: usize,
    /// The largest number of multiply-accumulates that ships; 0 for rivals, which have no budget.
    pub(crate) budget: u64,
    /// Members; `None` for the default.
    pub(crate) members: Option<usize>,
    /// The space; `None` for the default.
    pub(crate) space: Option<String>,
}

impl Key {
    /// Returns the form in words: `default`, `members 1`, `mlp-basis, members 1`.
    pub(crate) fn form(&self) -> String {
        let members = self.members.map(|members| format!("members {members}"));
        let parts: Vec<String> = self.space.clone().into_iter().chain(members).collect();
        match parts.is_empty() {
            true => "default".to_owned(),
            false => parts.join(", "),
        }
    }

    /// Returns the cell in words.
    pub(crate) fn text(&self) -> String {
        let Rows { set, train, draw } = &self.rows;
        let train = train.map_or("four fifths".to_owned(), |rows| format!("{rows} rows"));
        let mut text = format!("{set}, {train}, draw {draw}: {}", self.who.name());
        if self.seconds > 0.0 {
            text += &format!(", {} s", self.seconds);
        }
        if self.budget > 0 {
            text += &format!(", {}, {} MAC", self.form(), self.budget);
        }
        text
    }
}

/// A measured cell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cell {
    #[serde(flatten)]
    pub(crate) key: Key,
    /// The commit of this checkout, with `+` where the code that is measured differs from it.
    pub(crate) commit: String,
    /// SHA-256 of the script or the program; `None` for the search of this checkout.
    pub(crate) program: Option<String>,
    /// SHA-256 of the rows and their parts.
    pub(crate) data: String,
    /// The machine's load, averaged over the minute before.
    pub(crate) load: f64,
    /// Wall seconds of all, of which the rivals' start and compilation are a part.
    pub(crate) wall: f64,
    #[serde(flatten)]
    pub(crate) outcome: Outcome,
}

/// How well a contestant did on the rows held out.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Mean squared error on them, in deviations of all rows that were not held out. Constant
    /// outputs are left out.
    pub(crate) mse_z: f64,
    /// The regressor or contender that has this error.
    pub(crate) best: Option<String>,
    /// Multiply-accumulates of a call.
    pub(crate) macs: Option<u64>,
    /// The median over rows of the error's norm over the output's norm.
    pub(crate) median_relative_l2: Option<f64>,
    /// The share of values in the bands of 50, 90 and 99 %.
    pub(crate) coverage: Option<[f64; 3]>,
    /// Every contender of a run whose emulator is left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) contenders: Vec<Contender>,
    /// The error of what a run's emulator has learnt from beside the rows, as [`Outcome::mse_z`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) teacher: Option<f64>,
    /// The error of each regressor; `None` where it cannot be fitted.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) models: BTreeMap<String, Option<f64>>,
    /// What the run or the script says of itself: the report of `run.json` without its Pareto
    /// table, or the script's line.
    pub(crate) report: Value,
}

/// A contender of a run, on the rows held out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Contender {
    pub(crate) name: String,
    /// Its role, as the report names it.
    pub(crate) role: Option<String>,
    pub(crate) macs: u64,
    /// The error by which the run chose; `None` where it is not finite.
    pub(crate) selection_error: Option<f64>,
    /// As [`Outcome::mse_z`]; `None` where it is not finite.
    pub(crate) mse_z: Option<f64>,
}

impl Outcome {
    /// The error of what ships over that of the best contender within the budget; `None` where
    /// the run has left none.
    pub(crate) fn regret(&self, budget: u64) -> Option<f64> {
        let within = self.contenders.iter().filter(|one| one.macs <= budget);
        let best = within.filter_map(|one| one.mse_z).min_by(f64::total_cmp)?;
        // What ships is itself within the budget.
        Some(self.mse_z / best.min(self.mse_z))
    }

    /// The share of the CPU time in steps of what ships, of its fold networks and its teacher.
    pub(crate) fn for_what_ships(&self) -> Option<f64> {
        let spent = self.report.pointer("/time_spent")?;
        let of = |part: &str| spent.get(part)?.as_f64();
        let parts = ["processes", "rounds", "answers", "last", "other"];
        let total: Option<f64> = parts.into_iter().map(of).sum();
        Some(of("for_what_ships")? / total?)
    }

    /// The mean squared error that the run itself expects, from rows that it trained on in turns;
    /// `None` for reports without one.
    pub(crate) fn out_of_fold(&self) -> Option<f64> {
        let judged = self.report.pointer("/judged")?.as_str()?;
        let estimate = self.report.pointer("/val_mse_z")?;
        estimate.as_f64().filter(|_| judged == "out_of_fold")
    }
}
