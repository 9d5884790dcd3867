//! `dense-search search` and `resume`: train, and leave an emulator in a run's folder.
//!
//! [`plan`](Plan) says what is asked for and what is trained for it; `train` trains the contenders within their time; `ship`
//! judges them on rows that trained nothing and writes what the run leaves; [`Report`] is what it says of itself.

mod pilot;
mod plan;
mod report;
mod ship;
mod train;

pub use plan::{ControlName, Extent, Plan, TeacherName, TransformName};
pub use report::{ParetoRow, Report, Verdict};

use crate::components::Learnt;
use crate::contenders::{Contender, Role};
use crate::cost_model;
use crate::data::{Dataset, Normalisation, ReadOptions, Split, Transform, relative_note};
use crate::run_folder::RunFolder;
use crate::say::say;
use crate::space::presets::MicroSizes;
use crate::teacher::{Lesson, lesson};
use crate::training::Members;
use crate::transform;
use crate::warnings;
use anyhow::{Context, bail, ensure};
use candle_core::Device;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// What `run.json` says of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Description {
    tool: String,
    data: Source,
    plan: Plan,
    report: Option<Report>,
    /// What the run ended with, and would end with again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// An outcome that the same search would have again.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

/// Where the data of a run are.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Source {
    /// `None`: the bundled data.
    path: Option<PathBuf>,
    sha256: String,
    options: ReadOptions,
}

/// Data, and where they are from.
#[derive(Debug)]
pub struct Input {
    /// The data.
    pub data: Dataset,
    /// The file, as the user gave it; `None`: the bundled data.
    pub path: Option<PathBuf>,
    /// How it was read.
    pub options: ReadOptions,
}

/// Returns the emulator's file of a run.
#[must_use]
pub fn emulator_file(run: &Path) -> PathBuf {
    match run.is_dir() {
        true => RunFolder::at(run).emulator(),
        false => run.to_owned(),
    }
}

/// Returns the emulator's file of a row of a run's Pareto table.
///
/// # Errors
/// The run has no such row.
pub fn pareto_file(run: &Path, row: usize) -> anyhow::Result<PathBuf> {
    let folder = RunFolder::at(run);
    let file = folder.pareto_emulator(row);
    if file.exists() {
        return Ok(file);
    }
    let rows = (1..).take_while(|&row| folder.pareto_emulator(row).exists());
    match rows.last() {
        None => bail!("{}: the run has no Pareto table", run.display()),
        Some(last) => bail!(
            "{}: the run's Pareto table has no row {row}: expected 1 to {last}",
            run.display()
        ),
    }
}

/// Searches, and leaves what [`RunFolder`] lists in the new folder `out`; ends early when `interrupt` is set.
///
/// # Errors
/// The folder has a run already or another program is at work there, the data cannot be learnt, the space has no network for
/// such data or such a budget, or something cannot be written.
pub fn run(
    input: &Input,
    plan: &Plan,
    out: &Path,
    interrupt: &AtomicBool,
) -> anyhow::Result<Report> {
    let began = Instant::now();
    let mut plan = plan.clone();
    let device = plan.device.open()?;
    let split = Split::resolve(&input.data, plan.seed)?;
    split.check_varies(&input.data)?;
    let relative = input.data.relative_needed(&split.train);
    let data = input.data.relative_to(relative.as_ref());
    if let Some(transform) = plan.transform.asked_for() {
        transform::check(&data, transform)?;
    }
    plan.space
        .contenders(&data, None, plan.members, MicroSizes::default())?;
    if plan.cost_model.is_none() {
        plan.cost_model = Some(cost_model::store::of_this_machine()?);
    }
    // Where the data decide on the transform, at least the cheapest has to keep the budget.
    let transform = plan.transform.asked_for().unwrap_or(Transform::None);
    let components = plan.components(&data, &split.train, transform);
    plan.contenders(&data, transform, components.as_ref())?;
    let path = input.path.as_deref().map(std::path::absolute).transpose()?;
    let mut description = Description {
        tool: TOOL.to_owned(),
        data: Source {
            path,
            sha256: input.data.sha256().to_owned(),
            options: input.options.clone(),
        },
        plan: plan.clone(),
        report: None,
        error: None,
    };
    let folder = RunFolder::create(out)?;
    folder.describe(&description)?;
    for note in input.data.notes().iter().chain(&split.notes) {
        say!("note: {note}");
    }
    if let Some(relative) = &relative {
        say!("note: {}", relative_note(&data, relative));
    }
    for warning in pool(plan.threads)?.install(|| warnings::of_split(&input.data, &split)) {
        say!("warning: {warning}");
    }
    let search = Search {
        data: &data,
        split,
        plan: &plan,
        device,
        folder: &folder,
        interrupt,
        began,
    };
    search.end(&mut description)
}

/// Continues a run that was killed or interrupted, to the same emulator.
///
/// # Errors
/// The folder has no unfinished run, another program is at work there, or its data are not where they were.
pub fn resume(
    run: &Path,
    data: Option<PathBuf>,
    bundled: impl FnOnce() -> anyhow::Result<Dataset>,
    interrupt: &AtomicBool,
) -> anyhow::Result<Report> {
    let began = Instant::now();
    let folder = RunFolder::resume(run)?;
    let mut description: Description = folder.description_of()?;
    if description.error.is_some() {
        return Err(folder.unfinished());
    }
    if description
        .report
        .as_ref()
        .is_some_and(|report| !report.interrupted)
    {
        bail!(
            "{}: the run is finished; there is nothing to resume",
            run.display()
        );
    }
    ensure!(
        description.tool == TOOL,
        "{}: the run was begun by {}, this is {TOOL}; continue it with that version, or begin another",
        run.display(),
        description.tool
    );
    let source = &description.data;
    let path = data.or_else(|| source.path.clone());
    let data = match &path {
        Some(path) => Dataset::read(path, &source.options)
            .context("reading the run's data (--data says where they are now)")?,
        None => bundled()?,
    };
    ensure!(
        data.sha256() == source.sha256,
        "{}: not the data that the run was begun with; name those with --data",
        data.label()
    );
    let plan = description.plan.clone();
    let split = Split::resolve(&data, plan.seed)?;
    let search = Search {
        data: &data.relative_to(data.relative_needed(&split.train).as_ref()),
        split,
        plan: &plan,
        device: plan.device.open()?,
        folder: &folder,
        interrupt,
        began,
    };
    search.end(&mut description)
}

const TOOL: &str = concat!("dense-search ", env!("CARGO_PKG_VERSION"));

/// A search under way.
struct Search<'a> {
    /// With outputs as the emulator computes them.
    data: &'a Dataset,
    split: Split,
    plan: &'a Plan,
    device: Device,
    folder: &'a RunFolder,
    interrupt: &'a AtomicBool,
    began: Instant,
}

impl Search<'_> {
    /// Completes the folder; an outcome that another try would have again is written there.
    fn end(&self, description: &mut Description) -> anyhow::Result<Report> {
        let report = self.complete(description);
        if let Err(error) = &report
            && error.is::<Failed>()
        {
            description.error = Some(format!("{error:#}"));
            self.folder.describe(description)?;
        }
        report
    }

    /// Trains every contender, ships the best on the selection rows, and completes the folder.
    fn complete(&self, description: &mut Description) -> anyhow::Result<Report> {
        let pool = pool(self.plan.threads)?;
        let transform = self.plan.transform.asked_for();
        let transform =
            transform.unwrap_or_else(|| pool.install(|| transform::choose(self.data, &self.split)));
        if transform != Transform::None {
            say!("note: the outputs are learnt by their {}", transform.name());
        }
        let normalisation = Normalisation::fit_transformed(self.data, &self.split.train, transform);
        let components = self
            .plan
            .components(self.data, &self.split.train, transform);
        if let Some(components) = &components {
            say!(
                "note: the {} outputs are learnt as {} principal components of the {} training rows",
                self.data.output_count(),
                components.count(),
                self.split.train.len()
            );
        }
        let learnt = Learnt {
            data: self.data,
            normalisation: &normalisation,
            components: components.as_deref(),
        };
        let contenders = self
            .plan
            .contenders(self.data, transform, components.as_ref())?;
        let has = |role: Role| contenders.iter().any(|one| one.role == role);
        let is_searched = contenders
            .iter()
            .any(|one| matches!(one.members, Members::Searched(_)));
        if is_searched && self.plan.has_control() && !has(Role::Control) {
            say!("note: no control: the budget has no room for a fixed network");
        }
        let choices = self.choices(&normalisation)?;
        let lesson = pool.install(|| self.lesson(learnt));
        let contenders: Vec<Contender> = match &lesson {
            Some(_) => {
                let pairs = contenders
                    .into_iter()
                    .map(|one| [one.clone(), one.taught()]);
                pairs.flatten().collect()
            }
            None => contenders,
        };
        let names: Vec<String> = contenders.iter().map(Contender::name).collect();
        let finished = self.train_all(contenders, choices, learnt, lesson.as_ref())?;
        let report = pool.install(|| self.ship(finished, &normalisation))?;
        description.report = Some(report.clone());
        self.folder.describe(description)?;
        if !report.interrupted {
            for name in names {
                self.folder.remove_checkpoint(&name)?;
            }
        }
        Ok(report)
    }

    /// What a teacher says, where there is one.
    fn lesson(&self, learnt: Learnt<'_>) -> Option<Lesson> {
        if self.plan.teacher == TeacherName::None {
            return None;
        }
        let Split {
            train, selection, ..
        } = &self.split;
        let lesson = lesson(learnt, train, selection, self.plan.seed);
        if let Some(lesson) = &lesson {
            say!(
                "teacher: a Gaussian process, mse_z {:.2e} on the {} rows that choose; each network trains without it, then with it and that network as teachers",
                lesson.error,
                selection.len()
            );
        }
        lesson
    }
}

fn pool(threads: usize) -> anyhow::Result<rayon::ThreadPool> {
    Ok(rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?)
}
