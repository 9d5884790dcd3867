//! Teachers without a budget: committees of the networks of folds, and Gaussian processes, stacked.
//!
//! A committee is the mean of the networks of one kind that trained without one fold each. Every row
//! has an answer of each model that has not seen it; weights by non-negative least squares of these
//! answers stack the models. Where the stack errs less than the best network alone would, what ships
//! learns the stack's answers at fresh inputs beside the rows.

use super::entrants::{Entrant, Judgement, Rounds};
use crate::components::Learnt;
use crate::error::Result;
use crate::gaussian_process::Processes;
use crate::kept_teacher::{Committee, Model as KeptModel, Parts};
use crate::search::run_report::PROCESSES;
use crate::search::settings::Extent;
use crate::search::{Run, pool};
use crate::stack::Stack;
use crate::teacher::{Lesson, fresh_inputs, mean_square};
use crate::training::Trained;
use std::time::Instant;

/// Inputs at which the members of a committee are compared, and a student with its teacher.
const COMPARED: usize = 1024;
/// A model takes part if its error is at most this multiple of the least.
const WORTH: f64 = 30.0;
/// An estimate does not fall below this share of what was measured.
const LEAST: f64 = 0.2;
/// Largest number of fresh inputs,
const FRESH: usize = 1 << 16;
/// and of values at them,
const FRESH_NUMBERS: usize = 1 << 24;
/// the least number,
const FEWEST: usize = 1 << 10;
/// and the share of the time that is left that their answers take.
const SHARE_OF_ANSWERS: f64 = 0.12;
/// Inputs whose answers are timed.
const TIMED: usize = 256;

/// A teacher with more bytes than this is not kept.
const MOST_BYTES: usize = 1 << 28;

/// A model of a stack.
enum Model<'a> {
    /// The mean of networks.
    Committee(&'a [Trained]),
    /// Processes.
    Processes(&'a Processes),
}

/// A stack of models.
pub(super) struct Teacher<'a> {
    models: Vec<Model<'a>>,
    stack: Stack,
    /// The answers to the judged rows, of models that have not seen them.
    pub(super) said: Vec<f32>,
    /// The mean squared error of these.
    pub(super) error: f64,
    /// The error that the stack is expected to have on rows that none of it has seen.
    pub(super) expected: f64,
}

/// Inputs at which a student is compared with its teacher: `x: [rows][inputs]`, `y:
/// [rows][targets]`.
pub(super) struct Compared {
    x: Vec<f32>,
    y: Vec<f32>,
}

impl Model<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Committee(networks) => networks[0].network.space().name(),
            Self::Processes(_) => PROCESSES,
        }
    }
}

impl Teacher<'_> {
    /// The weight of the model of this name; 0 if there is none.
    pub(super) fn weight(&self, name: &str) -> f64 {
        let place = self.models.iter().position(|model| model.name() == name);
        place.map_or(0.0, |place| self.stack.weight(place))
    }
}

impl Run<'_> {
    /// Stacks what these rounds have trained with the processes.
    pub(super) fn teacher<'a>(
        &self,
        rounds: &Rounds<'_>,
        entrants: &'a [Entrant],
        processes: Option<&'a Processes>,
    ) -> Result<Option<Teacher<'a>>> {
        let outputs = rounds.learnt.count();
        let mut models: Vec<(Model<'a>, Vec<f32>, f64)> = Vec::new();
        for Judgement {
            networks,
            said,
            error,
            ..
        } in entrants.iter().filter_map(Entrant::best)
        {
            models.push((Model::Committee(networks), said.clone(), *error));
        }
        if let Some(processes) = processes {
            let left_out = processes.left_out();
            let said: Vec<f32> = rounds
                .judged
                .iter()
                .flat_map(|&place| left_out[place * outputs..][..outputs].to_vec())
                .collect();
            let error = mean_square(&said, &rounds.truth);
            models.push((Model::Processes(processes), said, error));
        }
        let least = models
            .iter()
            .map(|model| model.2)
            .fold(f64::INFINITY, f64::min);
        models.retain(|model| model.2 <= WORTH * least);
        if models.is_empty() {
            return Ok(None);
        }
        let said: Vec<&[f32]> = models.iter().map(|model| model.1.as_slice()).collect();
        let Some(stack) = Stack::fit(&said, &rounds.truth, outputs) else {
            return Ok(None);
        };
        let error = stack.error();
        let (variance, count) = self.disagreement(&models, &stack, rounds)?;
        let expected = error - variance * (1.0 - 1.0 / count as f64);
        for (number, (model, _, error)) in models.iter().enumerate() {
            let name = model.name();
            let weight = stack.weight(number);
            self.observer
                .detail(format!("stack: {weight:.2} {name}, {error:.3e} by itself"));
        }
        self.observer
            .detail(format!("stack: {error:.3e}, {expected:.3e} expected"));
        Ok(Some(Teacher {
            models: models.into_iter().map(|(model, ..)| model).collect(),
            said: stack.left_out().to_vec(),
            error,
            expected: expected.max(LEAST * error),
            stack,
        }))
    }

    /// The variance about their mean, without bias, of the answers that a stack would give if its
    /// committees had one fold's network each, and the number of such stacks.
    ///
    /// Networks of a fold have seen the same rows, and err alike: the variances of committees do not
    /// add up to this.
    fn disagreement(
        &self,
        models: &[(Model<'_>, Vec<f32>, f64)],
        stack: &Stack,
        rounds: &Rounds<'_>,
    ) -> Result<(f64, usize)> {
        let x = fresh_inputs(rounds.learnt, self.settings.seed, COMPARED);
        let used = models.iter().enumerate();
        let used = used.filter(|(number, _)| stack.weight(*number) > 0.0);
        let committees = used.filter_map(|(_, (model, ..))| match model {
            Model::Committee(networks) => Some(networks.len()),
            Model::Processes(_) => None,
        });
        let Some(count) = committees.max() else {
            return Ok((0.0, 1));
        };
        let says = |fold: usize| -> Result<Vec<f32>> {
            // What processes say is the same in each stack.
            let answers = models.iter().map(|(model, ..)| match model {
                Model::Committee(networks) => {
                    self.says(&networks[fold % networks.len()], &x, rounds.learnt)
                }
                Model::Processes(_) => Ok(vec![0.0; COMPARED * rounds.learnt.count()]),
            });
            let answers: Vec<Vec<f32>> = answers.collect::<Result<_>>()?;
            let answers: Vec<&[f32]> = answers.iter().map(Vec::as_slice).collect();
            Ok(stack.combine(&answers, rounds.learnt.count()))
        };
        let said: Vec<Vec<f32>> = (0..count).map(says).collect::<Result<_>>()?;
        let values = said[0].len();
        let mut sum = 0.0;
        for place in 0..values {
            let mean = said.iter().map(|one| f64::from(one[place])).sum::<f64>() / count as f64;
            let squares = said
                .iter()
                .map(|one| (f64::from(one[place]) - mean).powi(2));
            sum += squares.sum::<f64>() / (count as f64 - 1.0).max(1.0);
        }
        Ok((sum / values as f64, count))
    }

    /// The answers of a stack, `[rows][targets]`.
    pub(super) fn answers(
        &self,
        teacher: &Teacher<'_>,
        x: &[f32],
        rounds: &Rounds<'_>,
    ) -> Result<Vec<f32>> {
        let answers = teacher.models.iter().enumerate().map(|(number, model)| {
            if teacher.stack.weight(number) == 0.0 {
                return Ok(Vec::new());
            }
            match model {
                Model::Committee(networks) => self.mean_of(networks, x, rounds),
                Model::Processes(processes) => Ok(processes.predict(x)),
            }
        });
        let answers: Vec<Vec<f32>> = answers.collect::<Result<_>>()?;
        let answers: Vec<&[f32]> = answers.iter().map(Vec::as_slice).collect();
        Ok(teacher.stack.combine(&answers, rounds.learnt.count()))
    }

    /// The mean answer of networks, of all their members.
    fn mean_of(&self, networks: &[Trained], x: &[f32], rounds: &Rounds<'_>) -> Result<Vec<f32>> {
        let rows = x.len() / self.data.input_count();
        let mut sum = vec![0.0f32; rows * rounds.learnt.count()];
        let count: usize = networks.iter().map(|one| one.members.len()).sum();
        for network in networks {
            for said in self.each_says(network, x, rounds.learnt)? {
                for (sum, said) in sum.iter_mut().zip(said) {
                    *sum += said / count as f32;
                }
            }
        }
        Ok(sum)
    }

    /// Writes the teacher into the run's folder.
    pub(super) fn keep_teacher(&self, teacher: &Teacher<'_>, rounds: &Rounds<'_>) -> Result<()> {
        let began = Instant::now();
        match self.kept(teacher, rounds)?.to_bytes(MOST_BYTES)? {
            Some(bytes) => {
                self.folder.write_teacher(&bytes)?;
                let (size, seconds) = (bytes.len() as f64 / 1e6, began.elapsed().as_secs_f64());
                self.observer
                    .detail(format!("the stack is kept: {size:.1} MB in {seconds:.3} s"));
            }
            None => self.observer.note(format!(
                "the stack of models is not kept for `predict --teacher`: it has more than {} MiB",
                MOST_BYTES >> 20
            )),
        }
        Ok(())
    }

    /// The teacher by itself, without models that have no weight.
    fn kept(&self, teacher: &Teacher<'_>, rounds: &Rounds<'_>) -> Result<Parts> {
        let (used, weights) = teacher.stack.weights().used();
        let models = used.into_iter().map(|place| {
            Ok(match &teacher.models[place] {
                Model::Committee(networks) => KeptModel::Committee(Committee::of(networks)?),
                Model::Processes(processes) => KeptModel::Processes(processes.predictor()),
            })
        });
        let Learnt {
            normalisation,
            components,
            ..
        } = rounds.learnt;
        Ok(Parts {
            models: models.collect::<Result<_>>()?,
            weights,
            normalisation: normalisation.clone(),
            components: components.cloned(),
            relative: self.data.relative().cloned(),
            squares: squares(teacher, rounds),
            error: teacher.error,
            expected: teacher.expected,
        })
    }

    /// Inputs that the lesson has not, and a stack's answers there.
    pub(super) fn compared(&self, teacher: &Teacher<'_>, rounds: &Rounds<'_>) -> Result<Compared> {
        let seed = self.settings.seed.wrapping_add(1);
        let x = fresh_inputs(rounds.learnt, seed, COMPARED);
        let y = pool(self.settings.threads)?.install(|| self.answers(teacher, &x, rounds))?;
        Ok(Compared { x, y })
    }

    /// The mean squared difference of a student from its teacher.
    pub(super) fn departure(
        &self,
        student: &Trained,
        compared: &Compared,
        rounds: &Rounds<'_>,
    ) -> Result<f64> {
        let said = self.says(student, &compared.x, rounds.learnt)?;
        Ok(mean_square(&said, &compared.y))
    }

    /// The number of fresh inputs whose answers take their share of the time that is left.
    pub(super) fn fresh(&self, teacher: &Teacher<'_>, rounds: &Rounds<'_>) -> Result<usize> {
        let Extent::Time(time) = self.settings.extent else {
            return Ok(FRESH);
        };
        let x = fresh_inputs(rounds.learnt, self.settings.seed, TIMED);
        let pool = pool(self.settings.threads)?;
        let began = Instant::now();
        pool.install(|| self.answers(teacher, &x, rounds))?;
        let each = began.elapsed().as_secs_f64() / TIMED as f64;
        let left = time.saturating_sub(self.began.elapsed()).as_secs_f64();
        Ok(((SHARE_OF_ANSWERS * left / each) as usize).clamp(FEWEST, FRESH))
    }

    /// What a stack says at this number of fresh inputs, fewer if there are many outputs.
    pub(super) fn lesson_of(
        &self,
        teacher: &Teacher<'_>,
        rounds: &Rounds<'_>,
        fresh: usize,
    ) -> Result<Lesson> {
        let most = FRESH.min((FRESH_NUMBERS / rounds.learnt.count()).max(1));
        let count = fresh.min(most);
        let x = fresh_inputs(rounds.learnt, self.settings.seed, count);
        let pool = pool(self.settings.threads)?;
        Ok(Lesson {
            y: pool.install(|| self.answers(teacher, &x, rounds))?,
            x,
            selection: Vec::new(),
            error: teacher.expected,
        })
    }
}

/// The means over the judged rows of the squared errors of targets, or with components of the
/// products of the errors of each pair.
fn squares(teacher: &Teacher<'_>, rounds: &Rounds<'_>) -> Vec<f64> {
    let targets = rounds.learnt.count();
    let pairs = teacher.said.iter().zip(&rounds.truth);
    let errors: Vec<f64> = pairs.map(|(a, b)| f64::from(a - b)).collect();
    let share = targets as f64 / errors.len() as f64;
    let mean = |a: usize, b: usize| {
        let rows = errors.chunks_exact(targets);
        share * rows.map(|errors| errors[a] * errors[b]).sum::<f64>()
    };
    match rounds.learnt.components {
        None => (0..targets).map(|k| mean(k, k)).collect(),
        Some(_) => (0..targets * targets)
            .map(|k| mean(k / targets, k % targets))
            .collect(),
    }
}

#[cfg(test)]
mod tests;
