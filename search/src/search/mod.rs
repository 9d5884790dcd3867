//! Runs a search: trains the contenders and leaves an emulator in a run's folder.
//!
//! [`SearchSettings`] holds the request and derives the contenders from it; `train` trains the
//! contenders within their time; `ship` judges them on rows that trained nothing and writes the
//! results; [`RunReport`] is the search's report.

mod pilot;
mod race;
mod records;
mod run_report;
mod settings;
mod ship;
mod time_spent;
mod train;

pub use race::Plan;
pub use records::{
    DataSource, GroupCandidates, ParetoTable, RunDescription, TrainingHistory, TrainingRecords,
};
pub use run_report::{Judged, ParetoRow, Raced, Round, RunReport, Verdict};
pub(crate) use run_report::{PROCESSES, STACK};
pub use settings::{
    ControlMode, Extent, RACE_MEMBERS, SEARCH_MEMBERS, SearchSettings, TeacherMode, TransformMode,
};
pub use time_spent::TimeSpent;

use crate::components::Learnt;
use crate::contenders::{Contender, Role};
use crate::cost_model;
use crate::data::{
    DataError, Dataset, Normalisation, Pooling, ReadOptions, Split, Transform, relative_note,
};
use crate::error::{Error, Result, bail, ensure};
use crate::events::Observer;
use crate::provenance::TOOL;
use crate::run_folder::RunFolder;
use crate::space::presets::MicroSizes;
use crate::teacher::{Lesson, lesson};
use crate::training::Members;
use crate::transform;
use crate::unseen::Evidence;
use crate::warnings;
use candle_core::Device;
use std::path::{Path, PathBuf};
use std::time::Instant;
use time_spent::Clock;

/// Data with their source, so that the run can be resumed and reported on.
#[derive(Debug)]
pub struct Input {
    /// The data.
    pub data: Dataset,
    /// The file, as the user gave it; `None` if the data are not in a file.
    pub path: Option<PathBuf>,
    /// The options used to read it.
    pub options: ReadOptions,
}

impl Input {
    /// Reads a file.
    ///
    /// # Errors
    /// As [`Dataset::read`].
    pub fn read(path: &Path, options: ReadOptions) -> Result<Self, DataError> {
        Ok(Self {
            data: Dataset::read(path, &options)?,
            path: Some(path.to_owned()),
            options,
        })
    }

    /// Returns data that are not in a file. To resume the run, a caller must provide them again.
    #[must_use]
    pub fn in_memory(data: Dataset) -> Self {
        Self {
            data,
            path: None,
            options: ReadOptions::default(),
        }
    }
}

/// Returns the path of a run's emulator.
#[must_use]
pub fn emulator_file(run: &Path) -> PathBuf {
    match run.is_dir() {
        true => RunFolder::at(run).emulator(),
        false => run.to_owned(),
    }
}

/// Returns the path of the emulator of a row of a run's Pareto table.
///
/// # Errors
/// The run has no such row.
pub fn pareto_file(run: &Path, row: usize) -> Result<PathBuf> {
    let folder = RunFolder::at(run);
    let file = folder.pareto_emulator(row);
    if file.exists() {
        return Ok(file);
    }
    let rows = (1..).take_while(|&row| folder.pareto_emulator(row).exists());
    match rows.last() {
        None => bail!(Run, "{}: the run has no Pareto table", run.display()),
        Some(last) => bail!(
            Run,
            "{}: the run's Pareto table has no row {row}: expected 1 to {last}",
            run.display()
        ),
    }
}

/// A search and its settings.
///
/// # Example
/// The example of the [crate] runs a search.
#[derive(Debug, Clone, Default)]
pub struct Search {
    settings: SearchSettings,
}

impl Search {
    /// Returns a search with these settings.
    #[must_use]
    pub fn new(settings: SearchSettings) -> Self {
        Self { settings }
    }

    /// Searches, and writes the files listed by [`RunFolder`] into the new folder `out`. An
    /// interrupted search also leaves an emulator, and can be resumed.
    ///
    /// # Errors
    /// The folder already has a run or another program is writing there; nothing can be learnt from
    /// the data; the space has no network for such data or such a budget; or something cannot be
    /// written.
    pub fn run(&self, input: &Input, out: &Path, observer: &dyn Observer) -> Result<RunReport> {
        let began = Instant::now();
        let clock = Clock::new(self.settings.threads);
        let mut plan = self.settings.clone();
        let device = plan.device.open()?;
        ensure!(
            Settings,
            plan.space.is_race() || plan.pool_validation != Pooling::Yes,
            "--pool-validation yes is for races: a search of a space by name chooses and calibrates by validation rows, which \
             cannot train; leave it out, or leave --space out"
        );
        let split = Split::divide(&input.data, plan.seed, plan.division())?;
        split.check_varies(&input.data)?;
        let relative = input.data.relative_needed(&split.train);
        let data = input.data.relative_to(relative.as_ref());
        if let Some(transform) = plan.transform.asked_for() {
            transform::check(&data, transform)?;
        }
        if !plan.space.is_race() {
            let sizes = MicroSizes::default();
            let members = plan.members_of_search();
            plan.space.contenders(&data, None, members, sizes)?;
        } else {
            ensure!(
                Settings,
                !plan.ablation && plan.control != ControlMode::Beside,
                "--ablation and --control compare a search with others, and a race has none: name a space to search, such as --space micro"
            );
        }
        if plan.cost_model.is_none() {
            plan.cost_model = Some(cost_model::store::of_this_machine(observer)?);
        }
        // If the data decide on the transform, at least the cheapest one must keep the budget.
        let transform = plan.transform.asked_for().unwrap_or(Transform::None);
        let components = plan.components(&data, &split.train, transform);
        plan.contenders(&data, transform, components.as_ref())?;
        let path = input.path.as_deref().map(std::path::absolute).transpose()?;
        let mut description = RunDescription {
            tool: TOOL.to_owned(),
            data: DataSource {
                path,
                sha256: input.data.sha256().to_owned(),
                options: input.options.clone(),
            },
            plan: plan.clone(),
            report: None,
            error: None,
        };
        let folder = RunFolder::create(out, observer)?;
        folder.describe(&description)?;
        for note in input.data.notes().iter().chain(&split.notes) {
            observer.note(note);
        }
        if let Some(relative) = &relative {
            observer.note(relative_note(&data, relative));
        }
        for warning in pool(plan.threads)?.install(|| warnings::of_split(&input.data, &split)) {
            observer.warn(warning);
        }
        let under_way = Run {
            data: &data,
            split,
            settings: &plan,
            device,
            folder: &folder,
            observer,
            began,
            clock,
        };
        under_way.end(&mut description)
    }

    /// Continues a run that was killed or interrupted, to the same emulator as without the break.
    /// `data` is the new path of its file, if it was moved. `in_memory` returns the data if they
    /// were not in a file.
    ///
    /// # Errors
    /// The folder has no unfinished run, another program is writing there, or its data are not
    /// found.
    pub fn resume(
        run: &Path,
        data: Option<&Path>,
        in_memory: impl FnOnce() -> Result<Dataset>,
        observer: &dyn Observer,
    ) -> Result<RunReport> {
        let began = Instant::now();
        let folder = RunFolder::resume(run, observer)?;
        let mut description = folder.description()?;
        if description.error.is_some() {
            return Err(folder.unfinished());
        }
        if description
            .report
            .as_ref()
            .is_some_and(|report| !report.interrupted)
        {
            bail!(
                Run,
                "{}: the run is finished; there is nothing to resume",
                run.display()
            );
        }
        ensure!(
            Run,
            description.tool == TOOL,
            "{}: the run was begun by {}, this is {TOOL}; continue it with that version, or begin another",
            run.display(),
            description.tool
        );
        let data = description.data.read(data, in_memory)?;
        let plan = description.plan.clone();
        let split = Split::divide(&data, plan.seed, plan.division())?;
        let under_way = Run {
            data: &data.relative_to(data.relative_needed(&split.train).as_ref()),
            split,
            settings: &plan,
            device: plan.device.open()?,
            folder: &folder,
            observer,
            began,
            clock: Clock::new(plan.threads),
        };
        under_way.end(&mut description)
    }
}

/// A running search.
struct Run<'a> {
    /// The data, with outputs as the emulator computes them.
    data: &'a Dataset,
    split: Split,
    settings: &'a SearchSettings,
    device: Device,
    folder: &'a RunFolder,
    observer: &'a dyn Observer,
    began: Instant,
    clock: Clock,
}

impl Run<'_> {
    /// Completes the folder. If the search fails in a way that a repetition would repeat, records
    /// the error there.
    fn end(&self, description: &mut RunDescription) -> Result<RunReport> {
        let report = self.complete(description);
        if let Err(error) = &report
            && matches!(error, Error::Failed(_))
        {
            description.error = Some(error.to_string());
            self.folder.describe(description)?;
        }
        report
    }

    /// Trains every contender, ships the best on the selection rows, and completes the folder.
    fn complete(&self, description: &mut RunDescription) -> Result<RunReport> {
        let pool = pool(self.settings.threads)?;
        let transform = self.settings.transform.asked_for();
        let transform =
            transform.unwrap_or_else(|| pool.install(|| transform::choose(self.data, &self.split)));
        if transform != Transform::None {
            self.observer.note(format!(
                "the outputs are learnt by their {}",
                transform.name()
            ));
        }
        let normalisation = Normalisation::fit_transformed(self.data, &self.split.train, transform);
        let components = self
            .settings
            .components(self.data, &self.split.train, transform);
        if let Some(components) = &components {
            self.observer.note(format!(
                "the {} outputs are learnt as {} principal components of the {} training rows",
                self.data.output_count(),
                components.count(),
                self.split.train.len()
            ));
        }
        let learnt = Learnt {
            data: self.data,
            normalisation: &normalisation,
            components: components.as_deref(),
        };
        let contenders = self
            .settings
            .contenders(self.data, transform, components.as_ref())?;
        let has = |role: Role| contenders.iter().any(|one| one.role == role);
        let is_searched = contenders
            .iter()
            .any(|one| matches!(one.members, Members::Searched(_)));
        if is_searched && self.settings.has_control() && !has(Role::Control) {
            self.observer
                .note("no control: the budget has no room for a fixed network");
        }
        if self.settings.space.is_race() {
            return self.end_of_race(contenders, learnt, description);
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
        self.observer.detail(format!("trains {}", names.join(", ")));
        let finished = self.train_all(contenders, choices, learnt, lesson.as_ref())?;
        let evidence = Evidence::HeldOut(&self.split);
        let report = pool.install(|| self.ship(finished, &normalisation, evidence))?;
        self.keep(report, description)
    }

    /// Holds a race of these contenders, and completes the folder.
    fn end_of_race(
        &self,
        contenders: Vec<Contender>,
        learnt: Learnt<'_>,
        description: &mut RunDescription,
    ) -> Result<RunReport> {
        let names: Vec<String> = contenders.iter().map(Contender::name).collect();
        self.observer.detail(format!("trains {}", names.join(", ")));
        let raced = self.race(contenders, self.settings.choices, learnt)?;
        // Rows that the file keeps apart measure; where there are none, folds estimate.
        let unseen = raced.unseen.filter(|_| self.split.validation.is_empty());
        let evidence = match &unseen {
            Some(unseen) => Evidence::Unseen(unseen),
            None => Evidence::HeldOut(&self.split),
        };
        if let Some(unseen) = &unseen {
            self.folder.write_unseen(unseen)?;
        }
        let normalisation = learnt.normalisation;
        let ship = || self.ship(vec![raced.finished], normalisation, evidence);
        let mut report = pool(self.settings.threads)?.install(ship)?;
        report.race = raced.told;
        report.plan = Some(raced.plan);
        report.time_spent = Some(self.clock.spent(raced.for_what_ships));
        self.keep(report, description)
    }

    /// Records the result, and removes checkpoints of what has ended.
    fn keep(&self, report: RunReport, description: &mut RunDescription) -> Result<RunReport> {
        description.report = Some(report.clone());
        self.folder.describe(description)?;
        if !report.interrupted {
            self.folder.remove_checkpoints()?;
        }
        Ok(report)
    }

    /// The teacher's predictions, if there is a teacher.
    fn lesson(&self, learnt: Learnt<'_>) -> Option<Lesson> {
        if self.settings.teacher == TeacherMode::None {
            return None;
        }
        let Split {
            train, selection, ..
        } = &self.split;
        let lesson = lesson(learnt, train, selection, self.settings.seed);
        if let Some(lesson) = &lesson {
            self.observer.status(format!(
                "teacher: a Gaussian process, mse_z {:.2e} on the {} rows that choose; each network \
                 trains without it, then with it and that network as teachers",
                lesson.error,
                selection.len()
            ));
        }
        lesson
    }
}

fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    Ok(rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?)
}
