//! Training: the two alternating updates of DENSE, and then the chosen members together.
//!
//! 1. *Warm-up*: each step samples an architecture with uniform probabilities and takes a gradient step on its weights.
//! 2. *Search*: every tenth step is followed by an update of the network variables: several architectures are ranked by
//!    their loss on rows kept for that.
//! 3. *Training* and *fine-tuning*: the most probable architecture and others that differ from it in the last groups, each
//!    in turn; first at a constant rate, then with smaller and smaller steps.
//! 4. *Polish*: L-BFGS on all rows, where these are few.
//!
//! *Random search*, beside which a search is judged, keeps the variables uniform: as often as a search updates its own, as
//! many architectures are ranked, the best so far among them, and the best goes on.
//!
//! `schedule` says how long each lasts, and `history` keeps how it went. A trainer is a state and a step: what it does next depends on its state alone,
//! which [`Checkpoint`] holds whole, so that a resumed run takes the same steps to the same bytes.

mod checkpoint;
mod choices;
mod history;
mod members;
mod polish;
mod ranking;
mod rows;
mod schedule;
mod settings;
#[cfg(test)]
mod tests;

pub use checkpoint::Checkpoint;
pub use choices::Choices;
pub use history::{History, Record};
pub use members::MACS;
pub use rows::Rows;
pub use schedule::Phase;
pub use settings::{Members, Settings};

use crate::budget::Room;
use crate::components::Components;
use crate::nodes::Pass;
use crate::optimiser::AdamW;
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
use settings::{RANKING_ROWS, UPDATE_EVERY};
use std::time::{Duration, Instant};

/// A training under way.
#[derive(Debug)]
pub struct Trainer {
    settings: Settings,
    train: Rows,
    selection: Rows,
    network: SuperNetwork,
    optimiser: AdamW,
    variables: NetworkVariables,
    members: Vec<Architecture>,
    schedule: Schedule,
    step: usize,
    batches: Batches,
    ranking: Batches,
    sampled: ChaCha8Rng,
    room: Option<Room>,
    polish: Polish,
    history: History,
}

/// What a step did.
#[derive(Debug)]
pub struct Step {
    /// The loss on the batch, before the step: one number on the training's device.
    pub loss: Tensor,
    /// Multiply-accumulates of the architecture, for one sample.
    pub macs: u64,
    /// How long the update of the network variables took that came with it.
    pub ranking: Option<Duration>,
    /// What it belonged to.
    pub phase: Phase,
}

/// What a training found.
#[derive(Debug)]
pub struct Trained {
    /// The shared weights.
    pub network: SuperNetwork,
    /// The network variables.
    pub variables: NetworkVariables,
    /// The chosen architectures; where they were searched, the first is the most probable one.
    pub members: Vec<Architecture>,
    /// How it went.
    pub history: History,
}

impl Trainer {
    /// Returns a training on `train` that chooses by `selection`, before its first step, on the rows' device.
    ///
    /// # Errors
    /// The rows do not fit the space.
    pub fn new(
        space: &Space,
        train: Rows,
        selection: Rows,
        settings: Settings,
    ) -> Result<Self, Error> {
        let network = SuperNetwork::new(space, settings.seed, DType::F32, train.x.device())?;
        Self::of(network, train, selection, settings)
    }

    /// Returns a training that leads to components of the outputs, which the rows have instead; the space's last group leads
    /// on from there.
    ///
    /// # Errors
    /// The rows or the components do not fit the space.
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
            optimiser: AdamW::new(network.variables(), settings.choices.decay)?,
            variables: NetworkVariables::uniform(space),
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

    /// Has only architectures sampled, ranked and chosen for which a budget leaves room.
    #[must_use]
    pub fn within(self, room: Room) -> Self {
        Self {
            room: Some(room),
            ..self
        }
    }

    /// Returns the network in its present state.
    #[must_use]
    pub fn network(&self) -> &SuperNetwork {
        &self.network
    }

    /// Returns how many weight steps were taken.
    #[must_use]
    pub fn steps_taken(&self) -> usize {
        self.step
    }

    /// Returns how many weight steps there are in all, once that is known.
    #[must_use]
    pub fn total(&self) -> Option<usize> {
        self.schedule.total()
    }

    /// Returns what the next step belongs to.
    #[must_use]
    pub fn phase(&self) -> Phase {
        match (self.schedule.phase(self.step), &self.settings.members) {
            _ if self.steps_are_taken() => Phase::Polish,
            (Phase::WarmUp | Phase::Search, Members::Given(_)) => Phase::Training,
            (phase, _) => phase,
        }
    }

    /// Whether every step and every evaluation of the polish was taken.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.steps_are_taken() && self.polish.evaluations >= self.polish_evaluations()
    }

    fn steps_are_taken(&self) -> bool {
        self.total().is_some_and(|total| self.step >= total)
    }

    /// Returns how many evaluations of the polish follow the last step, or would if the search ended now.
    #[must_use]
    pub fn polish_evaluations(&self) -> usize {
        let total = self.total();
        let total = total.unwrap_or_else(|| self.step + self.schedule.steps_after(self.step));
        match self.polish.is_left_out {
            true => 0,
            false => polish::evaluations(&self.settings, total, self.train.count()),
        }
    }

    /// Returns the seconds that an evaluation of the polish takes, with what goes with it, by trying one; the training stays as it is.
    ///
    /// # Errors
    /// The device fails.
    pub fn rehearse_polish(&self) -> Result<f64, Error> {
        let members = self.present_members();
        let cluster = polish::cluster(&self.settings.members, &members, 0);
        polish::rehearse(&self.network, cluster, &self.train, &self.selection)
    }

    fn present_members(&self) -> Vec<Architecture> {
        match self.members.is_empty() {
            true => self.chosen_members(),
            false => self.members.clone(),
        }
    }

    /// Returns how many steps would follow if the search ended now, and the mean multiply-accumulates of its members.
    #[must_use]
    pub fn outlook(&self) -> (usize, f64) {
        let members = self.present_members();
        let macs = members
            .iter()
            .map(|member| self.macs(member) as f64)
            .sum::<f64>();
        (
            self.schedule.steps_after(self.step),
            macs / members.len() as f64,
        )
    }

    /// Ends the search here, where the total was open: it is then what `--steps` repeats.
    pub fn end_search(&mut self) {
        self.schedule.end_search(self.step);
    }

    /// Leaves `steps` more steps of fine-tuning and no polish, whatever was planned: for a run that is interrupted.
    ///
    /// # Errors
    /// The device fails.
    pub fn wind_down(&mut self, steps: usize) -> Result<(), Error> {
        self.polish.is_left_out = true;
        if self.steps_are_taken() {
            return self.polish.write(&self.network);
        }
        self.schedule.wind_down(self.step, steps);
        Ok(())
    }

    /// Takes the next step, or the next iteration of the polish.
    ///
    /// # Errors
    /// The device fails.
    pub fn step(&mut self) -> Result<Step, Error> {
        let phase = self.phase();
        if phase == Phase::Polish {
            return self.polish_step();
        }
        if matches!(phase, Phase::Training | Phase::FineTuning) && self.members.is_empty() {
            self.members = self.chosen_members();
        }
        let architecture = match self.members.is_empty() {
            true => self.sample(),
            false => self.members[self.step % self.members.len()].clone(),
        };
        let rows = self
            .train
            .chosen(&self.batches.next(self.settings.choices.batch))?;
        let rate = self.schedule.rate(self.step);
        let loss = weight_step(
            &self.network,
            &mut self.optimiser,
            &rows,
            &architecture,
            rate,
        )?;
        let ranking = match phase == Phase::Search && self.step.is_multiple_of(UPDATE_EVERY) {
            true => {
                // A device may be behind: what it has still to do is the weight step's.
                transfer::number::<f32>(&loss)?;
                let began = Instant::now();
                self.rank()?;
                Some(began.elapsed())
            }
            false => None,
        };
        self.step += 1;
        Ok(Step {
            loss,
            macs: self.macs(&architecture),
            ranking,
            phase,
        })
    }

    /// Takes an iteration of the polish: each cluster of members that share weights has an equal part of its evaluations.
    fn polish_step(&mut self) -> Result<Step, Error> {
        if self.members.is_empty() {
            self.members = self.chosen_members();
        }
        let total = self.polish_evaluations();
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

    /// Whether the step that was just taken is one of those that [`Trainer::record`] keeps.
    #[must_use]
    pub fn wants_record(&self, step: &Step) -> bool {
        self.history.wants(self.number_of_last(), step.phase)
    }

    /// Records the step that was just taken, so many seconds after the run began.
    ///
    /// # Errors
    /// The device fails.
    pub fn record(&mut self, step: &Step, seconds: f64) -> Result<(), Error> {
        let validation = match self.polish.least() {
            Some(least) => least,
            None => {
                let count = RANKING_ROWS.min(self.selection.count());
                let rows = self.selection.chosen(&(0..count).collect::<Vec<_>>())?;
                let first = &self.present_members()[0];
                let loss = self.network.loss(&rows.x, &rows.y, first, Pass::Forward)?;
                f64::from(transfer::number::<f32>(&loss)?)
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

    /// The number of the step, or of the polish's evaluation after all steps, that was taken last.
    fn number_of_last(&self) -> usize {
        (self.step + self.polish.evaluations).saturating_sub(1)
    }

    /// Returns what was found; where the search has not ended, by what is most probable now.
    #[must_use]
    pub fn finish(self) -> Trained {
        let members = self.present_members();
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

/// Takes one gradient step of size `rate` on an architecture's weights; returns the loss before it.
///
/// # Errors
/// The rows do not fit the network.
pub fn weight_step(
    network: &SuperNetwork,
    optimiser: &mut AdamW,
    rows: &Rows,
    architecture: &Architecture,
    rate: f64,
) -> Result<Tensor, Error> {
    let loss = network.loss(&rows.x, &rows.y, architecture, Pass::ForwardAndBackward)?;
    optimiser.step(&network.gradients(&loss)?, rate)?;
    Ok(loss.detach())
}

/// Has every low-rank head start from the principal components of the training outputs.
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
