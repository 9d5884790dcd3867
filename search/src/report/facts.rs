//! The contents of a report: the run's files, and its emulator's predictions on rows that it has
//! not seen.

use crate::assemble::output_deviation;
use crate::contenders::Role;
use crate::data::{Dataset, Split};
use crate::error::{Result, ensure};
use crate::metrics::{Groups, Metrics, of_predictions};
use crate::provenance::Provenance;
use crate::run_folder::RunFolder;
use crate::search::{ParetoTable, RunDescription, TrainingHistory, TrainingRecords};
use crate::training::Record;
use dense_codegen::emulator::Layout;
use dense_codegen::executor::Executor;
use dense_codegen::{Emulator, file};
use serde_json::Value;
use std::path::Path;

/// A run with its judged emulator.
#[derive(Debug)]
pub struct Facts {
    /// The shipped emulator.
    pub emulator: Emulator,
    /// The data of the run, with outputs as the emulator computes them.
    pub data: Dataset,
    /// The judged part: `test`, or `validation` if the data have no test rows.
    pub part: &'static str,
    /// The judged rows.
    pub rows: Vec<usize>,
    /// The emulator's means on them, rows x outputs.
    pub mean: Vec<f64>,
    /// Its standard deviations.
    pub std: Vec<f64>,
    /// Each output's standard deviation on the training rows; 0 for a constant output.
    pub deviation: Vec<f64>,
    /// The scalars or channels of the outputs, with their units.
    pub groups: Groups,
    /// The metrics on those rows.
    pub metrics: Metrics,
    /// Settings and the search's own report.
    pub description: RunDescription,
    /// The provenance of the search, from the emulator.
    pub provenance: Option<Provenance>,
    /// The histories of the trainings, if the run has them.
    pub history: Option<TrainingHistory>,
    /// Error against cost, if the run has it.
    pub pareto: Option<ParetoTable>,
    /// The measurements of the frozen code's latency program, with its readings.
    pub latency: Option<Value>,
}

/// A probability this close to its final value has settled.
const SETTLED: f64 = 0.01;

/// The records during which probabilities change, extended by half their duration.
pub(super) fn moving(training: &TrainingRecords) -> &[Record] {
    let records = &training.records;
    let known = |record: &&Record| !record.probabilities.is_empty();
    let (Some(first), Some(last)) = (records.iter().find(known), records.iter().rfind(known))
    else {
        return &[];
    };
    let end = last.probabilities.concat();
    let moves = |record: &&Record| {
        let now = record.probabilities.concat();
        let mut pairs = now.iter().zip(&end);
        pairs.any(|(now, end)| (now - end).abs() > SETTLED)
    };
    let settled = records.iter().rfind(moves).unwrap_or(last).seconds;
    let shown = first.seconds + 1.5 * (settled - first.seconds);
    let count = records.partition_point(|record| record.seconds <= shown);
    &records[..count]
}

/// The part of the rows that train and are judged by what has not seen them.
pub(super) const OUT_OF_FOLD: &str = "out-of-fold";

impl Facts {
    /// Reads a run and judges its emulator on the test rows of its data, or on the validation rows
    /// if there are no test rows, or by answers of those that have not seen a row if every row
    /// trained. The data come from `data` if given, else from the run's path, or
    /// from `in_memory` if they were not in a file. Nothing is timed.
    ///
    /// # Errors
    /// The folder has no finished run, one of its files has the wrong form, or the data are not
    /// those of the run.
    pub fn gather(
        run: &Path,
        data: Option<&Path>,
        in_memory: impl FnOnce() -> Result<Dataset>,
        threads: usize,
    ) -> Result<Self> {
        let folder = RunFolder::at(run);
        let description = folder.description()?;
        if !folder.emulator().exists() {
            return Err(folder.unfinished());
        }
        let emulator = file::load(&folder.emulator())?;
        let data = description.data.read(data, in_memory)?;
        let split = Split::divide(&data, description.plan.seed, description.plan.division())?;
        let unseen = folder.unseen()?.filter(|_| split.test.is_empty());
        let (part, rows) = match (split.test.is_empty(), &unseen) {
            (false, _) => ("test", split.test),
            (true, Some(unseen)) => (OUT_OF_FOLD, unseen.rows.clone()),
            (true, None) => ("validation", split.validation),
        };
        ensure!(
            Run,
            !rows.is_empty(),
            "{}: no rows are left to show: every row trained, and unseen.safetensors, what was said of them by those that have \
             not seen them, is not there; search again",
            run.display()
        );
        let deviation = output_deviation(&emulator);
        let data = data
            .relative_to(emulator.outputs().relative.as_ref())
            .into_owned();
        let x: Vec<f32> = rows
            .iter()
            .flat_map(|&row| data.x_row(row))
            .map(|&x| x as f32)
            .collect();
        let mut predictions = Executor::new(&emulator).predict(&x, threads);
        if let Some(unseen) = unseen {
            let expected = predictions.mean.len();
            ensure!(
                Run,
                unseen.mean.len() == expected,
                "{}: its answers to unseen rows are of other data",
                run.display()
            );
            predictions.std = unseen.std(&emulator, &x, &predictions.mean);
            predictions.mean = unseen.mean;
        }
        Ok(Self {
            groups: Groups::of(&data, &deviation),
            metrics: of_predictions(&predictions, &data, &rows, &deviation),
            mean: doubles(predictions.mean),
            std: doubles(predictions.std),
            provenance: Provenance::of(&emulator)?,
            history: folder.history()?,
            pareto: folder.pareto()?,
            emulator,
            data,
            part,
            rows,
            deviation,
            description,
            latency: None,
        })
    }

    /// The name of the data: the file name without folders.
    #[must_use]
    pub fn name(&self) -> &str {
        let label = self.data.label();
        let name = Path::new(label).file_name().and_then(|name| name.to_str());
        name.unwrap_or(label)
    }

    /// The simulator's outputs, the emulator's outputs, and its standard deviation, for a judged
    /// row.
    #[must_use]
    pub fn answer(&self, index: usize) -> Answer<'_> {
        let outputs = self.data.output_count();
        let place = index * outputs..(index + 1) * outputs;
        Answer {
            y: self.data.y_row(self.rows[index]),
            mean: &self.mean[place.clone()],
            std: &self.std[place],
        }
    }

    /// A judged row's error: its norm divided by the norm of the outputs, as in
    /// [`Metrics::median_relative_l2`].
    #[must_use]
    pub fn relative_error(&self, index: usize) -> f64 {
        let answer = self.answer(index);
        self.groups.relative_error(answer.y, answer.mean)
    }

    /// The predictions for all judged rows.
    pub fn answers(&self) -> impl Iterator<Item = Answer<'_>> {
        (0..self.rows.len()).map(|index| self.answer(index))
    }

    /// The unit in which outputs are shown if they keep their own unit.
    #[must_use]
    pub fn unit(&self) -> &'static str {
        match &self.emulator.outputs().relative {
            None => "unit of the data",
            Some(relative) => match (relative.has_offset(), relative.has_scale()) {
                (true, false) => "less the offset",
                (false, _) => "over the scale",
                (true, true) => "less offset, over scale",
            },
        }
    }

    /// Whether outputs are scalars, which may have different units and are then shown by
    /// [`Facts::in_deviations`].
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        self.emulator.outputs().layout == Layout::Scalars && self.deviation.len() > 1
    }

    /// Each output's mean over the judged rows, from the simulator.
    #[must_use]
    pub fn centres(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.deviation.len()];
        for answer in self.answers() {
            for (sum, &y) in sums.iter_mut().zip(answer.y) {
                *sum += y;
            }
        }
        let rows = self.rows.len() as f64;
        sums.into_iter().map(|sum| sum / rows).collect()
    }

    /// The distance of an output's value from its centre, in training deviations; 0 for a constant
    /// output.
    #[must_use]
    pub fn in_deviations(&self, output: usize, centre: f64, value: f64) -> f64 {
        match self.deviation[output] {
            0.0 => 0.0,
            unit => (value - centre) / unit,
        }
    }

    /// The training of the searched space, if the run has its history. Of several, the one that
    /// ships.
    #[must_use]
    pub fn searched(&self) -> Option<&TrainingRecords> {
        let ships = self.description.report.as_ref().map(|report| &report.space);
        let searched = || {
            let history = self.history.iter();
            let trainings = history.flat_map(|history| &history.trainings);
            trainings.filter(|training| training.role == Role::Search)
        };
        let shipped = searched().find(|training| ships == Some(&training.name));
        shipped.or_else(|| searched().next())
    }

    /// Seconds of one call of the simulator, if the data give them.
    #[must_use]
    pub fn simulator_seconds(&self) -> Option<f64> {
        self.data.seconds_per_call()
    }

    /// A measurement of the latency program.
    #[must_use]
    pub fn measured(&self, name: &str) -> Option<f64> {
        self.latency.as_ref()?[name].as_f64()
    }
}

/// One row's outputs.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The simulator's.
    pub y: &'a [f64],
    /// The emulator's.
    pub mean: &'a [f64],
    /// The emulator's standard deviations.
    pub std: &'a [f64],
}

fn doubles(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}
