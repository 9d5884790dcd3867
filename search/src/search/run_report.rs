//! What a search says of itself: what ships and how good it is, beside what else was trained.

use crate::contenders::Role;
use crate::data::Transform;
use crate::json::float;
use crate::metrics::OutputMetrics;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::fmt::Write;

/// What a search reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunReport {
    /// What ships: the name of a contender.
    pub space: String,
    /// Mean squared error on the validation rows, in training deviations.
    #[serde(deserialize_with = "float")]
    pub val_mse_z: f64,
    /// The median over the validation rows of the error's norm over the outputs' norm.
    #[serde(deserialize_with = "float")]
    pub val_relative_l2: f64,
    /// The worst scalar or channel on the validation rows, where there are several.
    #[serde(deserialize_with = "Option::deserialize")]
    pub val_worst_output: Option<OutputMetrics>,
    /// The share of the validation rows' values in the bands of 50, 90 and 99 %.
    pub val_coverage: [f64; 3],
    /// The mean width of the 90 % band there over that of a constant band that holds as many values.
    #[serde(deserialize_with = "float")]
    pub val_width_over_constant: f64,
    /// The coordinate that outputs were learnt in.
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
    /// Weight steps.
    pub steps: usize,
    /// Median milliseconds of a weight step: forward, loss, backward, optimiser.
    #[serde(deserialize_with = "float")]
    pub ms_per_step: f64,
    /// Whether it was interrupted before its last step.
    pub interrupted: bool,
    /// All that was trained.
    pub contenders: Vec<Verdict>,
    /// The best of what was trained at each cost, the least error first.
    pub pareto: Vec<ParetoRow>,
}

/// What was trained, judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Verdict {
    /// Its name.
    pub name: String,
    /// What it is in the run.
    pub role: Role,
    /// Whether it ships.
    pub ships: bool,
    /// The error on the selection rows by which it is chosen: of the figure [`RunReport::chosen_by`].
    #[serde(deserialize_with = "float")]
    pub selection_error: f64,
    /// The mean squared difference from the Gaussian process that taught, at inputs between the rows, in training deviations;
    /// none where none taught.
    #[serde(deserialize_with = "Option::deserialize")]
    pub departure: Option<f64>,
    /// Whether that is far above the least of the run: what is chosen goes astray nowhere that a process does not.
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
    /// Seconds of its training, on so many threads.
    pub seconds: f64,
    /// Threads that it had.
    pub threads: usize,
}

impl Verdict {
    /// Orders what was trained, the better first.
    #[must_use]
    pub fn order(&self, other: &Self) -> Ordering {
        let errors = self.selection_error.total_cmp(&other.selection_error);
        self.astray.cmp(&other.astray).then(errors)
    }
}

/// An emulator that no other of the run is below in error, work and flash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ParetoRow {
    /// Its number, from 1: `dense-search freeze RUN --row ROW`.
    pub row: usize,
    /// The contender that it is of.
    pub name: String,
    /// Which of the contender's members it has, from 0.
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
    /// Whether it is what ships.
    pub ships: bool,
}

impl RunReport {
    /// Returns the name of the error by which contenders are chosen: squared errors of outputs over decades are those of
    /// a few peaks.
    #[must_use]
    pub fn chosen_by(&self) -> &'static str {
        match self.transform {
            Transform::None => "mse_z",
            _ => "relative error",
        }
    }

    /// Returns the figures as lines to read.
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
                format!("{:.3e} on validation rows", self.val_mse_z),
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
        for (name, value) in lines {
            let _ = writeln!(text, "{name:16} {value}");
        }
        if self.contenders.len() > 1 {
            self.write_contenders(&mut text);
        }
        self.write_pareto(&mut text);
        text
    }

    fn coverage(&self) -> String {
        let [half, most, nearly_all] = self.val_coverage.map(|share| 100.0 * share);
        format!(
            "{half:.0}, {most:.0} and {nearly_all:.0} % of validation values in the 50, 90 and 99 % bands; {:.2} of a \
             constant band's width",
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

    /// The error on validation rows by which things are compared.
    fn validation(&self, mse_z: f64, relative: f64) -> f64 {
        match self.transform {
            Transform::None => mse_z,
            _ => relative,
        }
    }
}
