//! The rounds of a race: the networks of folds train side by side, and the processes are fitted.

use super::STUDENT;
use super::entrants::{Entrant, Judgement, Rounds};
use super::folds::Folds;
use super::plan::{
    Plan, ROUNDS, SHARE_OF_LONG_ROUND, STARTERS, alive, members_in, seconds_of, share_of_rounds,
    steps_of_long_round, steps_of_round,
};
use crate::components::Learnt;
use crate::error::{Context, Error, Result};
use crate::events::Training;
use crate::gaussian_process::{Look, Processes};
use crate::kind::Kind;
use crate::kind::prior::{DEVIATION, Prior};
use crate::search::settings::{Extent, TeacherMode};
use crate::search::time_spent::Part;
use crate::search::{Run, pool};
use crate::teacher::{encoded_box, mean_square};
use crate::training::{Checkpoint, Choices, Members, Settings, Trained, Trainer};
use crate::transfer;
use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Name of the race in events, and of the file that holds its plan while it goes on.
const RACE: &str = "race";
/// Time between two checkpoints of the network of a fold.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
/// The share of all threads' time that the whole fits of processes take if they lead at a first
/// look, and if networks do.
const SHARES_OF_PROCESSES: [f64; 2] = [0.15, 0.06];
/// Processes are fitted whole if their error at a first look is at most this multiple of that of
/// the networks of the first round.
const PROMISING: f64 = 10.0;

impl Run<'_> {
    /// The rows of the rounds.
    pub(super) fn rounds<'a>(&self, choices: Choices, learnt: Learnt<'a>) -> Rounds<'a> {
        let train = &self.split.train;
        let inputs = self.data.input_count();
        let folds = Folds::draw(&learnt.x(train), inputs, self.settings.seed);
        let judged: Vec<usize> = (0..folds.needed())
            .flat_map(|fold| folds.judged(fold))
            .collect();
        Rounds {
            learnt,
            // The polish would choose its end on the rows that judge.
            choices: Choices {
                polish: 0.0,
                ..choices
            },
            truth: learnt.y(&self.rows_at(&judged)),
            folds,
            judged,
        }
    }

    /// The training rows at these places in their list.
    pub(super) fn rows_at(&self, places: &[usize]) -> Vec<usize> {
        let rows = places.iter().map(|&place| self.split.train[place]);
        rows.collect()
    }

    /// A first look at Gaussian processes.
    fn look(&self, learnt: Learnt<'_>, given: Option<&Plan>) -> Option<Look> {
        let is_planned = given.is_none_or(|plan| plan.process_seconds > 0.0);
        if self.settings.teacher == TeacherMode::None || !is_planned {
            return None;
        }
        let train = &self.split.train;
        let (low, high) = encoded_box(learnt);
        let look = Look::new(
            &learnt.x(train),
            &learnt.y(train),
            learnt.count(),
            (&low, &high),
        );
        for (family, error) in look.iter().flat_map(Look::families) {
            self.observer
                .detail(format!("{family:?}: {error:.3e} at a first look"));
        }
        look
    }

    /// Fits the processes if they are worth their time beside what networks err; returns the
    /// estimated seconds too.
    fn processes(
        &self,
        look: Option<Look>,
        given: Option<&Plan>,
        error: f64,
    ) -> Option<(f64, Processes)> {
        let look = look?;
        let (_, least) = look.families().next()?;
        let seconds = match (given, &self.settings.extent) {
            (Some(plan), _) => plan.process_seconds,
            (None, Extent::Time(time)) => {
                let share = SHARES_OF_PROCESSES[usize::from(error < least)];
                share * time.as_secs_f64() * self.settings.threads as f64
            }
            (None, _) => 0.0,
        };
        if seconds == 0.0 || least > PROMISING * error {
            return None;
        }
        let processes = look.fit(seconds)?;
        for judged in processes.families() {
            self.observer.detail(format!(
                "{:?}: {:.3e} on rows that it has not seen, weight {:.2}",
                judged.family, judged.error, judged.weight
            ));
        }
        Some((seconds, processes))
    }

    /// Trains and judges the rounds, and fits the processes; the best entrant comes first. Returns
    /// what was carried out.
    pub(super) fn hold_rounds(
        &self,
        rounds: &Rounds<'_>,
        entrants: &mut [Entrant],
    ) -> Result<(Plan, Option<Processes>)> {
        let folds = rounds.folds.needed();
        let given = match &self.settings.extent {
            Extent::Steps(steps) => Some(Plan::of_steps(*steps)),
            Extent::Plan(plan) => Some(plan.clone()),
            Extent::Time(_) => None,
        };
        let pool = pool(self.settings.threads)?;
        let look = || pool.install(|| self.look(rounds.learnt, given.as_ref()));
        let look = self.clock.during(Part::Processes, look);
        let (mut look, mut processes) = (Some(look), None);
        let end = self.end_of(share_of_rounds(folds), Duration::ZERO);
        let kinds = entrants.iter().filter_map(Entrant::kind).collect();
        let rows = rounds.folds.trained(0).len();
        let prior = Prior::of(kinds, rounds.learnt.count(), rows);
        let starters = match self.settings.space.is_open() {
            true => favourites_first(entrants, &prior.first(STARTERS)),
            false => entrants.len(),
        };
        // What a run that was broken off has laid out by its clock.
        let known: Plan = match self.folder.read_checkpoint(RACE)? {
            Some(text) => serde_json::from_slice(&text)?,
            None => Plan::default(),
        };
        let decided = given.as_ref().unwrap_or(&known);
        let mut plan = Plan {
            process_seconds: 0.0,
            rounds: Vec::new(),
            is_taught: decided.is_taught,
            fresh: decided.fresh,
            last: given.as_ref().map_or(0, |plan| plan.last),
        };
        self.observer.training(RACE, Training::Began);
        for round in 0.. {
            let racing = &mut entrants[..alive(starters, round)];
            if end.is_some() {
                for entrant in racing.iter_mut().filter(|one| one.cost == 0.0) {
                    let mut trainer = self.trainer(rounds, entrant, (0, 0, 1_000))?;
                    entrant.cost = seconds_of(|| Ok(trainer.step().map(|_| ())?))?;
                }
            }
            let steps = match (&given, known.rounds.get(round)) {
                (Some(plan), _) => plan.rounds.get(round).copied(),
                (None, Some(&steps)) => Some(steps),
                (None, None) if round < ROUNDS => {
                    let costs = racing.iter().map(|one| (one.cost, one.members()));
                    let costs: Vec<(f64, usize)> = costs.collect();
                    // Processes that have been looked at may be fitted after this round.
                    let fits = matches!(look, Some(Some(_)));
                    let reserve = self.end_of(SHARES_OF_PROCESSES[1], Duration::ZERO);
                    let reserve = reserve.filter(|_| fits).unwrap_or_default();
                    let passed = self.began.elapsed() + reserve;
                    let time = end.unwrap_or_default().saturating_sub(passed);
                    let threads = self.settings.threads;
                    let steps = steps_of_round(&costs, folds, threads, round, time);
                    // Little more than before tells nothing new.
                    let before = plan.rounds.last().copied();
                    Some(steps).filter(|&steps| before.is_none_or(|before| steps >= 2 * before))
                }
                (None, None) if round == ROUNDS => {
                    let least = processes.as_ref().map_or(f64::INFINITY, Processes::error);
                    self.steps_of_winner(rounds, &racing[0], least)
                }
                (None, None) => None,
            };
            let Some(steps) = steps else {
                break;
            };
            plan.rounds.push(steps);
            self.write_plan(&plan)?;
            let folds = match round < ROUNDS {
                true => folds,
                false => rounds.folds.all(),
            };
            let began = Instant::now();
            self.round(rounds, racing, (round, folds, steps))?;
            if self.observer.is_interrupted() {
                break;
            }
            self.learn_costs(racing, (round, folds, steps), began.elapsed());
            by_error(racing);
            if let Some(look) = look.take() {
                let error = racing[0].error();
                let fit = || self.processes(look, given.as_ref(), error);
                let fit = || pool.install(fit);
                if let Some((seconds, fitted)) = self.clock.during(Part::Processes, fit) {
                    plan.process_seconds = seconds;
                    processes = Some(fitted);
                }
            }
            if round == 0 {
                self.expect(entrants, &prior, alive(starters, 1));
            }
        }
        // What is expected of others is no error.
        if plan.rounds.len() < 2 {
            by_error(entrants);
        }
        self.observer.training(RACE, Training::Ended);
        Ok((plan, processes))
    }

    /// Orders the entrants by the error that is expected of each after the next rounds, where
    /// anything is known of their kinds; `alive` go on.
    fn expect(&self, entrants: &mut [Entrant], prior: &Prior, alive: usize) {
        let observed = entrants.iter().filter_map(|one| {
            let judged = one.judged.first()?;
            Some((one.kind()?, judged.error.ln()))
        });
        let observed: Vec<(Kind, f64)> = observed.collect();
        for expected in prior.after(&observed, DEVIATION) {
            let of_kind = |one: &&mut Entrant| one.kind() == Some(expected.kind);
            if let Some(entrant) = entrants.iter_mut().find(of_kind) {
                entrant.outlook = Some(expected);
                self.observer.detail(format!(
                    "{}: mse_z {:.2e} expected after more steps, the best with probability {:.2}",
                    entrant.name(),
                    expected.error.exp(),
                    expected.probability
                ));
            }
        }
        let error = |one: &Entrant| one.outlook.map_or(f64::INFINITY, |expected| expected.error);
        entrants.sort_by(|a, b| error(a).total_cmp(&error(b)));
        // One of those that go on has trained: its curve tells what more steps gain.
        let tried = entrants.iter().position(|one| !one.judged.is_empty());
        if let Some(tried) = tried.filter(|&tried| tried >= alive) {
            entrants[alive - 1..=tried].rotate_right(1);
        }
    }

    /// The steps of the winner's round, if there is one: its networks are to teach, and to judge long
    /// trainings.
    fn steps_of_winner(
        &self,
        rounds: &Rounds<'_>,
        winner: &Entrant,
        processes: f64,
    ) -> Option<usize> {
        let end = self.end_of(SHARE_OF_LONG_ROUND, Duration::ZERO)?;
        let time = end.saturating_sub(self.began.elapsed());
        let (folds, threads) = (rounds.folds.all(), self.settings.threads);
        let members = winner.members();
        let cost = winner.cost * members as f64;
        let steps = steps_of_long_round(cost, folds, threads, time)?;
        let alone = winner.expected(self.steps_left(winner, 0));
        let taught = STUDENT * winner.expected_of(folds * members, steps);
        let pays = winner.gains() && winner.error() < PROMISING * processes && taught < alone;
        pays.then_some(steps)
    }

    pub(super) fn write_plan(&self, plan: &Plan) -> Result<()> {
        self.folder
            .write_checkpoint(RACE, &serde_json::to_vec(plan)?)
    }

    /// Corrects the seconds of a step by what a round has taken.
    fn learn_costs(
        &self,
        entrants: &mut [Entrant],
        (round, folds, steps): (usize, usize, usize),
        took: Duration,
    ) {
        let jobs = entrants.len() * folds;
        let threads = self.settings.threads.min(jobs);
        let idle = (jobs.div_ceil(threads) * threads) as f64 / jobs as f64;
        let costs = entrants
            .iter()
            .map(|one| one.cost * members_in(round, one.members()) as f64);
        let costs: f64 = costs.sum();
        let foreseen = costs * (folds * steps) as f64 * idle / threads as f64;
        for entrant in entrants.iter_mut().filter(|_| foreseen > 0.0) {
            entrant.cost *= took.as_secs_f64() / foreseen;
        }
    }

    /// Trains the networks of a round side by side, and judges them on the rows of the folds that
    /// judge all kinds.
    fn round(
        &self,
        rounds: &Rounds<'_>,
        entrants: &mut [Entrant],
        (round, folds, steps): (usize, usize, usize),
    ) -> Result<()> {
        let judging = rounds.folds.needed();
        let trained_rows = rounds.folds.trained(0).len();
        let read = steps * rounds.choices.batch.min(trained_rows);
        let jobs: Vec<(usize, usize)> = (0..entrants.len())
            .flat_map(|entrant| (0..folds).map(move |fold| (entrant, fold)))
            .collect();
        let (taken, total) = (AtomicUsize::new(0), steps * jobs.len());
        let train = |&(entrant, fold): &(usize, usize)| -> Result<Trained> {
            let task = (round, fold, steps);
            self.piece(rounds, &entrants[entrant], task, (&taken, total))
        };
        let pool = pool(self.settings.threads)?;
        let train = || jobs.par_iter().map(train).collect::<Result<Vec<_>>>();
        let trained = self.clock.during(Part::Rounds, || pool.install(train))?;
        if self.observer.is_interrupted() {
            return Ok(());
        }
        let judge = |(&(_, fold), trained): (&(usize, usize), Trained)| {
            if fold >= judging {
                return Ok((trained, Vec::new()));
            }
            let rows = self.rows_at(&rounds.folds.judged(fold));
            let said = self.each_says(&trained, &rounds.learnt.x(&rows), rounds.learnt)?;
            Ok((trained, said))
        };
        let judge = || jobs.par_iter().zip(trained).map(judge);
        let done: Result<Vec<_>> = pool.install(|| judge().collect());
        let mut done = done?.into_iter();
        for entrant in entrants {
            let (networks, said): (Vec<_>, Vec<_>) = done.by_ref().take(folds).unzip();
            let members = members_in(round, entrant.members());
            let of = |member: usize| -> Vec<f32> {
                let folds = said.iter().take(judging);
                folds.flat_map(|each| each[member].clone()).collect()
            };
            let each: Vec<Vec<f32>> = (0..members).map(of).collect();
            let said = mean(&each);
            let error = mean_square(&said, &rounds.truth);
            self.observer.detail(format!(
                "{}: mse_z {error:.3e} on {} rows of {judging} folds, each unseen by its network, after {steps} steps",
                entrant.name(),
                rounds.judged.len(),
            ));
            entrant.judged.push(Judgement {
                steps,
                epochs: read as f64 / trained_rows as f64,
                error,
                of_first: mean_square(&each[0], &rounds.truth),
                said,
                each,
                networks,
            });
        }
        Ok(())
    }

    /// Trains the network of a fold; an interrupted one ends early.
    fn piece(
        &self,
        rounds: &Rounds<'_>,
        entrant: &Entrant,
        (round, fold, steps): (usize, usize, usize),
        (taken, total): (&AtomicUsize, usize),
    ) -> Result<Trained> {
        const EVERY: usize = 256;
        let name = format!("{RACE}-{}-{fold}-{steps}", entrant.name());
        let mut trainer = self.trainer(rounds, entrant, (round, fold, steps))?;
        if let Some(bytes) = self.folder.read_checkpoint(&name)? {
            let restored = Checkpoint::from_bytes(&bytes).and_then(|one| trainer.restore(&one));
            restored.with_context(|| {
                let folder = self.folder.path().display();
                format!("{folder}: the training of {name} cannot be taken up")
            })?;
        }
        let save = |trainer: &Trainer| -> Result<()> {
            let checkpoint = trainer.checkpoint(self.began.elapsed().as_secs_f64())?;
            self.folder.write_checkpoint(&name, &checkpoint.to_bytes()?)
        };
        let save = |trainer: &Trainer| self.clock.beside(|| save(trainer));
        let mut saved = Instant::now();
        let is_new = !trainer.is_done();
        while !trainer.is_done() && !self.observer.is_interrupted() {
            let step = trainer.step()?;
            if saved.elapsed() >= CHECKPOINT_EVERY {
                save(&trainer)?;
                saved = Instant::now();
            }
            if trainer.steps_taken().is_multiple_of(EVERY) {
                let taken = taken.fetch_add(EVERY, Ordering::Relaxed) + EVERY;
                let elapsed = self.began.elapsed();
                let left = match self.settings.extent {
                    Extent::Time(time) => time.saturating_sub(elapsed),
                    _ => Duration::ZERO,
                };
                let progress = Training::Step {
                    phase: "rounds",
                    step: taken.min(total),
                    loss: transfer::number(&step.loss)?,
                    elapsed,
                    left,
                };
                self.observer.training(RACE, progress);
            }
        }
        if is_new && trainer.steps_taken() > 0 {
            save(&trainer)?;
        }
        Ok(trainer.finish())
    }

    /// The training of the network of a fold.
    fn trainer(
        &self,
        rounds: &Rounds<'_>,
        entrant: &Entrant,
        (round, fold, steps): (usize, usize, usize),
    ) -> Result<Trainer> {
        let contender = &entrant.contender;
        let Rounds { learnt, folds, .. } = rounds;
        let order = learnt.order(contender.space.output());
        let of = |places: Vec<usize>| self.rows(&self.rows_at(&places), *learnt, &order, None);
        let (train, judged) = (of(folds.trained(fold))?, of(folds.judged(fold))?);
        let Members::Given(members) = &contender.members else {
            return Err(Error::Fault("a race is of fixed networks".to_owned()));
        };
        let settings = Settings {
            steps: Some(steps),
            members: Members::Given(members[..members_in(round, members.len())].to_vec()),
            seed: self.settings.seed.wrapping_add(1 + fold as u64),
            choices: entrant.choices(rounds.choices),
        };
        let space = &contender.space;
        Ok(match learnt.components {
            None => Trainer::new(space, train, judged, settings)?,
            Some(components) => Trainer::onto(space, components, train, judged, settings)?,
        })
    }
}

/// Moves the entrants of these kinds to the front, in this order; returns how many there are, or
/// the number of all entrants if there are none.
fn favourites_first(entrants: &mut [Entrant], favourites: &[Kind]) -> usize {
    let place = |one: &Entrant| {
        let mut places = favourites.iter();
        places
            .position(|kind| one.kind() == Some(*kind))
            .unwrap_or(favourites.len())
    };
    entrants.sort_by_key(place);
    match entrants
        .iter()
        .filter(|one| place(one) < favourites.len())
        .count()
    {
        0 => entrants.len(),
        count => count,
    }
}

/// Orders entrants by their least error.
fn by_error(entrants: &mut [Entrant]) {
    entrants.sort_by(|a, b| a.error().total_cmp(&b.error()));
}

/// The mean of some answers of equal length.
fn mean(all: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0; all[0].len()];
    for one in all {
        let values = sum.iter_mut().zip(one);
        values.for_each(|(sum, value)| *sum += value / all.len() as f32);
    }
    sum
}
