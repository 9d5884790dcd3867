//! What races: kinds of networks with their errors, and the rows that judge them.

use super::folds::Folds;
use crate::components::Learnt;
use crate::contenders::Contender;
use crate::fixed::Kind;
use crate::training::{Choices, Trained};

/// More steps go on to be taken if they have lowered the error below this share.
const GAIN: f64 = 0.97;
/// The steepest fall of the error with steps that is expected to go on: by this power of them.
const STEEPEST: f64 = 0.5;

/// A kind of network in the race.
pub(super) struct Entrant {
    pub(super) contender: Contender,
    /// Seconds of a step, where there is a clock.
    pub(super) cost: f64,
    pub(super) judged: Vec<Judgement>,
}

/// The networks of a round, and their errors on rows that they have not seen.
pub(super) struct Judgement {
    pub(super) steps: usize,
    pub(super) error: f64,
    /// The answers there, in the order of [`Rounds::judged`].
    pub(super) said: Vec<f32>,
    /// The network of each fold.
    pub(super) networks: Vec<Trained>,
}

impl Entrant {
    pub(super) fn name(&self) -> String {
        self.contender.name()
    }

    /// The choices of its training.
    pub(super) fn choices(&self, usual: Choices) -> Choices {
        let kind = Kind::named(self.contender.space.name());
        Choices {
            decay: kind.and_then(Kind::decay).unwrap_or(usual.decay),
            ..usual
        }
    }

    /// The judgement with the smallest error.
    pub(super) fn best(&self) -> Option<&Judgement> {
        let judged = self.judged.iter();
        judged.min_by(|a, b| a.error.total_cmp(&b.error))
    }

    pub(super) fn error(&self) -> f64 {
        self.best().map_or(f64::INFINITY, |best| best.error)
    }

    /// Whether the last round's steps have paid.
    pub(super) fn gains(&self) -> bool {
        match &self.judged[..] {
            [.., before, last] => last.error < GAIN * before.error,
            _ => true,
        }
    }

    /// The error that is expected after this number of steps: beyond those of the last round it
    /// falls on as between the last two.
    pub(super) fn expected(&self, steps: usize) -> f64 {
        match &self.judged[..] {
            [.., before, last] if self.gains() => {
                let fall = (before.error / last.error).ln();
                let slope = fall / (last.steps as f64 / before.steps as f64).ln();
                let more = (steps as f64 / last.steps as f64).max(1.0);
                last.error * more.powf(-slope.clamp(0.0, STEEPEST))
            }
            _ => self.error(),
        }
    }
}

/// The rows of the rounds.
pub(super) struct Rounds<'a> {
    pub(super) learnt: Learnt<'a>,
    pub(super) choices: Choices,
    pub(super) folds: Folds,
    /// The places in the list of training rows that are judged, fold by fold.
    pub(super) judged: Vec<usize>,
    pub(super) truth: Vec<f32>,
}
