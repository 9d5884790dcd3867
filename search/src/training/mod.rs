//! Training: the two alternating updates of DENSE, then the joint training of the chosen members.
//!
//! 1. *Warm-up*: each step samples an architecture with uniform probabilities and takes a gradient
//!    step on its weights.
//! 2. *Search*: every tenth step is followed by an update of the network variables, which ranks
//!    several architectures by their loss on rows reserved for this.
//! 3. *Training* and *fine-tuning*: the members, that is the most probable architecture and others
//!    that differ from it in the last groups, take turns. Given members that share nothing take each
//!    step all. The rate is constant first and then falls.
//! 4. *Polish*: L-BFGS on all rows, if there are few.
//!
//! *Random search*, the baseline of a search, keeps the network variables uniform. As often as a
//! search updates them, it ranks the same number of architectures, including the best so far, and
//! keeps the best.
//!
//! `schedule` determines the length of each phase, and `history` records the progress. A trainer is
//! deterministic: each step depends only on its state, and [`Checkpoint`] holds the whole state. A
//! resumed run therefore takes the same steps, to the same bytes.

mod checkpoint;
mod choices;
mod history;
mod members;
mod polish;
mod ranking;
mod rows;
mod schedule;
mod settings;
mod step;
mod stepper;
#[cfg(test)]
mod tests;

pub use checkpoint::Checkpoint;
pub use choices::{Choices, Optimiser};
pub use history::{History, Record};
pub use members::MACS;
pub use rows::Rows;
pub use schedule::Phase;
pub use settings::{Members, Settings};
pub use step::weight_step;

use crate::budget::Room;
use crate::components::Components;
use crate::engine::Divided;
use crate::space::{Architecture, Space};
use crate::streams::stream;
use crate::supernetwork::{Error, SuperNetwork};
use crate::transfer;
use crate::variables::NetworkVariables;
use candle_core::{DType, Device, Tensor};
use polish::Polish;
use rand_chacha::ChaCha8Rng;
use rows::Batches;
use schedule::Schedule;
use settings::{RANKING_ROWS, UPDATE_EVERY, are_apart};
use std::time::{Duration, Instant};
use stepper::Stepper;

/// A training in progress.
#[derive(Debug)]
pub struct Trainer {
    settings: Settings,
    train: Rows,
    selection: Rows,
    network: SuperNetwork,
    stepper: Stepper,
    variables: NetworkVariables,
    members: Vec<Architecture>,
    /// Whether the members share nothing and take each step all.
    are_apart: bool,
    schedule: Schedule,
    step: usize,
    batches: Batches,
    ranking: Batches,
    sampled: ChaCha8Rng,
    room: Option<Room>,
    polish: Polish,
    history: History,
}

/// The result of a step.
#[derive(Debug)]
pub struct Step {
    /// The loss on the batch before the step: a scalar on the training's device.
    pub loss: Tensor,
    /// Multiply-accumulates of the architectures that took it, for one sample.
    pub macs: u64,
    /// Duration of the update of the network variables after this step, if there was one.
    pub ranking: Option<Duration>,
    /// The phase of the step.
    pub phase: Phase,
}

/// The result of a training.
#[derive(Debug)]
pub struct Trained {
    /// The shared weights.
    pub network: SuperNetwork,
    /// The network variables.
    pub variables: NetworkVariables,
    /// The members; in a search, the most probable architecture comes first.
    pub members: Vec<Architecture>,
    /// The history of the training.
    pub history: History,
}

impl Trainer {
    /// Returns a training on `train`, before its first step, on the device of the rows; `selection`
    /// is used for choices.
    ///
    /// # Errors
    /// If the rows do not fit the space.
    pub fn new(
        space: &Space,
        train: Rows,
        selection: Rows,
        settings: Settings,
    ) -> Result<Self, Error> {
        let network = SuperNetwork::new(space, settings.seed, DType::F32, train.x.device())?;
        Self::of(network, train, selection, settings)
    }

    /// Returns a training whose targets are components of the outputs; the last group of the space
    /// maps components to outputs.
    ///
    /// # Errors
    /// If the rows or the components do not fit the space.
    pub fn onto(
        space: &Space,
        components: &Components,
        train: Rows,
        selection: Rows,
        settings: Settings,
    ) -> Result<Self, Error> {
        let weights = components.weights(space.output());
        let device = train.x.device();
        let network = SuperNetwork::onto(space, weights, settings.seed, DType::F32, device)?;
        Self::of(network, train, selection, settings)
    }

    fn of(
        network: SuperNetwork,
        train: Rows,
        selection: Rows,
        settings: Settings,
    ) -> Result<Self, Error> {
        start_heads(&network, &train)?;
        let space = network.space();
        let members = match &settings.members {
            Members::Searched(_) | Members::Random(_) => Vec::new(),
            Members::Given(members) => members.clone(),
        };
        Ok(Self {
            stepper: Stepper::new(&network, settings.choices, &train, &selection)?,
            variables: NetworkVariables::uniform(space),
            are_apart: are_apart(&members, network.trained_groups()),
            members,
            schedule: Schedule::new(space, settings.choices, settings.steps),
            network,
            step: 0,
            batches: Batches::new(train.count(), stream(settings.seed, "batches")),
            ranking: Batches::new(selection.count(), stream(settings.seed, "ranking rows")),
            sampled: stream(settings.seed, "architectures"),
            room: None,
            polish: Polish::default(),
            history: History::default(),
            settings,
            train,
            selection,
        })
    }

    /// Restricts sampling, ranking and choosing to architectures within a budget.
    #[must_use]
    pub fn within(self, room: Room) -> Self {
        Self {
            room: Some(room),
            ..self
        }
    }

    /// Starts from the weights of others of the same space instead of random ones: each given member
    /// from those of the first member of another training, over and over where there are fewer.
    ///
    /// # Errors
    /// If the spaces differ.
    pub fn start_from(&self, others: &[Trained]) -> Result<(), Error> {
        let own = self.network();
        for (member, other) in self.members.iter().zip(others.iter().cycle()) {
            let choices = member.choices().iter().zip(other.members[0].choices());
            for (group, (&to, &from)) in choices.enumerate().take(own.trained_groups()) {
                let from = other.network.parameters(group, from).iter();
                for (own, from) in own.parameters(group, to).iter().zip(from) {
                    own.var.set(&from.var.as_tensor().copy()?)?;
                }
            }
        }
        Ok(())
    }

    /// Divides each step between two lanes, which up to two of `threads` threads take side by side
    /// where the engine has the network: batches, or members that share nothing. The bits of the
    /// training do not depend on the number of threads; those of divided batches differ from those of
    /// an undivided training. A checkpoint is continued by a training that is divided as well, or is
    /// not either.
    ///
    /// # Errors
    /// If the system has no other thread.
    pub fn divided(mut self, threads: usize) -> std::io::Result<Self> {
        let what = match self.are_apart {
            true => Divided::Members,
            false => Divided::Batches,
        };
        self.stepper.divide(threads, what)?;
        Ok(self)
    }

    /// Returns the network in its current state. Later steps start from the weights that it then
    /// has.
    #[must_use]
    pub fn network(&self) -> &SuperNetwork {
        self.settle();
        &self.network
    }

    /// Brings the weights to the network.
    fn settle(&self) {
        let settled = self.stepper.settle(&self.network);
        settled.expect("weights of the network's own shapes are written on the CPU");
    }

    /// Returns the number of weight steps taken.
    #[must_use]
    pub fn steps_taken(&self) -> usize {
        self.step
    }

    /// Returns the total number of weight steps, if it is known already.
    #[must_use]
    pub fn total(&self) -> Option<usize> {
        self.schedule.total()
    }

    /// Returns the phase of the next step.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match (self.schedule.phase(self.step), &self.settings.members) {
            _ if self.steps_are_taken() => Phase::Polish,
            (Phase::WarmUp | Phase::Search, Members::Given(_)) => Phase::Training,
            (phase, _) => phase,
        }
    }

    /// Whether all steps and all evaluations of the polish are done.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.steps_are_taken() && self.polish.evaluations >= self.polish_evaluations()
    }

    fn steps_are_taken(&self) -> bool {
        self.total().is_some_and(|total| self.step >= total)
    }

    /// Returns the number of evaluations of the polish after the last step, or if the search ended
    /// now.
    #[must_use]
    pub fn polish_evaluations(&self) -> usize {
        let total = self.total();
        let total = total.unwrap_or_else(|| self.step + self.schedule.steps_after(self.step));
        match self.polish.is_left_out {
            true => 0,
            false => polish::evaluations(&self.settings, total, self.train.count()),
        }
    }

    /// Measures the seconds that one evaluation of the polish takes, including its overhead; the
    /// training is unchanged.
    ///
    /// # Errors
    /// If the device fails.
    pub fn rehearse_polish(&self) -> Result<f64, Error> {
        let members = self.present_members();
        let cluster = polish::cluster(&self.settings.members, &members, 0);
        polish::rehearse(self.network(), cluster, &self.train, &self.selection)
    }

    fn present_members(&self) -> Vec<Architecture> {
        match self.members.is_empty() {
            true => self.chosen_members(),
            false => self.members.clone(),
        }
    }

    /// Returns the number of steps that would follow if the search ended now, and the mean
    /// multiply-accumulates of one.
    #[must_use]
    pub fn outlook(&self) -> (usize, f64) {
        let members = self.present_members();
        let macs: u64 = members.iter().map(|member| self.macs(member)).sum();
        let in_turn = match self.are_apart {
            true => 1,
            false => members.len(),
        };
        let steps = self.schedule.steps_after(self.step);
        (steps, macs as f64 / in_turn as f64)
    }

    /// Ends the search here if the total number of steps is open; `--steps` with the resulting
    /// total repeats the run.
    pub fn end_search(&mut self) {
        self.schedule.end_search(self.step);
    }

    /// Replaces the remaining plan by `steps` more steps of fine-tuning without a polish: for a run
    /// that is interrupted.
    ///
    /// # Errors
    /// If the device fails.
    pub fn wind_down(&mut self, steps: usize) -> Result<(), Error> {
        self.polish.is_left_out = true;
        if self.steps_are_taken() {
            return self.polish.write(self.network());
        }
        self.schedule.wind_down(self.step, steps);
        Ok(())
    }

    /// Takes the next step, or the next iteration of the polish.
    ///
    /// # Errors
    /// If the device fails.
    pub fn step(&mut self) -> Result<Step, Error> {
        let phase = self.phase();
        if phase == Phase::Polish {
            return self.polish_step();
        }
        if matches!(phase, Phase::Training | Phase::FineTuning) && self.members.is_empty() {
            self.members = self.chosen_members();
        }
        let taking = match (self.members.is_empty(), self.are_apart) {
            (true, _) => vec![self.sample()],
            (false, true) => self.members.clone(),
            (false, false) => vec![self.members[self.step % self.members.len()].clone()],
        };
        let rows = self.batches.next(self.settings.choices.batch);
        let rate = self.schedule.rate(self.step);
        let loss = self
            .stepper
            .steps(&self.network, &self.train, &rows, &taking, rate)?;
        let ranking = match phase == Phase::Search && self.step.is_multiple_of(UPDATE_EVERY) {
            true => {
                if !self.stepper.is_immediate() {
                    // Wait for the device: its pending work belongs to the weight step.
                    transfer::number::<f32>(&loss)?;
                }
                let began = Instant::now();
                self.rank()?;
                Some(began.elapsed())
            }
            false => None,
        };
        self.step += 1;
        Ok(Step {
            loss,
            macs: taking.iter().map(|one| self.macs(one)).sum(),
            ranking,
            phase,
        })
    }

    /// Takes an iteration of the polish; each cluster of members that share weights has an equal
    /// part of the evaluations.
    fn polish_step(&mut self) -> Result<Step, Error> {
        if self.members.is_empty() {
            self.members = self.chosen_members();
        }
        let total = self.polish_evaluations();
        self.settle();
        let loss = self.polish.step(polish::Task {
            network: &self.network,
            settings: &self.settings,
            members: &self.members,
            train: &self.train,
            selection: &self.selection,
            total,
        })?;
        Ok(Step {
            loss: Tensor::new(loss as f32, &Device::Cpu)?,
            macs: self.macs(&self.members[0]),
            ranking: None,
            phase: Phase::Polish,
        })
    }

    /// Whether [`Trainer::record`] keeps the step that was just taken.
    #[must_use]
    pub fn wants_record(&self, step: &Step) -> bool {
        self.history.wants(self.number_of_last(), step.phase)
    }

    /// Records the step that was just taken, `seconds` after the start of the run.
    ///
    /// # Errors
    /// If the device fails.
    pub fn record(&mut self, step: &Step, seconds: f64) -> Result<(), Error> {
        let validation = match self.polish.least() {
            Some(least) => least,
            None => {
                let count = RANKING_ROWS.min(self.selection.count());
                let (rows, members) = ((0..count).collect::<Vec<_>>(), self.present_members());
                let (network, selection) = (&self.network, &self.selection);
                let losses = self
                    .stepper
                    .losses(network, selection, &rows, &members[..1])?;
                f64::from(losses[0])
            }
        };
        let finite = |loss: f64| Some(loss).filter(|loss| loss.is_finite());
        let searched = match self.settings.members {
            Members::Given(_) => None,
            _ => Some(&self.variables),
        };
        self.history.add(Record {
            step: self.number_of_last(),
            seconds,
            phase: step.phase,
            training_loss: finite(f64::from(transfer::number::<f32>(&step.loss)?)),
            validation_loss: finite(validation),
            entropy: searched.map_or_else(Vec::new, NetworkVariables::entropies),
            probabilities: searched.map_or_else(Vec::new, NetworkVariables::probabilities),
        });
        Ok(())
    }

    /// Returns the index of the last step or, after all steps, of the last evaluation of the
    /// polish.
    fn number_of_last(&self) -> usize {
        (self.step + self.polish.evaluations).saturating_sub(1)
    }

    /// Returns the result; if the search has not ended, its members are chosen by the current
    /// probabilities.
    #[must_use]
    pub fn finish(self) -> Trained {
        let members = self.present_members();
        self.settle();
        Trained {
            network: self.network,
            variables: self.variables,
            members,
            history: self.history,
        }
    }

    fn macs(&self, architecture: &Architecture) -> u64 {
        self.network
            .space()
            .architecture_macs(architecture)
            .expect("architectures are drawn from this space")
    }
}

/// Initialises every low-rank head with the principal components of the training outputs.
fn start_heads(network: &SuperNetwork, train: &Rows) -> Result<(), Error> {
    let heads = network.low_rank_heads();
    let Some(most) = heads.iter().map(|head| head.dims()[0]).max() else {
        return Ok(());
    };
    let outputs = train.y.dims()[1];
    let y = transfer::numbers::<f32>(&train.y)?;
    let basis = Tensor::from_vec(
        crate::principal::components(&y, outputs, most),
        (most, outputs),
        &Device::Cpu,
    )?;
    for head in heads {
        let start = basis.narrow(0, 0, head.dims()[0])?;
        head.set(&transfer::sent(&start, head.device())?.contiguous()?)?;
    }
    Ok(())
}
