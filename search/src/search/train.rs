//! Schedules the training of a run's contenders: when, on how many threads, and for how long.
//!
//! The search, the control and random search get equal shares of the time and of the threads: side
//! by side if there are enough threads, else one after the other. The contenders of one role divide
//! its share in the same way. One exception: a network with a teacher trains after its untaught
//! counterpart, which teaches it too.

use super::{Extent, Run, pool};
use crate::budget::{Budget, Room};
use crate::components::Learnt;
use crate::contenders::{Contender, Role, Teaching};
use crate::error::{Context, Error, Result};
use crate::events::Training;
use crate::pace::Pace;
use crate::space::Architecture;
use crate::supernetwork::SuperNetwork;
use crate::teacher::{Lesson, mean_square};
use crate::training::{Checkpoint, Choices, Members, Phase, Rows, Settings, Trained, Trainer};
use crate::transfer;
use candle_core::Tensor;
use std::time::{Duration, Instant};

/// Minimum time of a run outside training: reading, assembling, calibrating, writing.
const BESIDE: Duration = Duration::from_millis(300);
/// Approximate multiply-accumulates per second of the executor that calibrates and judges.
const EXECUTOR_MACS: f64 = 1e10;
/// Approximate seconds of calibration per output and calibration row.
const CALIBRATION: f64 = 7e-7;
/// Minimum time between two trials of the polish, as a multiple of the time of a trial.
const TRIED_PAUSE: f64 = 20.0;
/// A checkpoint is written if writing took less than this fraction of the time since the last one,
const CHECKPOINT_SHARE: f64 = 0.02;
/// but not before this.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
/// Time for an interrupted training to let its step sizes fall to zero.
const WIND_DOWN: Duration = Duration::from_secs(2);
/// Time between two events of a training's progress.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Estimates the time of the polish, by timing one evaluation whenever the training's time has
/// doubled. The timed evaluations take only a small part of the time.
struct PolishCost {
    began: Instant,
    /// Seconds of an evaluation per multiply-accumulate of its members.
    tried: f64,
    /// Time of the next trial.
    again: Instant,
}

impl PolishCost {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            tried: 0.0,
            again: now,
        }
    }

    /// Duration of the polish if the search ends now, for members with this total of
    /// multiply-accumulates.
    fn of(&mut self, trainer: &Trainer, macs: f64) -> Result<Duration> {
        let evaluations = trainer.polish_evaluations();
        if evaluations == 0 {
            return Ok(Duration::ZERO);
        }
        let before = Instant::now();
        if before >= self.again {
            self.tried = trainer.rehearse_polish()? / macs;
            let now = Instant::now();
            let pause = (now - before).mul_f64(TRIED_PAUSE);
            self.again = now + pause.max(now - self.began);
        }
        Ok(Duration::from_secs_f64(
            self.tried * macs * evaluations as f64,
        ))
    }
}

/// Largest number of members that are judged one by one.
const SINGLES: usize = 8;

/// The ensembles that the Pareto table considers for this number of members. The first has all of
/// them.
pub(super) fn parts(members: usize) -> impl Iterator<Item = Vec<usize>> {
    let powers = std::iter::successors(Some(1), |count| Some(2 * count));
    let smaller = powers.take_while(move |&count| count < members);
    let singles = (1..members.min(SINGLES)).map(|member| vec![member]);
    let first = [members].into_iter().chain(smaller);
    first.map(|count| (0..count).collect()).chain(singles)
}

/// A contender's finished training.
pub(super) struct Finished {
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) trained: Trained,
    pub(super) steps: usize,
    pub(super) ms_per_step: f64,
    /// Seconds of its training, and its number of threads.
    pub(super) seconds: f64,
    pub(super) threads: usize,
    pub(super) interrupted: bool,
    /// The mean squared difference from the process at the inputs of the lesson, if there is one.
    pub(super) departure: Option<f64>,
}

impl Run<'_> {
    /// Trains the contenders. Each role gets its share of the time and of the threads. Results are
    /// in the order of the contenders.
    pub(super) fn train_all(
        &self,
        contenders: Vec<Contender>,
        choices: Choices,
        learnt: Learnt<'_>,
        lesson: Option<&Lesson>,
    ) -> Result<Vec<Finished>> {
        let began = self.began.elapsed();
        let total = contenders.len();
        let lanes = lanes(&contenders, self.settings.threads);
        let in_turn = |lane: &Lane| {
            let pool = pool(lane.threads)?;
            let mut done: Vec<(usize, Finished)> = Vec::new();
            for turn in &lane.turns {
                let contender = contenders[turn.contender].clone();
                let taught_by = match (contender.teaching, lesson, done.last()) {
                    (Teaching::Taught, Some(lesson), Some((_, untaught))) => {
                        Some(pool.install(|| self.shared(lesson, &untaught.trained, learnt))?)
                    }
                    _ => None,
                };
                let task = Task {
                    choices,
                    learnt,
                    lesson: taught_by.as_ref(),
                    from: None,
                    end: self.end_of(turn.share, began),
                    steps: None,
                    most: None,
                    threads: lane.threads,
                    is_divided: false,
                    contenders: total,
                };
                let mut finished = pool.install(|| self.train(contender, &task))?;
                if let Some(lesson) = lesson {
                    let said = pool.install(|| self.says(&finished.trained, &lesson.x, learnt))?;
                    finished.departure = Some(mean_square(&said, &lesson.y));
                }
                done.push((turn.contender, finished));
            }
            Ok::<_, Error>(done)
        };
        let mut finished = std::thread::scope(|scope| {
            let lanes: Vec<_> = lanes
                .iter()
                .map(|lane| scope.spawn(|| in_turn(lane)))
                .collect();
            let done = lanes.into_iter().map(|thread| match thread.join() {
                Ok(finished) => finished,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            done.collect::<Result<Vec<_>>>()
        })?
        .into_iter()
        .flatten()
        .collect::<Vec<_>>();
        finished.sort_by_key(|(number, _)| *number);
        Ok(finished.into_iter().map(|(_, finished)| finished).collect())
    }

    /// The lesson of the process combined with a network that was trained without it.
    fn shared(&self, lesson: &Lesson, untaught: &Trained, learnt: Learnt<'_>) -> Result<Lesson> {
        let selection = &self.split.selection;
        Ok(lesson.shared(
            &self.says(untaught, &lesson.x, learnt)?,
            &self.says(untaught, &learnt.x(selection), learnt)?,
            &learnt.y(selection),
            learnt.count(),
        ))
    }

    /// The mean prediction of the members at encoded inputs, arranged like [`Learnt::y`].
    pub(super) fn says(
        &self,
        trained: &Trained,
        x: &[f32],
        learnt: Learnt<'_>,
    ) -> Result<Vec<f32>> {
        self.members_say(&trained.network, &trained.members, x, learnt)
    }

    /// The prediction of each member, as [`Run::says`].
    pub(super) fn each_says(
        &self,
        trained: &Trained,
        x: &[f32],
        learnt: Learnt<'_>,
    ) -> Result<Vec<Vec<f32>>> {
        let members = trained.members.iter().map(std::slice::from_ref);
        let each = members.map(|one| self.members_say(&trained.network, one, x, learnt));
        each.collect()
    }

    /// The mean prediction of these members.
    fn members_say(
        &self,
        network: &SuperNetwork,
        members: &[Architecture],
        x: &[f32],
        learnt: Learnt<'_>,
    ) -> Result<Vec<f32>> {
        let order = learnt.order(network.space().output());
        let inputs = self.data.input_count();
        let x = Tensor::from_slice(x, (x.len() / inputs, inputs), &self.device)?;
        Ok(network.mean_of(&x, members, &order)?)
    }

    /// The end of a training that must leave this share of the time that remains after `began`;
    /// `None` if steps are counted.
    pub(super) fn end_of(&self, share: f64, began: Duration) -> Option<Duration> {
        match &self.settings.extent {
            Extent::Steps(_) | Extent::Plan(_) => None,
            Extent::Time(time) => Some(began + time.saturating_sub(began).mul_f64(share)),
        }
    }

    /// Trains one contender until the time `end`, or for all steps.
    pub(super) fn train(&self, contender: Contender, task: &Task<'_>) -> Result<Finished> {
        let Task {
            choices,
            learnt,
            lesson,
            end,
            ..
        } = *task;
        let name = contender.name();
        let settings = Settings {
            steps: match (task.steps, &self.settings.extent) {
                (Some(steps), _) => Some(steps),
                (None, &Extent::Steps(steps)) => Some(steps),
                (None, _) => None,
            },
            members: contender.members.clone(),
            seed: self.settings.seed,
            choices,
        };
        let order = learnt.order(contender.space.output());
        let (train, selection) = (
            self.rows(&self.split.train, learnt, &order, lesson)?,
            self.rows(&self.split.selection, learnt, &order, None)?,
        );
        let mut trainer = match learnt.components {
            None => Trainer::new(&contender.space, train, selection, settings)?,
            Some(components) => {
                Trainer::onto(&contender.space, components, train, selection, settings)?
            }
        };
        if let Members::Searched(count) | Members::Random(count) = contender.members
            && self.settings.budget != Budget::default()
        {
            let (terms, transform) = (self.settings.terms(), learnt.normalisation.transform());
            trainer = trainer.within(Room::new(&contender.space, terms, count, transform)?);
        }
        if let Some(others) = task.from {
            trainer.start_from(others)?;
        }
        if task.is_divided {
            trainer = trainer.divided(task.threads).context("a second thread")?;
        }
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
        self.observer.training(&name, Training::Began);
        let mut polish = PolishCost::new();
        let mut saved = Instant::now();
        let (mut saving, mut told) = (Duration::ZERO, Instant::now());
        while !trainer.is_done() && !self.observer.is_interrupted() {
            let before = Instant::now();
            let step = trainer.step()?;
            // Reading the loss from the device counts as part of the step's time.
            let shown = match told.elapsed() >= PROGRESS_EVERY {
                true => Some(transfer::number(&step.loss)?),
                false => None,
            };
            let time = before
                .elapsed()
                .saturating_sub(step.ranking.unwrap_or_default());
            if trainer.wants_record(&step) {
                let record = || trainer.record(&step, pace.elapsed().as_secs_f64());
                self.clock.beside(record)?;
            }
            if step.phase != Phase::Polish {
                pace.took(step.macs, time);
            }
            if trainer.total().is_none() && pace.wants_forecast() {
                let (steps, macs) = trainer.outlook();
                let after =
                    self.after_training(macs, task.contenders) + polish.of(&trainer, macs)?;
                let enough = task
                    .most
                    .is_some_and(|most| trainer.steps_taken() + steps >= most);
                if enough || pace.is_up(steps, macs, after) {
                    trainer.end_search();
                }
            }
            if let Some(loss) = shown {
                told = Instant::now();
                self.observer
                    .training(&name, progress(&trainer, &pace, loss));
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
            self.observer.training(&name, Training::Interrupted);
            if trainer.steps_taken() > 0 {
                self.save(&trainer, &name, &pace)?;
            }
            let steps = WIND_DOWN.as_secs_f64() / (pace.median_ms().max(1e-3) * 1e-3);
            trainer.wind_down(steps as usize)?;
            let end = Instant::now() + WIND_DOWN;
            while !trainer.is_done() && Instant::now() < end {
                trainer.step()?;
            }
        }
        self.observer.training(&name, Training::Ended);
        let steps = trainer.steps_taken();
        let trained = trainer.finish();
        let first = trained.history.records().first();
        let seconds = first.map_or(0.0, |first| pace.elapsed().as_secs_f64() - first.seconds);
        let ms_per_step = pace.median_ms();
        self.observer.detail(format!(
            "{name}: {steps} steps of {ms_per_step:.3} ms in {seconds:.1} s on {} threads",
            task.threads
        ));
        Ok(Finished {
            name,
            role: contender.role,
            steps,
            ms_per_step,
            seconds,
            threads: task.threads,
            interrupted,
            departure: None,
            trained,
        })
    }

    fn save(&self, trainer: &Trainer, name: &str, pace: &Pace) -> Result<()> {
        self.clock.beside(|| {
            let checkpoint = trainer.checkpoint(pace.elapsed().as_secs_f64())?;
            self.folder.write_checkpoint(name, &checkpoint.to_bytes()?)
        })
    }

    /// The encoded rows with these indices, followed by those of a lesson; outputs in the network's
    /// order.
    pub(super) fn rows(
        &self,
        rows: &[usize],
        learnt: Learnt<'_>,
        order: &[usize],
        lesson: Option<&Lesson>,
    ) -> Result<Rows> {
        let (mut x, mut y) = (learnt.x(rows), learnt.y(rows));
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

    /// Time for assembling, calibrating and judging after all trainings, for members with this
    /// number of multiply-accumulates.
    fn after_training(&self, member_macs: f64, contenders: usize) -> Duration {
        // The selection rows, the calibration rows, and both again; for whole ensembles and parts
        // of them.
        let parts: Vec<usize> = parts(self.settings.members_of(Role::Search))
            .map(|part| part.len())
            .collect();
        // Where every row trains, folds of them judge and calibrate.
        let (judging, calibrating) = match self.split.validation.is_empty() {
            true => (self.split.train.len(), self.split.train.len()),
            false => (self.split.validation.len(), self.split.calibration.len()),
        };
        let evaluations = 2 * judging * parts.iter().sum::<usize>();
        let calibrated = calibrating * self.data.output_count() * parts.len();
        let each =
            evaluations as f64 * member_macs / EXECUTOR_MACS + calibrated as f64 * CALIBRATION;
        BESIDE + Duration::from_secs_f64(contenders as f64 * each)
    }
}

/// The inputs of a contender's training.
pub(super) struct Task<'a> {
    pub(super) choices: Choices,
    pub(super) learnt: Learnt<'a>,
    pub(super) lesson: Option<&'a Lesson>,
    /// The trainings whose weights it starts from, if they are not random.
    pub(super) from: Option<&'a [Trained]>,
    pub(super) end: Option<Duration>,
    /// The number of steps, if it is known.
    pub(super) steps: Option<usize>,
    /// The number of steps beyond which none are taken, if the total is open.
    pub(super) most: Option<usize>,
    pub(super) threads: usize,
    /// Whether two threads may divide each step between them.
    pub(super) is_divided: bool,
    /// The total number of contenders.
    pub(super) contenders: usize,
}

/// Contenders that train one after the other, on the same threads.
struct Lane {
    threads: usize,
    turns: Vec<Turn>,
}

/// A contender's index, and the fraction of the time that has passed when its training ends.
struct Turn {
    contender: usize,
    share: f64,
}

/// Assigns contenders to lanes: every role gets an equal share of threads and time.
fn lanes(contenders: &[Contender], threads: usize) -> Vec<Lane> {
    // A taught network comes after its untaught counterpart.
    let of_role = |role: Role| -> Vec<Vec<usize>> {
        let mut units: Vec<Vec<usize>> = Vec::new();
        for (k, contender) in contenders.iter().enumerate() {
            match (contender.role == role, contender.teaching, units.last_mut()) {
                (false, ..) => {}
                (true, Teaching::Taught, Some(unit)) => unit.push(k),
                (true, ..) => units.push(vec![k]),
            }
        }
        units
    };
    let mut roles = [Role::Search, Role::Control, Role::Random]
        .map(of_role)
        .to_vec();
    roles.retain(|units| !units.is_empty());
    let beside = threads.min(roles.len());
    let (rounds, threads) = (roles.len().div_ceil(beside), threads / beside);
    let mut lanes: Vec<Lane> = Vec::new();
    for (place, units) in roles.iter().enumerate() {
        let (round, first) = (place / beside, place % beside * threads);
        let within = threads.min(units.len());
        for k in 0..within {
            let units = units.iter().skip(k).step_by(within);
            let turns: Vec<usize> = units.flatten().copied().collect();
            let count = turns.len() as f64;
            let turns = turns.into_iter().enumerate().map(|(turn, contender)| Turn {
                contender,
                share: (round as f64 + (turn + 1) as f64 / count) / rounds as f64,
            });
            while lanes.len() <= first + k {
                lanes.push(Lane {
                    threads: 1,
                    turns: Vec::new(),
                });
            }
            let lane = &mut lanes[first + k];
            lane.threads = threads / within;
            lane.turns.extend(turns);
        }
    }
    lanes
}

/// The progress of a training, with the remaining time.
fn progress(trainer: &Trainer, pace: &Pace, loss: f32) -> Training {
    let to_go = trainer.total().map(|total| {
        let (_, macs) = trainer.outlook();
        (total.saturating_sub(trainer.steps_taken()), macs)
    });
    Training::Step {
        phase: trainer.phase().name(),
        step: trainer.steps_taken(),
        loss,
        elapsed: pace.elapsed(),
        left: pace.left(to_go).unwrap_or_default(),
    }
}
