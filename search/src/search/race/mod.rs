//! A race of fixed networks, in which every row trains, selects and calibrates.
//!
//! 1. *Processes*: families of Gaussian processes are fitted to all rows; each answers for every row
//!    as if it had not seen it.
//! 2. *Rounds*: each kind of network ([`Kind`](crate::kind::Kind)) trains once for each of some
//!    folds, on the rows of the others, side by side. The errors on the rows that a network has not
//!    seen decide who goes on; the networks of the next round have four times the steps.
//! 3. *The last training*: the kind with the smallest such error trains on all rows, and ships, with
//!    as many members as there is to be. Where
//!    the processes and the networks of the folds together ([`teach`]) err less than it is expected
//!    to, it learns their answers at fresh inputs, too.
//!
//! What ships has no rows of its own to be judged on. Its error is estimated, and its uncertainty
//! calibrated, by what was said of rows by those that have not seen them ([`Unseen`]).

mod entrants;
mod folds;
mod plan;
mod rounds;
mod teach;

pub use plan::Plan;

use super::run_report::{PROCESSES, Raced, Round, STACK};
use super::settings::{Extent, TeacherMode};
use super::time_spent::{ForWhatShips, Part};
use super::train::{Finished, Task};
use super::{Run, pool};
use crate::components::Learnt;
use crate::contenders::Contender;
use crate::error::{Error, Result};
use crate::gaussian_process::Processes;
use crate::kind::fall::Fall;
use crate::teacher::Lesson;
use crate::training::{Choices, Optimiser};
use crate::unseen::Unseen;
use entrants::{Entrant, Rounds};
use std::time::Duration;
use teach::Teacher;

/// Rows of a student's step, and the decay of its weights: it cannot learn its rows by heart.
const STUDENTS_BATCH: usize = 256;
const STUDENTS_DECAY: f64 = 0.0;
/// What ships takes at most this multiple of the steps after which its error is expected to be least.
const BEYOND_LEAST: f64 = 4.0;
/// A student is expected to err more than its teacher by this factor.
const STUDENT: f64 = 1.15;

/// The result of a race.
pub(super) struct Outcome {
    pub(super) finished: Finished,
    /// The errors of what raced.
    pub(super) told: Vec<Raced>,
    pub(super) unseen: Option<Unseen>,
    pub(super) plan: Plan,
    pub(super) for_what_ships: ForWhatShips,
}

impl Run<'_> {
    /// Holds a race of these contenders, each a kind of network.
    pub(super) fn race(
        &self,
        contenders: Vec<Contender>,
        choices: Choices,
        learnt: Learnt<'_>,
    ) -> Result<Outcome> {
        let rounds = self.rounds(choices, learnt);
        let mut entrants: Vec<Entrant> = contenders.into_iter().map(Entrant::new).collect();
        let (mut plan, processes) = self.hold_rounds(&rounds, &mut entrants)?;
        let winner = &entrants[0];
        let most = self.most_steps(&rounds, winner);
        let teacher = match self.observer.is_interrupted() {
            true => None,
            false => {
                let stack = || self.teacher(&rounds, &entrants, processes.as_ref());
                self.clock.during(Part::Answers, stack)?
            }
        };
        if let Some(teacher) = &teacher {
            self.keep_teacher(teacher, &rounds)?;
        }
        let steps = most.unwrap_or_else(|| self.steps_left(winner, plan.last));
        // Like with like: what both gain by more rows than those of a fold is left out.
        let expected = winner.expected(steps);
        let stack = teacher.as_ref().map(|one| one.error);
        let stack = stack.filter(|_| self.settings.teacher != TeacherMode::None);
        let taught = teacher.filter(|one| match (self.settings.teacher, plan.is_taught) {
            (TeacherMode::None, _) => false,
            (TeacherMode::Always, _) => true,
            (TeacherMode::Auto, Some(is_taught)) => is_taught,
            (TeacherMode::Auto, None) => one.expected * STUDENT < expected,
        });
        plan.is_taught = Some(taught.is_some());
        if let Some(teacher) = taught.as_ref().filter(|_| plan.fresh == 0) {
            let fresh = || self.fresh(teacher, &rounds);
            plan.fresh = self.clock.during(Part::Answers, fresh)?;
        }
        if !self.observer.is_interrupted() {
            self.write_plan(&plan)?;
        }
        // What a student is compared with after its training is asked before, within the time.
        let answer = |one: &Teacher<'_>| {
            let lesson = self.lesson_of(one, &rounds, plan.fresh)?;
            Ok::<_, Error>((lesson, self.compared(one, &rounds)?))
        };
        let answered = taught.as_ref().map(|one| {
            let answer = || answer(one);
            self.clock.during(Part::Answers, answer)
        });
        let (lesson, compared) = answered.transpose()?.unzip();
        if let Some(teacher) = &taught {
            self.observer.status(format!(
                "learns from a stack of models: mse_z {:.2e} on rows that they have not seen, {expected:.2e} expected of {} alone",
                teacher.error,
                winner.name(),
            ));
        }
        let most = most.filter(|_| lesson.is_none());
        let mut finished = self.train_last(winner, &rounds, &plan, (most, lesson.as_ref()))?;
        plan.last = finished.steps;
        if let Some(compared) = &compared {
            let departure = self.departure(&finished.trained, compared, &rounds)?;
            finished.departure = Some(departure);
        }
        let unseen = self.unseen(&rounds, winner, taught.as_ref(), &finished);
        let told = told(&entrants, processes.as_ref(), (stack, taught.as_ref()));
        Ok(Outcome {
            finished,
            told,
            unseen,
            plan,
            for_what_ships: for_what_ships(&entrants, taught.as_ref()),
        })
    }

    /// The share of the rows that the network of a fold trains on.
    fn share_of_fold(&self, rounds: &Rounds<'_>) -> f64 {
        rounds.folds.trained(0).len() as f64 / self.split.train.len() as f64
    }

    /// The steps that an entrant could take until the end; `planned` where there is no clock.
    fn steps_left(&self, entrant: &Entrant, planned: usize) -> usize {
        match self.settings.extent {
            Extent::Time(time) if entrant.cost > 0.0 => {
                let left = time.saturating_sub(self.began.elapsed());
                let in_turn = entrant.members().div_ceil(self.settings.threads.min(2));
                (left.as_secs_f64() / (entrant.cost * in_turn as f64)) as usize
            }
            _ => planned,
        }
    }

    /// The number of steps beyond which the winner stops gaining, if the rounds have shown it.
    fn most_steps(&self, rounds: &Rounds<'_>, winner: &Entrant) -> Option<usize> {
        let steps = match winner.fall().filter(Fall::gains) {
            Some(fall) => BEYOND_LEAST * fall.least()?,
            None if winner.gains() => return None,
            None => winner.best()?.steps as f64,
        };
        Some((steps / self.share_of_fold(rounds)) as usize)
    }

    /// Trains the winner on all rows, at most for a number of steps, and with a lesson if there is
    /// one.
    fn train_last(
        &self,
        winner: &Entrant,
        rounds: &Rounds<'_>,
        plan: &Plan,
        (most, lesson): (Option<usize>, Option<&Lesson>),
    ) -> Result<Finished> {
        let steps = match self.settings.extent {
            Extent::Time(_) => None,
            Extent::Steps(_) => Some(most.unwrap_or(plan.last).min(plan.last)),
            Extent::Plan(_) => Some(plan.last),
        };
        let choices = match lesson {
            None => winner.choices(rounds.choices),
            // What a teacher says has no noise.
            Some(_) => Choices {
                optimiser: Optimiser::Soap,
                batch: STUDENTS_BATCH,
                decay: STUDENTS_DECAY,
                ..rounds.choices
            },
        };
        // A student has most of its way behind it where networks of its kind teach too.
        let taught_by = lesson.and(winner.best());
        let task = Task {
            choices,
            learnt: rounds.learnt,
            lesson,
            from: taught_by.map(|best| best.networks.as_slice()),
            end: self.end_of(1.0, Duration::ZERO),
            steps,
            most,
            threads: self.settings.threads,
            is_divided: true,
            contenders: 1,
        };
        let train = || self.train(winner.contender.clone(), &task);
        let pool = pool(self.settings.threads)?;
        self.clock.during(Part::Last, || pool.install(train))
    }

    /// The answers to rows by those that have not seen them, with errors of the size that is expected
    /// of what ships; `None` if nothing was judged.
    fn unseen(
        &self,
        rounds: &Rounds<'_>,
        winner: &Entrant,
        teacher: Option<&Teacher<'_>>,
        finished: &Finished,
    ) -> Option<Unseen> {
        let (said, each, error, expected): (_, &[Vec<f32>], _, _) = match teacher {
            Some(teacher) => {
                let departure = finished.departure.unwrap_or_default();
                // Its students differ in what they have not learnt of it, not in what it does not know.
                let expected = teacher.expected + departure;
                (&teacher.said, &[], teacher.error, expected)
            }
            None => {
                let best = winner.best()?;
                let expected = winner.expected(finished.steps) * self.share_of_fold(rounds);
                (&best.said, &best.each, best.error, expected)
            }
        };
        let ratio = (expected / error.max(f64::MIN_POSITIVE)).sqrt();
        let rows = self.rows_at(&rounds.judged);
        Some(Unseen::new(rows, said, each, rounds.learnt, ratio))
    }
}

/// The shares of the rounds' and processes' time that are for what ships, by the work of steps.
fn for_what_ships(entrants: &[Entrant], teacher: Option<&Teacher<'_>>) -> ForWhatShips {
    let teaches = |name: &str| teacher.is_some_and(|teacher| teacher.weight(name) > 0.0);
    let (mut own, mut all) = (0.0, 0.0);
    for (place, entrant) in entrants.iter().enumerate() {
        let work = entrant.work();
        all += work;
        if place == 0 || teaches(&entrant.name()) {
            own += work;
        }
    }
    ForWhatShips {
        processes: f64::from(u8::from(teaches(PROCESSES))),
        rounds: if all > 0.0 { own / all } else { 0.0 },
    }
}

/// The errors of what raced, the best first, and of the stack, which may teach.
fn told(
    entrants: &[Entrant],
    processes: Option<&Processes>,
    (stack, teacher): (Option<f64>, Option<&Teacher<'_>>),
) -> Vec<Raced> {
    let weight = |name: &str| teacher.map_or(0.0, |teacher| teacher.weight(name));
    let networks = entrants.iter().filter_map(|entrant| {
        let best = entrant.best()?;
        let rounds = entrant.judged.iter().map(|judged| Round {
            steps: judged.steps,
            mse_z: judged.error,
        });
        Some(Raced {
            weight: weight(&entrant.name()),
            name: entrant.name(),
            steps: best.steps,
            mse_z: best.error,
            rounds: rounds.collect(),
            probability: entrant.outlook.map(|expected| expected.probability),
        })
    });
    let others = |name: &str, mse_z| Raced {
        weight: weight(name),
        name: name.to_owned(),
        steps: 0,
        mse_z,
        rounds: Vec::new(),
        probability: None,
    };
    let processes = processes.map(|one| others(PROCESSES, one.error()));
    let stack = stack.map(|error| others(STACK, error));
    let mut all: Vec<Raced> = networks.chain(processes).chain(stack).collect();
    all.sort_by(|a, b| a.mse_z.total_cmp(&b.mse_z));
    all
}
