//! The report of a search: the shipped emulator and its quality, and all other contenders.

use super::race::Plan;
use super::time_spent::TimeSpent;
use crate::contenders::Role;
use crate::data::Transform;
use crate::json::{float, floats};
use crate::metrics::OutputMetrics;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt::Write;

/// The report of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunReport {
    /// The name of the contender that ships.
    pub space: String,
    /// What the figures called `val` are measured on.
    pub judged: Judged,
    /// Mean squared error on the validation rows, in training deviations; where every row trains, an
    /// estimate of that on new rows ([`Judged::OutOfFold`]).
    #[serde(deserialize_with = "float")]
    pub val_mse_z: f64,
    /// The median over the validation rows of the error's norm over the outputs' norm.
    #[serde(deserialize_with = "float")]
    pub val_relative_l2: f64,
    /// The worst scalar or channel on the validation rows, if there are several.
    #[serde(deserialize_with = "Option::deserialize")]
    pub val_worst_output: Option<OutputMetrics>,
    /// The fraction of the validation rows' values inside the 50, 90 and 99 % bands.
    #[serde(deserialize_with = "floats")]
    pub val_coverage: [f64; 3],
    /// The mean width of the 90 % band there, divided by the width of a constant band with the same
    /// coverage.
    #[serde(deserialize_with = "float")]
    pub val_width_over_constant: f64,
    /// The coordinate in which outputs were learnt.
    pub transform: Transform,
    /// Multiply-accumulates of the shipped call.
    pub macs: u64,
    /// Multiply-accumulates of the largest member.
    pub member_macs: u64,
    /// Bytes of the constants that the shipped call reads.
    pub flash_bytes: usize,
    /// Microseconds of the shipped call by the cost model.
    #[serde(deserialize_with = "float")]
    pub us: f64,
    /// Members.
    pub members: usize,
    /// Weight steps taken.
    pub steps: usize,
    /// Median time of a weight step in milliseconds: forward, loss, backward, optimiser.
    #[serde(deserialize_with = "float")]
    pub ms_per_step: f64,
    /// Whether it was interrupted before its last step.
    pub interrupted: bool,
    /// The errors of what raced, the least of each; empty where nothing did.
    pub race: Vec<Raced>,
    /// What the race carried out; `None` where there was none.
    #[serde(deserialize_with = "Option::deserialize")]
    pub plan: Option<Plan>,
    /// What the CPU time of a race went into; absent where there was none, and from reports of
    /// before it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_spent: Option<TimeSpent>,
    /// All contenders.
    pub contenders: Vec<Verdict>,
    /// The best ensembles of the run at each cost, in order of increasing error.
    pub pareto: Vec<ParetoRow>,
}

/// What a run judges its emulators by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Judged {
    /// Validation rows, which train nothing.
    Validation,
    /// Rows that train: the answers of networks and processes that have not seen them, with errors
    /// as far below theirs as those of what ships are expected to be.
    OutOfFold,
}

impl Judged {
    /// Returns what the figures are of, for a text.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Validation => "on validation rows",
            Self::OutOfFold => "on new rows, estimated out of fold",
        }
    }
}

/// Name of Gaussian processes among what raced, all families together,
pub(crate) const PROCESSES: &str = "processes";
/// and of the stack of all models.
pub(crate) const STACK: &str = "stack";

/// What a race says of a kind of network, or of the models that may teach.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Raced {
    /// The kind of network; `processes` or `stack` for Gaussian processes and for all together.
    pub name: String,
    /// Steps of each network of the round with the least error; 0 for others.
    pub steps: usize,
    /// The least mean squared error on rows that each has not seen, in training deviations.
    #[serde(deserialize_with = "float")]
    pub mse_z: f64,
    /// The weight in what teaches; 0 where it is not asked.
    #[serde(deserialize_with = "float")]
    pub weight: f64,
    /// The errors of each round, of a kind of network; none in reports of before they were kept.
    #[serde(default)]
    pub rounds: Vec<Round>,
    /// The probability after the first round that no other kind of network errs less, by what all
    /// kinds erred on other data sets; none of what is no kind of network.
    #[serde(default)]
    pub probability: Option<f64>,
}

/// What a round says of a kind of network.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Steps of each network.
    pub steps: usize,
    /// Mean squared error on rows that each has not seen, in training deviations.
    #[serde(deserialize_with = "float")]
    pub mse_z: f64,
}

/// A contender's results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Its name.
    pub name: String,
    /// Its role in the run.
    pub role: Role,
    /// Whether it ships.
    pub ships: bool,
    /// The error on the selection rows that decides the choice, of the kind
    /// [`RunReport::chosen_by`].
    #[serde(deserialize_with = "float")]
    pub selection_error: f64,
    /// The mean squared difference from the Gaussian process of the teacher, at inputs between the
    /// rows, in training deviations; absent without a teacher.
    #[serde(deserialize_with = "Option::deserialize")]
    pub departure: Option<f64>,
    /// Whether that difference is far above the smallest one of the run. Such a contender ships
    /// only if there is no other.
    pub astray: bool,
    /// Mean squared error on the validation rows, in training deviations.
    #[serde(deserialize_with = "float")]
    pub val_mse_z: f64,
    /// The median over the validation rows of the error's norm over the outputs' norm.
    #[serde(deserialize_with = "float")]
    pub val_relative_l2: f64,
    /// Multiply-accumulates of its call.
    pub macs: u64,
    /// Bytes of its constants.
    pub flash_bytes: usize,
    /// Microseconds of its call by the cost model.
    #[serde(deserialize_with = "float")]
    pub us: f64,
    /// Members.
    pub members: usize,
    /// Weight steps.
    pub steps: usize,
    /// Seconds of its training, on `threads` threads.
    pub seconds: f64,
    /// Number of threads of its training.
    pub threads: usize,
}

impl Verdict {
    /// Orders contenders, the better one first.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let errors = self.selection_error.total_cmp(&other.selection_error);
        self.astray.cmp(&other.astray).then(errors)
    }
}

/// An emulator that no other emulator of the run dominates in error, work and flash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ParetoRow {
    /// Its number, from 1: `dense-search freeze RUN --row ROW`.
    pub row: usize,
    /// The name of its contender.
    pub name: String,
    /// Indices of the contender's members that it consists of, from 0.
    pub members: Vec<usize>,
    /// Mean squared error on the validation rows, in training deviations.
    #[serde(deserialize_with = "float")]
    pub val_mse_z: f64,
    /// The median over the validation rows of the error's norm over the outputs' norm.
    #[serde(deserialize_with = "float")]
    pub val_relative_l2: f64,
    /// Multiply-accumulates of its call.
    pub macs: u64,
    /// Bytes of its constants.
    pub flash_bytes: usize,
    /// Microseconds of its call by the cost model.
    #[serde(deserialize_with = "float")]
    pub us: f64,
    /// Whether it ships.
    pub ships: bool,
}

impl RunReport {
    /// Returns the name of the error that decides the choice. Squared errors of outputs that span
    /// decades would be dominated by a few peaks.
    #[must_use]
    pub fn chosen_by(&self) -> &'static str {
        match self.transform {
            Transform::None => "mse_z",
            _ => "relative error",
        }
    }

    /// Returns the report as lines of text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let error = match &self.val_worst_output {
            Some(worst) => ("worst output", worst.text()),
            None => (
                "relative error",
                format!("{:.3e} (median)", self.val_relative_l2),
            ),
        };
        let lines = [
            ("ships", self.space.clone()),
            (
                "mse_z",
                format!("{:.3e} {}", self.val_mse_z, self.judged.text()),
            ),
            error,
            ("coverage", self.coverage()),
            ("transform", self.transform.name().to_owned()),
            ("members", self.members.to_string()),
            (
                "MAC",
                format!(
                    "{} a call, {} the largest member",
                    self.macs, self.member_macs
                ),
            ),
            ("flash", format!("{} bytes of constants", self.flash_bytes)),
            (
                "time",
                format!("{:.2} us a call by the cost model", self.us),
            ),
            (
                "steps",
                format!("{} of {:.3} ms", self.steps, self.ms_per_step),
            ),
        ];
        let spent = self.time_spent.map(|spent| ("time spent", spent.text()));
        for (name, value) in lines.into_iter().chain(spent) {
            let _ = writeln!(text, "{name:16} {value}");
        }
        if !self.race.is_empty() {
            self.write_race(&mut text);
        }
        if self.contenders.len() > 1 {
            self.write_contenders(&mut text);
        }
        self.write_pareto(&mut text);
        text
    }

    fn write_race(&self, text: &mut String) {
        let names = self.race.iter().map(|one| one.name.len());
        let width = names.max().unwrap_or(0).max("raced".len());
        let _ = writeln!(
            text,
            "\n{:width$} {:>9} {:>10} {:>8}  mse_z of rows that each has not seen",
            "raced", "steps", "mse_z", "p(best)"
        );
        for one in &self.race {
            let steps = match one.steps {
                0 => "-".to_owned(),
                steps => steps.to_string(),
            };
            let teaches = match one.weight > 0.0 {
                true => format!("  teaches, weight {:.2}", one.weight),
                false => String::new(),
            };
            let Raced { name, mse_z, .. } = one;
            let probability = one.probability;
            let probability = probability.map_or("-".to_owned(), |p| format!("{p:.2}"));
            let _ = writeln!(
                text,
                "{name:width$} {steps:>9} {mse_z:>10.3e} {probability:>8}{teaches}"
            );
        }
    }

    fn coverage(&self) -> String {
        let [half, most, nearly_all] = self.val_coverage.map(|share| 100.0 * share);
        format!(
            "{half:.0}, {most:.0} and {nearly_all:.0} % of {} in the 50, 90 and 99 % bands; {:.2} of a constant band's width",
            match self.judged {
                Judged::Validation => "validation values",
                Judged::OutOfFold => "values that were estimated so",
            },
            self.val_width_over_constant
        )
    }

    fn write_contenders(&self, text: &mut String) {
        let by = format!("{} to choose", self.chosen_by());
        let _ = writeln!(
            text,
            "\n{:20} {:8} {by:>22} {:>10} {:>10} {:>10} {:>8} {:>8} {:>9} {:>12}",
            "trained", "as", "validation", "MAC", "flash", "us", "members", "steps", "seconds"
        );
        for one in &self.contenders {
            let role = one.role.name();
            let ships = if one.ships { "  ships" } else { "" };
            let _ = writeln!(
                text,
                "{:20} {role:8} {:>22.3e} {:>10.3e} {:>10} {:>10} {:>8.2} {:>8} {:>9} {:>12.1}{ships}",
                one.name,
                one.selection_error,
                self.validation(one.val_mse_z, one.val_relative_l2),
                one.macs,
                one.flash_bytes,
                one.us,
                one.members,
                one.steps,
                one.seconds,
            );
        }
    }

    fn write_pareto(&self, text: &mut String) {
        let _ = writeln!(
            text,
            "\n{:>3}  {:>14} {:>10} {:>10} {:>8}  what: `dense-search freeze RUN --row ROW` takes it",
            "row",
            self.chosen_by(),
            "MAC",
            "flash",
            "us"
        );
        for row in &self.pareto {
            let members = row.members.len();
            let ships = if row.ships { ", ships" } else { "" };
            let plural = if members == 1 { "" } else { "s" };
            let _ = writeln!(
                text,
                "{:>3}  {:>14.3e} {:>10} {:>10} {:>8.2}  {}, {members} member{plural}{ships}",
                row.row,
                self.validation(row.val_mse_z, row.val_relative_l2),
                row.macs,
                row.flash_bytes,
                row.us,
                row.name,
            );
        }
    }

    /// The error on validation rows that is used for comparisons.
    fn validation(&self, mse_z: f64, relative: f64) -> f64 {
        match self.transform {
            Transform::None => mse_z,
            _ => relative,
        }
    }
}
