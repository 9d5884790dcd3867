//! The polish at the end of a training on few rows: L-BFGS in double precision on all training
//! rows, starting from the result of the weight steps.
//!
//! Members that share weights form a *cluster*: all members of a search or of a control, but each
//! other fixed network by itself. The polish minimises the mean over a cluster of the mean squared
//! error on the training rows. After each iteration the loss on the selection rows is evaluated,
//! and the weights with the lowest one are kept: the training loss keeps falling long after the
//! selection loss has stopped.
//!
//! The effort is counted in evaluations, which dominate the time: each reads every row once per
//! member. Their number is such that the polish reads a share ([`Choices::polish`](super::Choices))
//! of the rows that the weight steps have read. A cluster takes one evaluation at its start, and
//! one or a few per iteration.

use super::rows::Rows;
use super::settings::{Members, Settings};
use crate::lbfgs::{Lbfgs, Pair, Point, Progress};
use crate::nodes::Pass;
use crate::space::Architecture;
use crate::supernetwork::{Error, SuperNetwork};
use crate::transfer;
use candle_core::{DType, Device, Tensor, Var};
use std::collections::VecDeque;
use std::time::Instant;

/// Number of pairs that the minimiser keeps,
const HISTORY: usize = 50;
/// limited to this memory if there are many weights,
const HISTORY_BYTES: usize = 1 << 30;
/// but never below this number.
const FEWEST: usize = 4;

/// Returns the number of pairs that the minimiser keeps for this number of weights.
pub(super) fn history(weights: usize) -> usize {
    let pair = 2 * size_of::<f64>() * weights.max(1);
    (HISTORY_BYTES / pair).clamp(FEWEST, HISTORY)
}

/// Returns the total number of evaluations of the polish after this number of weight steps, for
/// this number of rows.
pub(super) fn evaluations(settings: &Settings, steps: usize, rows: usize) -> usize {
    let batch = settings.choices.batch.min(rows);
    let read = settings.choices.polish * steps as f64 * batch as f64;
    (read / (rows * settings.members.in_a_cluster()) as f64) as usize
}

/// Returns the members of the cluster with this index.
pub(super) fn cluster<'a>(
    kind: &Members,
    members: &'a [Architecture],
    number: usize,
) -> &'a [Architecture] {
    match kind.in_a_cluster() {
        1 => &members[number..=number],
        _ => members,
    }
}

/// Measures the seconds of an iteration with one evaluation and the full number of pairs.
pub(super) fn rehearse(
    network: &SuperNetwork,
    members: &[Architecture],
    train: &Rows,
    selection: &Rows,
) -> Result<f64, Error> {
    let mut work = Work::new(network, members, train, selection)?;
    work.iterate()?;
    if let Some(pair) = work.minimiser.pairs().back() {
        let history = history(pair.step.len());
        let pairs: VecDeque<Pair> = (0..history).map(|_| pair.clone()).collect();
        work.minimiser = Lbfgs::with_pairs(work.minimiser.point().clone(), history, pairs);
    }
    let began = Instant::now();
    work.minimiser.direction();
    let goal = &work.goal;
    goal.evaluate(&work.minimiser.point().place)?;
    goal.loss(&work.selection)?;
    Ok(began.elapsed().as_secs_f64())
}

/// The progress of the polish.
#[derive(Debug, Default)]
pub(super) struct Polish {
    /// Evaluations taken.
    pub(super) evaluations: usize,
    /// Whether the polish is skipped: the run was interrupted.
    pub(super) is_left_out: bool,
    /// The current cluster.
    pub(super) work: Option<Work>,
}

/// The task of a polish.
pub(super) struct Task<'a> {
    pub(super) network: &'a SuperNetwork,
    pub(super) settings: &'a Settings,
    pub(super) members: &'a [Architecture],
    pub(super) train: &'a Rows,
    pub(super) selection: &'a Rows,
    /// Total number of evaluations.
    pub(super) total: usize,
}

impl Task<'_> {
    /// Returns the index of the cluster whose turn it is after this number of evaluations.
    fn number(&self, evaluations: usize) -> usize {
        match self.settings.members.in_a_cluster() {
            1 => evaluations * self.members.len() / self.total.max(1),
            _ => 0,
        }
    }

    /// Returns the cluster whose turn it is after this number of evaluations, before its first
    /// iteration.
    pub(super) fn work(&self, evaluations: usize) -> Result<Work, Error> {
        let members = cluster(
            &self.settings.members,
            self.members,
            self.number(evaluations),
        );
        Work::new(self.network, members, self.train, self.selection)
    }
}

impl Polish {
    /// Takes an iteration and returns the training loss after it.
    pub(super) fn step(&mut self, task: Task<'_>) -> Result<f64, Error> {
        let number = task.number(self.evaluations);
        let mut work = match self.work.take() {
            Some(work) => work,
            None => {
                let work = task.work(self.evaluations)?;
                self.evaluations += 1;
                work
            }
        };
        self.evaluations += work.iterate()?;
        let loss = work.minimiser.point().value;
        let is_last = self.evaluations >= task.total || task.number(self.evaluations) != number;
        match is_last {
            true => work.write(task.network)?,
            false => self.work = Some(work),
        }
        Ok(loss)
    }

    /// Returns the lowest loss of the current cluster on the selection rows.
    pub(super) fn least(&self) -> Option<f64> {
        self.work.as_ref().map(|work| work.least)
    }

    /// Writes the best weights of the current cluster to the network.
    pub(super) fn write(&self, network: &SuperNetwork) -> Result<(), Error> {
        self.work
            .as_ref()
            .map_or(Ok(()), |work| work.write(network))
    }
}

/// A cluster under polish.
#[derive(Debug)]
pub(super) struct Work {
    goal: Goal,
    selection: Rows,
    pub(super) minimiser: Lbfgs,
    /// The weights with the lowest loss on the selection rows, and that loss.
    pub(super) best: Vec<f64>,
    pub(super) least: f64,
    /// Whether the minimiser has converged.
    pub(super) is_stuck: bool,
}

impl Work {
    fn new(
        network: &SuperNetwork,
        members: &[Architecture],
        train: &Rows,
        selection: &Rows,
    ) -> Result<Self, Error> {
        let double = network.in_double_precision()?;
        let goal = Goal {
            variables: double.variables_of(members),
            network: double,
            members: members.to_vec(),
            train: train.in_double_precision()?,
        };
        let selection = selection.in_double_precision()?;
        let place = goal.place()?;
        let (value, gradient) = goal.evaluate(&place)?;
        let point = Point {
            place: place.clone(),
            value,
            gradient,
        };
        Ok(Self {
            minimiser: Lbfgs::new(point, history(place.len())),
            least: goal.loss(&selection)?,
            goal,
            selection,
            best: place,
            is_stuck: false,
        })
    }

    /// Takes an iteration and returns its number of evaluations; returns one if the minimiser has
    /// converged.
    fn iterate(&mut self) -> Result<usize, Error> {
        if self.is_stuck {
            return Ok(1);
        }
        let (goal, mut evaluations) = (&self.goal, 0);
        let progress = self.minimiser.iterate(|place| {
            evaluations += 1;
            goal.evaluate(place)
        })?;
        self.is_stuck = progress == Progress::Stuck;
        let place = &self.minimiser.point().place;
        self.goal.set(place)?;
        let loss = self.goal.loss(&self.selection)?;
        if loss < self.least {
            self.least = loss;
            self.best.clone_from(place);
        }
        Ok(evaluations.max(1))
    }

    /// Writes the best weights to the network, in the network's precision.
    fn write(&self, network: &SuperNetwork) -> Result<(), Error> {
        let mut rest = self.best.as_slice();
        for variable in network.variables_of(&self.goal.members) {
            let (values, after) = rest.split_at(variable.elem_count());
            rest = after;
            let values = Tensor::from_slice(values, variable.shape(), &Device::Cpu)?;
            variable.set(&transfer::sent(
                &values.to_dtype(DType::F32)?,
                variable.device(),
            )?)?;
        }
        Ok(())
    }
}

/// The objective function.
#[derive(Debug)]
struct Goal {
    /// The network in double precision.
    network: SuperNetwork,
    /// The variables of the network that the members use.
    variables: Vec<Var>,
    members: Vec<Architecture>,
    train: Rows,
}

impl Goal {
    /// Returns the values of the variables, one after the other.
    fn place(&self) -> Result<Vec<f64>, Error> {
        let mut place = Vec::new();
        for variable in &self.variables {
            place.extend(transfer::numbers::<f64>(variable)?);
        }
        Ok(place)
    }

    fn set(&self, place: &[f64]) -> Result<(), Error> {
        let mut rest = place;
        for variable in &self.variables {
            let (values, after) = rest.split_at(variable.elem_count());
            rest = after;
            variable.set(&Tensor::from_slice(values, variable.shape(), &Device::Cpu)?)?;
        }
        Ok(())
    }

    fn evaluate(&self, place: &[f64]) -> Result<(f64, Vec<f64>), Error> {
        self.set(place)?;
        let share = 1.0 / self.members.len() as f64;
        let (mut value, mut gradient) = (0.0, vec![0.0; place.len()]);
        let (x, y) = (&self.train.x, &self.train.y);
        for member in &self.members {
            let loss = self.network.loss(x, y, member, Pass::ForwardAndBackward)?;
            value += share * transfer::number::<f64>(&loss)?;
            let found = self.network.gradients(&loss)?;
            let mut rest = gradient.as_mut_slice();
            for variable in &self.variables {
                let (sums, after) = rest.split_at_mut(variable.elem_count());
                rest = after;
                if let Some(found) = found.get(variable) {
                    let found = transfer::numbers::<f64>(found)?;
                    for (sum, found) in sums.iter_mut().zip(found) {
                        *sum += share * found;
                    }
                }
            }
        }
        Ok((value, gradient))
    }

    /// Returns the mean loss of the members with the current weights.
    fn loss(&self, rows: &Rows) -> Result<f64, Error> {
        let mut sum = 0.0;
        for member in &self.members {
            let loss = self.network.loss(&rows.x, &rows.y, member, Pass::Forward)?;
            sum += transfer::number::<f64>(&loss)?;
        }
        Ok(sum / self.members.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Shape;
    use crate::space::presets::{MicroSizes, micro};
    use crate::streams::stream;
    use rand::Rng;

    #[test]
    fn evaluations_are_counted_to_the_total_and_at_most_a_line_search_beyond() {
        let space = micro(2, Shape::Vector(3), MicroSizes::default()).unwrap();
        let network = SuperNetwork::new(&space, 1, DType::F32, &Device::Cpu).unwrap();
        let mut random = stream(1, "rows");
        let mut draw = |count: usize| -> Vec<f32> {
            (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
        };
        let rows = Rows::new(draw(2 * 30), 2, draw(3 * 30), 3, &Device::Cpu).unwrap();
        let members = [Architecture::new(vec![0; space.groups().len()])];
        let settings = Settings {
            steps: None,
            members: Members::Given(members.to_vec()),
            seed: 1,
            choices: crate::training::Choices::default(),
        };
        let (mut polish, total) = (Polish::default(), 200);
        let (mut steps, mut most) = (0, 0);
        while polish.evaluations < total {
            let before = polish.evaluations;
            polish
                .step(Task {
                    network: &network,
                    settings: &settings,
                    members: &members,
                    train: &rows,
                    selection: &rows,
                    total,
                })
                .unwrap();
            steps += 1;
            most = most.max(polish.evaluations - before);
        }
        assert!(polish.work.is_none(), "its weights are written");
        assert!(steps < total && polish.evaluations < total + most);
        assert!(most > 1, "no line search took more than one");
    }

    #[test]
    fn the_gradient_of_all_members_is_that_of_finite_differences() {
        let output = Shape::Sequence {
            length: 6,
            channels: 2,
        };
        let space = micro(3, output, MicroSizes::default()).unwrap();
        let network = SuperNetwork::new(&space, 5, DType::F32, &Device::Cpu).unwrap();
        let mut random = stream(5, "rows");
        let mut draw = |count: usize| -> Vec<f32> {
            (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
        };
        let rows = Rows::new(draw(3 * 20), 3, draw(12 * 20), 12, &Device::Cpu).unwrap();
        let members = [vec![0, 1, 2, 0, 1, 1, 1], vec![0, 1, 2, 0, 0, 2, 2]].map(Architecture::new);
        let work = Work::new(&network, &members, &rows, &rows).unwrap();
        let Point {
            place, gradient, ..
        } = work.minimiser.point().clone();
        for k in (0..place.len()).step_by(97) {
            let moved = |by: f64| {
                let mut place = place.clone();
                place[k] += by;
                work.goal.evaluate(&place).unwrap().0
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            // Tolerance: rounding of the loss over the step, plus the curvature.
            assert!(
                (gradient[k] - difference).abs() < 1e-8,
                "{k}: {} {difference}",
                gradient[k]
            );
        }
    }
}
