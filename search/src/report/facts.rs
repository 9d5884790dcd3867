//! All that a report is made of: the run's files, and its emulator's answers on rows that it has not seen.

use crate::assemble::output_deviation;
use crate::contenders::Role;
use crate::data::{Dataset, Split};
use crate::error::Result;
use crate::metrics::{Groups, Metrics, evaluate};
use crate::provenance::Provenance;
use crate::run_folder::RunFolder;
use crate::search::{ParetoTable, RunDescription, TrainingHistory, TrainingRecords};
use crate::training::Record;
use dense_codegen::emulator::Layout;
use dense_codegen::executor::Executor;
use dense_codegen::{Emulator, file};
use serde_json::Value;
use std::path::Path;

/// A run, judged.
#[derive(Debug)]
pub struct Facts {
    /// What ships.
    pub emulator: Emulator,
    /// The data that the run was made with, their outputs as the emulator computes them.
    pub data: Dataset,
    /// Which rows are judged: `test`, or `validation` where the data have no test rows.
    pub part: &'static str,
    /// Those rows.
    pub rows: Vec<usize>,
    /// The emulator's means on them, rows x outputs.
    pub mean: Vec<f64>,
    /// Its standard deviations.
    pub std: Vec<f64>,
    /// Each output's standard deviation on the training rows; 0 where it was constant.
    pub deviation: Vec<f64>,
    /// The outputs' scalars or channels, with their units.
    pub groups: Groups,
    /// The figures of those rows.
    pub metrics: Metrics,
    /// Settings and the search's own report.
    pub description: RunDescription,
    /// What the emulator says of its search.
    pub provenance: Option<Provenance>,
    /// How the trainings went, where the run says.
    pub history: Option<TrainingHistory>,
    /// Error against cost, where the run says.
    pub pareto: Option<ParetoTable>,
    /// What the frozen code's latency program measured, with its readings.
    pub latency: Option<Value>,
}

/// A probability that is this near to its last value has settled.
const SETTLED: f64 = 0.01;

/// The records in which probabilities move, and half as long again after the last that moved.
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

impl Facts {
    /// Reads a run, and judges its emulator on the test rows of its data (`data`, else where the run had them; `in_memory` if
    /// it had none in a file), or on the validation rows where there are none. Nothing is timed.
    ///
    /// # Errors
    /// The folder has no finished run, a file in it is not of its form, or the data are not those of the run.
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
        let split = Split::resolve(&data, description.plan.seed)?;
        let (part, rows) = match split.test.is_empty() {
            false => ("test", split.test),
            true => ("validation", split.validation),
        };
        let deviation = output_deviation(&emulator);
        let data = data
            .relative_to(emulator.outputs().relative.as_ref())
            .into_owned();
        let x: Vec<f32> = rows
            .iter()
            .flat_map(|&row| data.x_row(row))
            .map(|&x| x as f32)
            .collect();
        let predictions = Executor::new(&emulator).predict(&x, threads);
        Ok(Self {
            groups: Groups::of(&data, &deviation),
            metrics: evaluate(&emulator, &data, &rows, &deviation, threads),
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

    /// The data's name: the file, without its folders.
    #[must_use]
    pub fn name(&self) -> &str {
        let label = self.data.label();
        let name = Path::new(label).file_name().and_then(|name| name.to_str());
        name.unwrap_or(label)
    }

    /// The outputs of the simulator and of the emulator, and its standard deviation, for a judged row.
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

    /// A judged row's error: its norm over that of the outputs, as in [`Metrics::median_relative_l2`].
    #[must_use]
    pub fn relative_error(&self, index: usize) -> f64 {
        let answer = self.answer(index);
        self.groups.relative_error(answer.y, answer.mean)
    }

    /// Every judged row's answer.
    pub fn answers(&self) -> impl Iterator<Item = Answer<'_>> {
        (0..self.rows.len()).map(|index| self.answer(index))
    }

    /// In which unit outputs are shown where it is their own.
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

    /// Whether outputs are single numbers, which may have a unit each: they are then shown by [`Facts::in_deviations`].
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        self.emulator.outputs().layout == Layout::Scalars && self.deviation.len() > 1
    }

    /// Each output's mean over the judged rows, as the simulator has it.
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

    /// How far an output's value is from its centre, in training deviations; 0 where it was constant.
    #[must_use]
    pub fn in_deviations(&self, output: usize, centre: f64, value: f64) -> f64 {
        match self.deviation[output] {
            0.0 => 0.0,
            unit => (value - centre) / unit,
        }
    }

    /// The training of the space that was searched, where the run has its history; of several the one that ships.
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

    /// Seconds of a call of the simulator, where the data say.
    #[must_use]
    pub fn simulator_seconds(&self) -> Option<f64> {
        self.data.seconds_per_call()
    }

    /// A figure of the latency program.
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
    /// How sure it is.
    pub std: &'a [f64],
}

fn doubles(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}
