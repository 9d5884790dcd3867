//! The results of a run: judges the contenders, ships the best, and writes the Pareto table of all
//! of them and the history.
//!
//! A row of the table is an ensemble of some members of a contender (the first one, two, four ...
//! or a single one), with the trained weights and its own calibrated uncertainty, that no other row
//! dominates in validation error, work and flash. Time does not count, so the table is the same on
//! every machine.

use super::Run;
use super::records::{GroupCandidates, ParetoTable, TrainingHistory, TrainingRecords};
use super::run_report::{ParetoRow, RunReport, Verdict};
use super::train::{Finished, parts};
use crate::assemble::assemble;
use crate::budget::Cost;
use crate::contenders::Role;
use crate::data::{Normalisation, Transform};
use crate::error::{Error, Result, ensure};
use crate::events::Observer;
use crate::holes;
use crate::json::Version;
use crate::metrics::{self, Metrics};
use crate::provenance::{Provenance, TOOL};
use crate::space::Architecture;
use crate::training::Trained;
use crate::unseen::Evidence;
use dense_codegen::executor::Executor;
use dense_codegen::local::Coverage;
use dense_codegen::{Emulator, file};

/// Largest departure from the process that counts as normal, as a multiple of the smallest one.
const ASTRAY: f64 = 4.0;

/// What ensembles are assembled with, and judged by.
#[derive(Clone, Copy)]
struct Grounds<'a> {
    normalisation: &'a Normalisation,
    evidence: Evidence<'a>,
    coverage: Option<&'a Coverage>,
}

/// An assembled and judged ensemble.
struct Judged {
    contender: usize,
    members: Vec<usize>,
    emulator: Emulator,
    cost: Cost,
    validation: Metrics,
    ships: bool,
}

impl Judged {
    fn us(&self) -> f64 {
        self.cost.time_ps as f64 * 1e-6
    }
}

impl Run<'_> {
    /// Judges the contenders, writes the emulators, the Pareto table and the history, and returns
    /// the report.
    pub(super) fn ship(
        &self,
        finished: Vec<Finished>,
        normalisation: &Normalisation,
        evidence: Evidence<'_>,
    ) -> Result<RunReport> {
        let transform = normalisation.transform();
        let mut finished = finite(finished, self.observer)?;
        let coverage = holes::find(self.data, &self.split.train).map(|holes| holes.coverage);
        let grounds = Grounds {
            normalisation,
            evidence,
            coverage: coverage.as_ref(),
        };
        let mut judged = Vec::new();
        let mut verdicts = Vec::new();
        for (number, contender) in finished.iter_mut().enumerate() {
            let all = contender.trained.members.clone();
            for members in parts(all.len()) {
                let one = self.assembled(contender, number, &all, members, grounds)?;
                if one.members.len() == all.len() {
                    verdicts.push(self.verdict(contender, &one, normalisation, evidence));
                    self.folder.save_contender(&contender.name, &one.emulator)?;
                }
                judged.push(one);
            }
            contender.trained.members = all;
        }
        self.write_history(&finished)?;
        mark_astray(&mut verdicts, self.observer);
        let best = (0..verdicts.len())
            .filter(|&k| {
                // A race that was interrupted before anything was judged ships what it has.
                let is_judged = !evidence.rows().is_empty();
                verdicts[k].role != Role::Random
                    && (verdicts[k].selection_error.is_finite() || !is_judged)
            })
            .min_by(|&a, &b| verdicts[a].order(&verdicts[b]))
            .ok_or_else(|| {
                Error::Failed(
                    "nothing was trained to a finite error; another --seed may do".to_owned(),
                )
            })?;
        verdicts[best].ships = true;
        let winner = &finished[best];
        for one in &mut judged {
            one.ships = one.contender == best && one.members.len() == winner.trained.members.len();
        }
        let shipped = judged.iter().find(|one| one.ships);
        let shipped = shipped.ok_or_else(|| {
            let text = "every contender has its whole ensemble judged";
            Error::Fault(text.to_owned())
        })?;
        file::save(&shipped.emulator, &self.folder.emulator())?;
        let mut report = RunReport {
            space: winner.name.clone(),
            judged: match evidence {
                Evidence::HeldOut(_) => super::run_report::Judged::Validation,
                Evidence::Unseen(_) => super::run_report::Judged::OutOfFold,
            },
            val_mse_z: shipped.validation.mse_z,
            val_relative_l2: shipped.validation.median_relative_l2,
            val_worst_output: shipped.validation.worst_output().cloned(),
            val_coverage: [
                shipped.validation.coverage_50,
                shipped.validation.coverage_90,
                shipped.validation.coverage_99,
            ],
            val_width_over_constant: shipped.validation.width_over_constant,
            transform,
            macs: shipped.emulator.macs(),
            member_macs: shipped.emulator.member_macs(),
            flash_bytes: shipped.emulator.flash_bytes(),
            us: shipped.us(),
            members: shipped.emulator.members().len(),
            steps: winner.steps,
            ms_per_step: winner.ms_per_step,
            interrupted: finished.iter().any(|contender| contender.interrupted),
            race: Vec::new(),
            plan: None,
            time_spent: None,
            contenders: verdicts,
            pareto: Vec::new(),
        };
        report.pareto = self.write_pareto(judged, &finished, &report)?;
        tell_which(&report, self.observer);
        Ok(report)
    }

    /// The ensemble of some members of a contender, within the budget. It flags inputs in holes of
    /// the box if the budget leaves room for that.
    fn assembled(
        &self,
        contender: &mut Finished,
        number: usize,
        all: &[Architecture],
        members: Vec<usize>,
        grounds: Grounds<'_>,
    ) -> Result<Judged> {
        let Grounds {
            normalisation,
            evidence,
            coverage,
        } = grounds;
        contender.trained.members = members.iter().map(|&k| all[k].clone()).collect();
        let mut emulator = assemble(
            &contender.trained,
            self.data,
            normalisation,
            Some(evidence),
            self.provenance(contender).values()?,
        )?;
        let cost_of = |emulator: &Emulator| Cost::of(emulator, self.settings.cost_model.as_ref());
        ensure!(
            Fault,
            self.settings.budget.allows(cost_of(&emulator)),
            "{}: {:?} is above the budget {:?}; this is a fault of dense-search",
            contender.name,
            cost_of(&emulator),
            self.settings.budget
        );
        if let Some(coverage) = coverage {
            let mut parts = emulator.clone().into_parts();
            parts.local.coverage = Some(coverage.clone());
            let covered = Emulator::new(parts)?;
            if self.settings.budget.allows(cost_of(&covered)) {
                emulator = covered;
            } else if members.len() == all.len() {
                self.observer.note(format!(
                    "{}: the budget has no room to flag inputs in the holes of the box",
                    contender.name
                ));
            }
        }
        Ok(Judged {
            contender: number,
            members,
            validation: self.judge(&emulator, evidence.rows(), evidence, normalisation),
            cost: cost_of(&emulator),
            emulator,
            ships: false,
        })
    }

    fn judge(
        &self,
        emulator: &Emulator,
        rows: &[usize],
        evidence: Evidence<'_>,
        normalisation: &Normalisation,
    ) -> Metrics {
        let deviation = normalisation.deployed_output_scale();
        let threads = self.settings.threads;
        match evidence.answers() {
            None => metrics::evaluate(emulator, self.data, rows, &deviation, threads),
            Some(answers) => {
                let x = rows.iter().flat_map(|&row| self.data.x_row(row));
                let x: Vec<f32> = x.map(|&x| x as f32).collect();
                let mut predictions = Executor::new(emulator).predict(&x, threads);
                predictions.std = answers.std(emulator, &x, &predictions.mean);
                predictions.mean.clone_from(&answers.mean);
                metrics::of_predictions(&predictions, self.data, rows, &deviation)
            }
        }
    }

    fn verdict(
        &self,
        contender: &Finished,
        whole: &Judged,
        normalisation: &Normalisation,
        evidence: Evidence<'_>,
    ) -> Verdict {
        let found = match evidence {
            Evidence::HeldOut(split) => {
                &self.judge(&whole.emulator, &split.selection, evidence, normalisation)
            }
            Evidence::Unseen(_) => &whole.validation,
        };
        let members = whole.members.len();
        let wanted = self.settings.members_of(contender.role);
        if members < wanted {
            let why = match self.settings.space.is_race() {
                true => "the budget has no room for more of them that are worth their time",
                false => {
                    "no more of them differ within 2.5 times the work of one, 1.9 times its weights, and the budget if there is \
                     one"
                }
            };
            self.observer.note(format!(
                "{}: {members} members, not {wanted}: {why}",
                contender.name
            ));
        }
        Verdict {
            name: contender.name.clone(),
            role: contender.role,
            ships: false,
            selection_error: error(normalisation.transform(), found),
            departure: contender.departure,
            astray: false,
            val_mse_z: whole.validation.mse_z,
            val_relative_l2: whole.validation.median_relative_l2,
            macs: whole.emulator.macs(),
            flash_bytes: whole.emulator.flash_bytes(),
            us: whole.us(),
            members,
            steps: contender.steps,
            seconds: contender.seconds,
            threads: contender.threads,
        }
    }

    /// Writes the emulators of the rows, and the table as `pareto.json`.
    fn write_pareto(
        &self,
        judged: Vec<Judged>,
        finished: &[Finished],
        report: &RunReport,
    ) -> Result<Vec<ParetoRow>> {
        let of = |one: &Judged| error(report.transform, &one.validation);
        let offered: Vec<Judged> = judged
            .into_iter()
            .filter(|one| {
                finished[one.contender].role != Role::Random && (of(one).is_finite() || one.ships)
            })
            .collect();
        let figures = offered.iter().map(|one| (of(one), one.cost));
        let figures: Vec<(f64, Cost)> = figures.collect();
        let mut kept: Vec<&Judged> = offered
            .iter()
            .enumerate()
            .filter(|(k, one)| one.ships || !is_dominated(&figures, *k))
            .map(|(_, one)| one)
            .collect();
        kept.sort_by(|left, right| of(left).total_cmp(&of(right)));
        self.folder.clear_pareto()?;
        let mut rows = Vec::new();
        for (place, one) in kept.into_iter().enumerate() {
            let row = place + 1;
            self.folder.save_pareto(row, &one.emulator)?;
            rows.push(ParetoRow {
                row,
                name: finished[one.contender].name.clone(),
                members: one.members.clone(),
                val_mse_z: one.validation.mse_z,
                val_relative_l2: one.validation.median_relative_l2,
                macs: one.emulator.macs(),
                flash_bytes: one.emulator.flash_bytes(),
                us: one.us(),
                ships: one.ships,
            });
        }
        let table = ParetoTable {
            version: Version,
            error: report.chosen_by().to_owned(),
            rows,
        };
        self.folder.write_pareto(&table)?;
        Ok(table.rows)
    }

    fn write_history(&self, finished: &[Finished]) -> Result<()> {
        let trainings = finished.iter().map(|contender| {
            let Trained {
                network, history, ..
            } = &contender.trained;
            let groups = network.space().groups().iter();
            TrainingRecords {
                name: contender.name.clone(),
                role: contender.role,
                groups: groups.map(GroupCandidates::of).collect(),
                records: history.records().to_vec(),
            }
        });
        self.folder.write_history(&TrainingHistory {
            version: Version,
            trainings: trainings.collect(),
        })
    }

    fn provenance(&self, finished: &Finished) -> Provenance {
        let trained = &finished.trained;
        Provenance {
            tool: TOOL.to_owned(),
            space: finished.name.clone(),
            seed: self.settings.seed,
            division: self.settings.division(),
            steps: finished.steps,
            data_sha256: self.data.sha256().to_owned(),
            probabilities: trained.variables.probabilities(),
            members: trained.members.clone(),
            interrupted: finished.interrupted,
        }
    }
}

/// Marks contenders that depart from the process far more than others do. A few selection rows do
/// not reveal large errors between the rows in a corner of the box. The process, which predicts
/// likely values at thousands of inputs, does.
fn mark_astray(verdicts: &mut [Verdict], observer: &dyn Observer) {
    let departures = verdicts.iter().filter_map(|one| one.departure);
    let least = departures.min_by(f64::total_cmp);
    for one in verdicts {
        if let (Some(departure), Some(least)) = (one.departure, least)
            && (departure.is_nan() || departure > ASTRAY * least)
        {
            one.astray = true;
            observer.note(format!(
                "{}: chosen only if nothing else can be: between the rows it departs from the \
                 Gaussian process by {departure:.1e} in mean square, what stays nearest by {least:.1e}",
                one.name
            ));
        }
    }
}

/// Drops trainings that have diverged, and warns about them.
fn finite(finished: Vec<Finished>, observer: &dyn Observer) -> Result<Vec<Finished>> {
    let mut kept = Vec::new();
    for one in finished {
        let Trained {
            network, members, ..
        } = &one.trained;
        match network.is_finite(members)? {
            true => kept.push(one),
            false => observer.warn(format!(
                "{}: its weights have grown beyond all bounds; it is left out",
                one.name
            )),
        }
    }
    if kept.is_empty() {
        let text = "every training has diverged: another --seed may not, and outputs over decades are learnt by their logarithm \
                    (--transform log)";
        return Err(Error::Failed(text.to_owned()));
    }
    Ok(kept)
}

/// The error used for comparisons. Squared errors of outputs that span decades would be dominated
/// by a few peaks.
fn error(transform: Transform, found: &Metrics) -> f64 {
    match transform {
        Transform::None => found.mse_z,
        _ => found.median_relative_l2,
    }
}

/// Whether another row Pareto-dominates this one in error, work and flash. Of equal rows, the
/// earlier dominates.
fn is_dominated(figures: &[(f64, Cost)], k: usize) -> bool {
    let of = |&(error, cost): &(f64, Cost)| (error, cost.macs, cost.flash_bytes);
    let (error, macs, flash) = of(&figures[k]);
    let mut others = figures.iter().map(of).enumerate();
    others.any(|(other, (e, m, f))| {
        let not_above = e <= error && m <= macs && f <= flash;
        let equal = (e, m, f) == (error, macs, flash);
        other != k && not_above && (!equal || other < k)
    })
}

/// Reports the shipped contender and the alternatives.
fn tell_which(report: &RunReport, observer: &dyn Observer) {
    let best_of = |role: Role| {
        let of_role = report.contenders.iter().filter(move |one| one.role == role);
        of_role.min_by(|a, b| a.order(b))
    };
    let (Some(search), Some(control)) = (best_of(Role::Search), best_of(Role::Control)) else {
        return;
    };
    observer.status(format!(
        "{} ships: {} {:.3e} of the search ({}, {} MAC), {:.3e} of the fixed network ({}, {} MAC), on rows that trained nothing",
        report.space,
        report.chosen_by(),
        search.selection_error,
        search.name,
        search.macs,
        control.selection_error,
        control.name,
        control.macs,
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    const SILENT: &dyn Observer = &|_| {};

    #[test]
    fn parts_begin_with_all_members_and_have_each_ensemble_once() {
        let of = |members| parts(members).collect::<Vec<_>>();
        assert_eq!(of(1), [[0]]);
        assert_eq!(
            of(4),
            [
                vec![0, 1, 2, 3],
                vec![0],
                vec![0, 1],
                vec![1],
                vec![2],
                vec![3]
            ]
        );
        for members in 1..64 {
            let mut all = of(members);
            assert_eq!(all[0].len(), members);
            let count = all.len();
            all.sort();
            all.dedup();
            assert_eq!(all.len(), count);
        }
    }

    fn verdict(selection_error: f64, departure: Option<f64>) -> Verdict {
        Verdict {
            name: format!("with {departure:?}"),
            role: Role::Search,
            ships: false,
            selection_error,
            departure,
            astray: false,
            val_mse_z: selection_error,
            val_relative_l2: selection_error,
            macs: 1,
            flash_bytes: 1,
            us: 1.0,
            members: 1,
            steps: 1,
            seconds: 1.0,
            threads: 1,
        }
    }

    #[test]
    fn what_goes_astray_between_the_rows_comes_last_however_small_its_error_on_them() {
        let mut verdicts = [
            verdict(1e-5, Some(3e-3)),
            verdict(3e-5, Some(1.8e-4)),
            verdict(2e-5, Some(6e-4)),
            verdict(1e-6, Some(f64::NAN)),
        ];
        mark_astray(&mut verdicts, SILENT);
        assert_eq!(
            verdicts.clone().map(|one| one.astray),
            [true, false, false, true]
        );
        verdicts.sort_by(Verdict::order);
        let errors = verdicts.map(|one| one.selection_error);
        assert_eq!(errors, [2e-5, 3e-5, 1e-6, 1e-5]);

        let mut without = [verdict(2.0, None), verdict(1.0, None)];
        mark_astray(&mut without, SILENT);
        without.sort_by(Verdict::order);
        assert_eq!(without.map(|one| one.selection_error), [1.0, 2.0]);
    }

    #[test]
    fn rows_that_another_is_below_are_left_out_and_equals_stay_once() {
        let at = |error, macs, flash_bytes| {
            let cost = Cost {
                macs,
                flash_bytes,
                time_ps: 0,
            };
            (error, cost)
        };
        let figures = [
            at(1.0, 5, 5),
            at(1.0, 5, 5),
            at(2.0, 4, 9),
            at(2.0, 5, 6),
            at(0.5, 9, 9),
        ];
        let kept: Vec<_> = (0..5).filter(|&k| !is_dominated(&figures, k)).collect();
        assert_eq!(kept, [0, 2, 4]);
    }
}
