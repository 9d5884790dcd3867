//! Measures the quality of a run's emulator on rows of a data file.
//!
//! Training rows tell nothing about the error on new rows. The emulator stores the hash of its data
//! and the seed of their split. Its own file is therefore split as the run split it, even if the
//! file has another split. Other data are split by their own split, or judged as a whole if they
//! have none.

use crate::assemble::output_deviation;
use crate::data::{self, Columns, DataError, Dataset, Division, Part, ReadOptions};
use crate::error::{Result, bail};
use crate::events::Observer;
use crate::metrics::{self, Metrics};
use crate::provenance::Provenance;
use crate::run_folder::{RunFolder, emulator_of};
use crate::search::RunDescription;
use dense_codegen::Emulator;
use serde::Serialize;
use std::path::Path;

/// The source of the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitBy {
    /// The run: the data are the run's own.
    Run,
    /// The file: its data are not the run's.
    File,
    /// None: the data are not the run's and have no split.
    None,
}

/// The judged rows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rows {
    rows: Vec<usize>,
    part: Option<Part>,
    by: SplitBy,
}

/// Metrics of an emulator on the judged rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Judged {
    /// The metrics.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// The part that was judged; `None` means all rows.
    pub part: Option<Part>,
    /// The source of the split.
    pub split_by: SplitBy,
}

/// Returns the metrics of a run's emulator on one part of the data. The run's own data are split as
/// the run split them, other data as their file says. Without a `part`, the test rows are judged,
/// or all rows if other data have no split. If `options` names no columns of a `.csv`, the run's
/// columns are used. The observer receives notes.
///
/// # Errors
/// `run` is neither a run folder nor an emulator file, the inputs or outputs of the data differ
/// from the emulator's, or the part has no rows.
pub fn judge(
    run: &Path,
    path: &Path,
    mut options: ReadOptions,
    part: Option<Part>,
    threads: usize,
    observer: &dyn Observer,
) -> Result<Judged> {
    let emulator = emulator_of(run)?;
    let origin = Origin::of(run, &emulator)?;
    if data::is_csv(path) {
        name_columns(&mut options, &emulator);
    }
    let data = arranged(Dataset::read(path, &options)?, &emulator, observer)?;
    let Rows { rows, part, by } = rows(&data, origin, part)?;
    match by {
        SplitBy::Run => {}
        SplitBy::File => observer.note(format!(
            "{}: not the file of the run; rows are those that its array \"split\" names",
            data.label()
        )),
        SplitBy::None => observer.note(format!(
            "{}: not the file of the run, and without a split: all {} rows are judged; figures are too good if it has rows \
             that trained",
            data.label(),
            rows.len()
        )),
    }
    let deviation = output_deviation(&emulator);
    note_constant(&data, &deviation, observer);
    Ok(Judged {
        metrics: metrics::evaluate(&emulator, &data, &rows, &deviation, threads),
        part,
        split_by: by,
    })
}

/// Notes the scalars or channels that the metrics leave out.
fn note_constant(data: &Dataset, deviation: &[f64], observer: &dyn Observer) {
    const NAMED: usize = 3;
    let units = deviation.chunks_exact(deviation.len() / data.channels());
    let constant = (0..data.channels())
        .zip(units)
        .filter(|(_, units)| units.iter().all(|&unit| unit == 0.0));
    let mut names: Vec<String> = constant
        .map(|(channel, _)| data.channel_name(channel))
        .collect();
    let count = names.len();
    names.truncate(NAMED);
    if count > NAMED {
        names.push(format!("{} more", count - NAMED));
    }
    if count > 0 {
        observer.note(format!(
            "the figures leave out {}: constant in the rows that trained",
            names.join(", ")
        ));
    }
}

/// Sets the columns of a `.csv` to the emulator's, if the user names none.
fn name_columns(options: &mut ReadOptions, emulator: &Emulator) {
    let outputs = emulator.outputs();
    if options.inputs.is_empty() {
        let inputs = emulator.inputs().iter();
        options.inputs = inputs.map(|input| input.name.clone()).collect();
    }
    if options.outputs.is_empty() && outputs.names.len() == emulator.output_count() {
        options.outputs.clone_from(&outputs.names);
    }
}

/// The data of an emulator, and their split.
struct Origin {
    data_sha256: String,
    seed: u64,
    division: Division,
}

impl Origin {
    /// Reads them from the run's folder, else from the emulator; `None` if the emulator is not from
    /// a search.
    fn of(run: &Path, emulator: &Emulator) -> Result<Option<Self>> {
        let folder = RunFolder::at(run);
        if run.is_dir() && folder.has_description() {
            let RunDescription { data, plan, .. } = folder.description()?;
            return Ok(Some(Self {
                data_sha256: data.sha256,
                seed: plan.seed,
                division: plan.division(),
            }));
        }
        let provenance = Provenance::of(emulator)?;
        Ok(provenance.map(|provenance| Self {
            data_sha256: provenance.data_sha256,
            seed: provenance.seed,
            division: provenance.division,
        }))
    }
}

/// The rows to judge, and the reason for the choice.
fn rows(data: &Dataset, origin: Option<Origin>, part: Option<Part>) -> Result<Rows> {
    let wanted = part.unwrap_or(Part::Test);
    let own = origin.filter(|origin| origin.data_sha256 == data.sha256());
    let (rows, part, by) = match own {
        Some(origin) => {
            let of = |part| data.part_rows_of_run(part, origin.seed, origin.division);
            let rows = match (of(wanted), of(Part::Validation), origin.division) {
                (
                    Err(DataError::EmptyPart { .. }),
                    Err(DataError::EmptyPart { .. }),
                    Division::Folds { .. },
                ) => bail!(
                    Run,
                    "{}: every row of it trained, none is left to judge by; the run's own estimate of the error on new runs is \
                     in its run.json; name data with new runs, or search with --hold-out 0.2",
                    data.label()
                ),
                (rows, ..) => rows?,
            };
            (rows, Some(wanted), SplitBy::Run)
        }
        None if data.parts().is_none() && part.is_none() => {
            ((0..data.rows()).collect(), None, SplitBy::None)
        }
        None => (data.part_rows(wanted)?, Some(wanted), SplitBy::File),
    };
    Ok(Rows { rows, part, by })
}

/// Returns the data with the emulator's columns, matched by name.
fn arranged(data: Dataset, emulator: &Emulator, observer: &dyn Observer) -> Result<Dataset> {
    let inputs: Vec<String> = emulator
        .inputs()
        .iter()
        .map(|input| input.name.clone())
        .collect();
    let outputs = emulator.outputs();
    let arranged = data.arranged(Columns {
        inputs: &inputs,
        outputs: &outputs.names,
        shape: &outputs.shape,
        axes: &outputs.axes,
    })?;
    for note in &arranged.notes {
        observer.note(note);
    }
    Ok(arranged.data)
}
