//! `dense-search search` and `resume`: train, and leave an emulator in a run's folder.

use crate::assemble::{assemble, data_order};
use crate::contenders::{Contender, SpaceChoice, Teaching};
use crate::data::{Dataset, Normalisation, ReadOptions, Split, Transform};
use crate::device::DeviceName;
use crate::metrics;
use crate::pace::Pace;
use crate::run_folder::RunFolder;
use crate::teacher::{Lesson, lesson};
use crate::training::{Checkpoint, Choices, Phase, Rows, Settings, Trained, Trainer};
use crate::transform;
use crate::warnings;
use anyhow::{Context, bail, ensure};
use candle_core::Device;
use clap::ValueEnum;
use dense_codegen::{Emulator, file};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a run takes beside training, at least: reading, assembling, calibrating, writing.
const BESIDE: Duration = Duration::from_millis(300);
/// Multiply-accumulates a second, about, of the executor that calibrates and judges.
const EXECUTOR_MACS: f64 = 1e10;
/// A checkpoint is written when its writing took less than this share of the time since the last one,
const CHECKPOINT_SHARE: f64 = 0.02;
/// but not before this.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// How long an interrupted training may still take to let its steps fall to zero.
const WIND_DOWN: Duration = Duration::from_secs(2);
/// Time between two pictures of the progress bar.
const PICTURE_EVERY: Duration = Duration::from_millis(100);

/// When a search ends.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// After so many weight steps.
    Steps(usize),
    /// After about this wall time.
    Time(Duration),
}

/// What a search is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What is searched.
    pub space: SpaceChoice,
    /// When it ends.
    pub extent: Extent,
    /// Members of the ensemble.
    pub members: usize,
    /// The seed of every draw.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
    /// What the steps are like.
    pub choices: Choices,
    /// What trains.
    #[serde(default)]
    pub device: DeviceName,
    /// What few rows may have beside them.
    #[serde(default)]
    pub teacher: TeacherName,
    /// What coordinate the outputs are learnt in.
    #[serde(default)]
    pub transform: TransformName,
}

/// What coordinate outputs are learnt in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum TransformName {
    /// What [`crate::transform`] chooses.
    #[default]
    Auto,
    /// As they are.
    None,
    /// Their logarithm: they have to be positive.
    Log,
    /// Their inverse hyperbolic sine.
    Asinh,
}

/// What a network may learn from beside the simulated rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum TeacherName {
    /// A Gaussian process, where rows are few and it predicts the selection rows well.
    #[default]
    Auto,
    /// Nothing.
    None,
}

/// What a search reports.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The super-architecture of what ships.
    pub space: String,
    /// Mean squared error on the validation rows, in training deviations.
    pub val_mse_z: f64,
    /// The median over the validation rows of the error's norm over the outputs' norm.
    pub val_relative_l2: f64,
    /// The share of the validation rows' values in the bands of 50, 90 and 99 %.
    #[serde(default)]
    pub val_coverage: [f64; 3],
    /// The mean width of the 90 % band there over that of a constant band that holds as many values.
    #[serde(default)]
    pub val_width_over_constant: f64,
    /// The coordinate that outputs were learnt in.
    pub transform: Transform,
    /// Multiply-accumulates of the shipped call.
    pub macs: u64,
    /// Multiply-accumulates of the largest member.
    pub member_macs: u64,
    /// Members.
    pub members: usize,
    /// Weight steps.
    pub steps: usize,
    /// Median milliseconds of a weight step: forward, loss, backward, optimiser.
    pub ms_per_step: f64,
    /// Whether it was interrupted before its last step.
    pub interrupted: bool,
}

/// What `run.json` says of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Description {
    tool: String,
    data: Source,
    plan: Plan,
    report: Option<Report>,
}

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

/// Searches, and leaves what [`RunFolder`] lists in the new folder `out`; ends early when `interrupt` is set.
///
/// # Errors
/// The folder has a run already, the space has no network for such data, or something cannot be written.
pub fn run(
    input: &Input,
    plan: &Plan,
    out: &Path,
    interrupt: &AtomicBool,
) -> anyhow::Result<Report> {
    let began = Instant::now();
    let device = plan.device.open()?;
    let contenders = plan.space.contenders(&input.data, plan.members)?;
    if plan.transform == TransformName::Log {
        transform::check(&input.data, Transform::Log)?;
    }
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
    };
    let split = Split::resolve(&input.data, plan.seed)?;
    let folder = RunFolder::create(out)?;
    folder.describe(&description)?;
    for note in input.data.notes().iter().chain(&split.notes) {
        eprintln!("note: {note}");
    }
    for warning in pool(plan.threads)?.install(|| warnings::of_split(&input.data, &split)) {
        eprintln!("warning: {warning}");
    }
    let search = Search {
        data: &input.data,
        split,
        plan,
        device,
        folder: &folder,
        interrupt,
        began,
    };
    search.complete(contenders, &mut description)
}

/// Continues a run that was killed or interrupted, to the same emulator.
///
/// # Errors
/// The folder has no unfinished run, or its data are not where they were.
pub fn resume(
    run: &Path,
    data: Option<PathBuf>,
    bundled: impl FnOnce() -> anyhow::Result<Dataset>,
    interrupt: &AtomicBool,
) -> anyhow::Result<Report> {
    let began = Instant::now();
    let folder = RunFolder::at(run);
    let mut description: Description = folder.description_of()?;
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
        Some(path) => {
            Dataset::read(path, &source.options).context("the run's data; name them with --data")?
        }
        None => bundled()?,
    };
    ensure!(
        data.sha256() == source.sha256,
        "{}: not the data that the run was begun with; name those with --data",
        data.label()
    );
    let plan = description.plan.clone();
    let search = Search {
        split: Split::resolve(&data, plan.seed)?,
        data: &data,
        plan: &plan,
        device: plan.device.open()?,
        folder: &folder,
        interrupt,
        began,
    };
    search.complete(
        plan.space.contenders(&data, plan.members)?,
        &mut description,
    )
}

const TOOL: &str = concat!("dense-search ", env!("CARGO_PKG_VERSION"));

/// A search under way.
struct Search<'a> {
    data: &'a Dataset,
    split: Split,
    plan: &'a Plan,
    device: Device,
    folder: &'a RunFolder,
    interrupt: &'a AtomicBool,
    began: Instant,
}

/// What the polish will take, by trying an iteration of it now and then: whenever the time has doubled.
#[derive(Default)]
struct PolishCost {
    /// Seconds of an iteration, for each multiply-accumulate of its members.
    tried: f64,
    /// When it is to be tried again.
    again: Duration,
}

impl PolishCost {
    /// How long the polish takes if the search ends now, with members of so many multiply-accumulates.
    fn of(&mut self, trainer: &Trainer, macs: f64, elapsed: Duration) -> anyhow::Result<Duration> {
        let iterations = trainer.polish_iterations();
        if iterations == 0 {
            return Ok(Duration::ZERO);
        }
        if elapsed >= self.again {
            self.tried = trainer.rehearse_polish()? / macs;
            self.again = 2 * elapsed;
        }
        Ok(Duration::from_secs_f64(
            self.tried * macs * iterations as f64,
        ))
    }
}

/// A contender's training, done.
struct Finished {
    name: String,
    trained: Trained,
    steps: usize,
    ms_per_step: f64,
    interrupted: bool,
}

impl Search<'_> {
    /// Trains every contender, ships the best on the selection rows, and completes the folder.
    fn complete(
        &self,
        contenders: Vec<Contender>,
        description: &mut Description,
    ) -> anyhow::Result<Report> {
        let pool = pool(self.plan.threads)?;
        let transform = match self.plan.transform {
            TransformName::Auto => pool.install(|| transform::choose(self.data, &self.split)),
            TransformName::None => Transform::None,
            TransformName::Log => Transform::Log,
            TransformName::Asinh => Transform::Asinh,
        };
        if transform != Transform::None {
            eprintln!("note: the outputs are learnt by their {}", transform.name());
        }
        let normalisation = Normalisation::fit_transformed(self.data, &self.split.train, transform);
        let lesson = pool.install(|| self.lesson(&normalisation));
        let contenders = match &lesson {
            Some(_) => {
                let pairs = contenders.into_iter().map(|one| [one.taught(), one]);
                pairs.flatten().collect()
            }
            None => contenders,
        };
        let names: Vec<String> = contenders.iter().map(Contender::name).collect();
        let finished = self.train_all(contenders, &normalisation, lesson.as_ref())?;
        let (emulator, report) = pool.install(|| self.best(finished, &normalisation))?;
        file::save(&emulator, &self.folder.emulator())?;
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
    fn lesson(&self, normalisation: &Normalisation) -> Option<Lesson> {
        if self.plan.teacher == TeacherName::None {
            return None;
        }
        let Split {
            train, selection, ..
        } = &self.split;
        let lesson = lesson(self.data, normalisation, train, selection, self.plan.seed);
        if let Some(lesson) = &lesson {
            eprintln!(
                "teacher: a Gaussian process, mse_z {:.2e} on the {} rows that choose; each network trains with it and without",
                lesson.error,
                selection.len()
            );
        }
        lesson
    }

    /// Trains the contenders: as many side by side as there are threads, the others after them.
    fn train_all(
        &self,
        contenders: Vec<Contender>,
        normalisation: &Normalisation,
        lesson: Option<&Lesson>,
    ) -> anyhow::Result<Vec<Finished>> {
        let (began, count) = (self.began.elapsed(), contenders.len());
        let lanes = self.plan.threads.min(count);
        let bars = MultiProgress::new();
        let mut work: Vec<Vec<(usize, Contender, ProgressBar)>> = vec![Vec::new(); lanes];
        for (k, contender) in contenders.into_iter().enumerate() {
            work[k % lanes].push((k, contender, bars.add(ProgressBar::new(1000))));
        }
        let in_turn = |work: Vec<(usize, Contender, ProgressBar)>| {
            let pool = pool(self.plan.threads / lanes)?;
            let last = work.len();
            let done = work
                .into_iter()
                .enumerate()
                .map(|(k, (number, contender, bar))| {
                    let share = (k + 1) as f64 / last as f64;
                    let end = self.end_of(share, began);
                    let train = || self.train(contender, normalisation, lesson, end, &bar);
                    Ok((number, pool.install(train)?))
                });
            done.collect::<anyhow::Result<Vec<_>>>()
        };
        let mut finished = std::thread::scope(|scope| {
            let lanes: Vec<_> = work
                .into_iter()
                .map(|work| scope.spawn(|| in_turn(work)))
                .collect();
            let done = lanes.into_iter().map(|thread| match thread.join() {
                Ok(finished) => finished,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            done.collect::<anyhow::Result<Vec<_>>>()
        })?
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
        finished.sort_by_key(|(number, _)| *number);
        Ok(finished.into_iter().map(|(_, finished)| finished).collect())
    }

    /// When a training ends that has to leave this share of what is left after `began`; `None` where steps are counted.
    fn end_of(&self, share: f64, began: Duration) -> Option<Duration> {
        match self.plan.extent {
            Extent::Steps(_) => None,
            Extent::Time(time) => Some(began + time.saturating_sub(began).mul_f64(share)),
        }
    }

    /// Trains one contender until the time `end`, or for all steps.
    fn train(
        &self,
        contender: Contender,
        normalisation: &Normalisation,
        lesson: Option<&Lesson>,
        end: Option<Duration>,
        bar: &ProgressBar,
    ) -> anyhow::Result<Finished> {
        let name = contender.name();
        let settings = Settings {
            steps: match self.plan.extent {
                Extent::Steps(steps) => Some(steps),
                Extent::Time(_) => None,
            },
            members: contender.members.clone(),
            seed: self.plan.seed,
            choices: self.plan.choices.for_rows(self.split.train.len()),
        };
        let order = data_order(contender.space.output());
        let lesson = lesson.filter(|_| contender.teaching == Teaching::Taught);
        let (train, selection) = (
            self.rows(&self.split.train, normalisation, &order, lesson)?,
            self.rows(&self.split.selection, normalisation, &order, None)?,
        );
        let mut trainer = Trainer::new(&contender.space, train, selection, settings)?;
        let mut began = self.began;
        if let Some(bytes) = self.folder.read_checkpoint(&name)? {
            let restored = Checkpoint::from_bytes(&bytes).and_then(|checkpoint| {
                trainer.restore(&checkpoint)?;
                Ok(checkpoint.seconds)
            });
            let seconds = restored.with_context(|| {
                format!(
                    "{}: the training of {name} cannot be taken up",
                    self.folder.path().display()
                )
            })?;
            began = began
                .checked_sub(Duration::from_secs_f64(seconds))
                .unwrap_or(began);
        }
        let mut pace = Pace::new(began, end);
        let style = "{prefix:12} {bar:30} {msg}";
        bar.set_style(ProgressStyle::with_template(style)?);
        bar.set_prefix(name.clone());
        let mut polish = PolishCost::default();
        let mut saved = Instant::now();
        let (mut saving, mut picture) = (Duration::ZERO, Instant::now());
        while !trainer.is_done() && !self.interrupt.load(Ordering::Relaxed) {
            let before = Instant::now();
            let step = trainer.step()?;
            // The loss is read from the device within the time that counts as the step's.
            let shown = match picture.elapsed() >= PICTURE_EVERY {
                true => Some(step.loss.to_scalar()?),
                false => None,
            };
            let time = before
                .elapsed()
                .saturating_sub(step.ranking.unwrap_or_default());
            if step.phase != Phase::Polish {
                pace.took(step.macs, time);
            }
            if trainer.total().is_none() && pace.wants_forecast() {
                let (steps, macs) = trainer.outlook();
                let after =
                    self.after_training(macs) + polish.of(&trainer, macs, pace.elapsed())?;
                if pace.is_up(steps, macs, after) {
                    trainer.end_search();
                }
            }
            if let Some(loss) = shown {
                picture = Instant::now();
                show(bar, &trainer, &pace, loss);
            }
            let due = saving.div_f64(CHECKPOINT_SHARE).max(CHECKPOINT_EVERY);
            if saved.elapsed() >= due {
                saved = Instant::now();
                self.save(&trainer, &name, &pace)?;
                saving = saved.elapsed();
            }
        }
        let interrupted = !trainer.is_done();
        if interrupted {
            bar.set_message("interrupted: the steps fall to zero");
            self.save(&trainer, &name, &pace)?;
            let steps = WIND_DOWN.as_secs_f64() / (pace.median_ms().max(1e-3) * 1e-3);
            trainer.wind_down(steps as usize)?;
            let end = Instant::now() + WIND_DOWN;
            while !trainer.is_done() && Instant::now() < end {
                trainer.step()?;
            }
        }
        bar.finish_and_clear();
        Ok(Finished {
            name,
            steps: trainer.steps_taken(),
            ms_per_step: pace.median_ms(),
            interrupted,
            trained: trainer.finish(),
        })
    }

    fn save(&self, trainer: &Trainer, name: &str, pace: &Pace) -> anyhow::Result<()> {
        let checkpoint = trainer.checkpoint(pace.elapsed().as_secs_f64())?;
        self.folder.write_checkpoint(name, &checkpoint.to_bytes()?)
    }

    /// The encoded rows of these numbers and those of a lesson, outputs in the network's order.
    fn rows(
        &self,
        rows: &[usize],
        normalisation: &Normalisation,
        order: &[usize],
        lesson: Option<&Lesson>,
    ) -> anyhow::Result<Rows> {
        let mut y = normalisation.encode_y(self.data, rows);
        let mut x = normalisation.encode_x(self.data, rows);
        if let Some(lesson) = lesson {
            y.extend(&lesson.y);
            x.extend(&lesson.x);
        }
        let y = y
            .chunks_exact(order.len())
            .flat_map(|y| order.iter().map(|&place| y[place]))
            .collect();
        Ok(Rows::new(
            x,
            self.data.input_count(),
            y,
            order.len(),
            &self.device,
        )?)
    }

    /// How long assembling, calibrating and judging take after a training to members of so many multiply-accumulates.
    fn after_training(&self, member_macs: f64) -> Duration {
        // The rows that choose, those that calibrate, and both once more for the report.
        let passes = 2 * self.split.validation.len() * self.plan.members;
        BESIDE + Duration::from_secs_f64(passes as f64 * member_macs / EXECUTOR_MACS)
    }

    /// The emulator of the contender that is best on the selection rows, and the report on it.
    fn best(
        &self,
        finished: Vec<Finished>,
        normalisation: &Normalisation,
    ) -> anyhow::Result<(Emulator, Report)> {
        let deviation = normalisation.deployed_output_scale();
        let judge = |emulator: &Emulator, rows: &[usize]| {
            metrics::evaluate(emulator, self.data, rows, &deviation, self.plan.threads)
        };
        let (transform, chosen_by) = match normalisation.transform() {
            Transform::None => (Transform::None, "mse_z"),
            other => (other, "median relative error"),
        };
        let mut best: Option<(f64, Finished, Emulator)> = None;
        let interrupted = finished.iter().any(|finished| finished.interrupted);
        let several = finished.len() > 1;
        for candidate in finished {
            let emulator = assemble(
                &candidate.trained,
                self.data,
                normalisation,
                Some(&self.split),
                self.provenance(&candidate),
            )?;
            let found = judge(&emulator, &self.split.selection);
            // Squared errors of outputs over decades are those of a few peaks.
            let error = match transform {
                Transform::None => found.mse_z,
                _ => found.median_relative_l2,
            };
            let members = emulator.members().len();
            if members < self.plan.members {
                eprintln!(
                    "note: {}: {members} members, not {}: no more of them differ within 2.5 times the work of one and 1.9 \
                     times its weights",
                    candidate.name, self.plan.members
                );
            }
            if several {
                eprintln!(
                    "{}: {chosen_by} {error:.2e} on the {} rows that choose, {} MAC",
                    candidate.name,
                    self.split.selection.len(),
                    emulator.macs()
                );
            }
            if best.as_ref().is_none_or(|(least, ..)| error < *least) {
                best = Some((error, candidate, emulator));
            }
        }
        let (_, winner, emulator) = best.context("nothing was trained to a finite error")?;
        let found = judge(&emulator, &self.split.validation);
        let report = Report {
            space: winner.name,
            val_mse_z: found.mse_z,
            val_relative_l2: found.median_relative_l2,
            val_coverage: [found.coverage_50, found.coverage_90, found.coverage_99],
            val_width_over_constant: found.width_over_constant,
            transform,
            macs: emulator.macs(),
            member_macs: emulator.member_macs(),
            members: emulator.members().len(),
            steps: winner.steps,
            ms_per_step: winner.ms_per_step,
            interrupted,
        };
        Ok((emulator, report))
    }

    fn provenance(&self, finished: &Finished) -> BTreeMap<String, serde_json::Value> {
        let trained = &finished.trained;
        let mut all = BTreeMap::from([
            ("tool".to_owned(), json!(TOOL)),
            ("space".to_owned(), json!(finished.name)),
            ("seed".to_owned(), json!(self.plan.seed)),
            ("steps".to_owned(), json!(finished.steps)),
            ("data_sha256".to_owned(), json!(self.data.sha256())),
            (
                "probabilities".to_owned(),
                json!(trained.variables.probabilities()),
            ),
            ("members".to_owned(), json!(trained.members)),
        ]);
        if finished.interrupted {
            all.insert("interrupted".to_owned(), json!(true));
        }
        all
    }
}

fn pool(threads: usize) -> anyhow::Result<rayon::ThreadPool> {
    Ok(rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?)
}

/// Shows phase, loss and time left.
fn show(bar: &ProgressBar, trainer: &Trainer, pace: &Pace, loss: f32) {
    let to_go = trainer.total().map(|total| {
        let (_, macs) = trainer.outlook();
        (total.saturating_sub(trainer.steps_taken()), macs)
    });
    let left = pace.left(to_go).unwrap_or_default();
    let done = pace.elapsed().as_secs_f64();
    bar.set_position((1000.0 * done / (done + left.as_secs_f64()).max(1e-9)) as u64);
    bar.set_message(format!(
        "{}, step {}, loss {loss:.1e}, {} left",
        trainer.phase().name(),
        trainer.steps_taken(),
        indicatif::HumanDuration(left)
    ));
}
