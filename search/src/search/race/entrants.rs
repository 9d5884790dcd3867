//! What races: kinds of networks with their errors, and the rows that judge them.

use super::folds::Folds;
use crate::components::Learnt;
use crate::contenders::Contender;
use crate::kind::Kind;
use crate::kind::prior::Expected;
use crate::space::Architecture;
use crate::training::{Choices, Members, Trained};

/// More steps go on to be taken if they have lowered the error below this share.
const GAIN: f64 = 0.97;
/// The steepest fall of the error with steps that is expected to go on: by this power of them at
/// first,
const STEEPEST: f64 = 0.6;
/// and by half that power after this many times as many.
const HALF_AS_STEEP: f64 = 16.0;

/// The share of a network's squared error that is due to its first weights, where no round has shown
/// it: the mean of n networks loses (1 - 1 / n) of it.
const OF_CHANCE: f64 = 0.4;
/// The largest share that a round can show.
const MOST_OF_CHANCE: f64 = 0.9;

/// A kind of network in the race.
pub(super) struct Entrant {
    pub(super) contender: Contender,
    /// Seconds of a step of one member, where there is a clock.
    pub(super) cost: f64,
    pub(super) judged: Vec<Judgement>,
    /// What the first round and other data sets let expect of its kind.
    pub(super) outlook: Option<Expected>,
}

/// The networks of a round, and their errors on rows that they have not seen.
pub(super) struct Judgement {
    pub(super) steps: usize,
    /// The mean squared error of the mean of the members,
    pub(super) error: f64,
    /// and of the first member.
    pub(super) of_first: f64,
    /// The answers of the mean, in the order of [`Rounds::judged`],
    pub(super) said: Vec<f32>,
    /// and those of each member.
    pub(super) each: Vec<Vec<f32>>,
    /// The networks of each fold: one member in the first round, then all.
    pub(super) networks: Vec<Trained>,
}

impl Judgement {
    /// The share of a network's squared error that is due to its first weights.
    fn of_chance(&self) -> f64 {
        match self.each.len() {
            1 => OF_CHANCE,
            members => {
                let lost = (self.of_first - self.error) / self.of_first.max(f64::MIN_POSITIVE);
                (lost / (1.0 - 1.0 / members as f64)).clamp(0.0, MOST_OF_CHANCE)
            }
        }
    }
}

impl Entrant {
    pub(super) fn new(contender: Contender) -> Self {
        Self {
            contender,
            cost: 0.0,
            judged: Vec::new(),
            outlook: None,
        }
    }

    pub(super) fn name(&self) -> String {
        self.contender.name()
    }

    pub(super) fn kind(&self) -> Option<Kind> {
        Kind::named(self.contender.space.name())
    }

    /// The choices of its training.
    pub(super) fn choices(&self, usual: Choices) -> Choices {
        Choices {
            decay: self.kind().and_then(Kind::decay).unwrap_or(usual.decay),
            ..usual
        }
    }

    /// The multiply-accumulates of all its steps in the rounds, for one sample.
    pub(super) fn work(&self) -> f64 {
        let space = &self.contender.space;
        let of_member = |one: &Architecture| space.architecture_macs(one).unwrap_or(0);
        let of_round = |judged: &Judgement| -> f64 {
            let members = judged.networks.iter().flat_map(|one| &one.members);
            judged.steps as f64 * members.map(of_member).sum::<u64>() as f64
        };
        self.judged.iter().map(of_round).sum()
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
            [.., before, last] => last.of_first < GAIN * before.of_first,
            _ => true,
        }
    }

    /// The number of members of what would ship.
    pub(super) fn members(&self) -> usize {
        match &self.contender.members {
            Members::Given(members) => members.len(),
            Members::Searched(count) | Members::Random(count) => *count,
        }
    }

    /// The error that is expected of all members' mean after this number of steps.
    pub(super) fn expected(&self, steps: usize) -> f64 {
        self.expected_of(self.members(), steps)
    }

    /// The error that is expected of the mean of so many networks after this number of steps: beyond
    /// those of the last round, that of one falls on as between the last two, ever less steeply.
    pub(super) fn expected_of(&self, networks: usize, steps: usize) -> f64 {
        let Some(best) = self.best() else {
            return f64::INFINITY;
        };
        let of_one = match &self.judged[..] {
            [.., before, last] if self.gains() => {
                let fall = (before.of_first / last.of_first).ln();
                let slope = fall / (last.steps as f64 / before.steps as f64).ln();
                let more = (steps as f64 / last.steps as f64).max(1.0);
                last.of_first * fallen(slope.clamp(0.0, STEEPEST), more)
            }
            _ => best.of_first,
        };
        of_one * (1.0 - best.of_chance() * (1.0 - 1.0 / networks as f64))
    }
}

/// The share of an error that is left after `more` times as many steps, if it falls by the power
/// `slope` of them at first: exp of minus the integral of `slope * 2^(-u / ln H)` over u from 0 to
/// ln(more), with H = [`HALF_AS_STEEP`].
fn fallen(slope: f64, more: f64) -> f64 {
    let rate = std::f64::consts::LN_2 / HALF_AS_STEEP.ln();
    (-slope / rate * (1.0 - more.powf(-rate))).exp()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_falls_less_and_less_steeply() {
        assert_eq!(fallen(0.5, 1.0), 1.0);
        let slope = |more: f64| {
            let [left, right] = [more, more * 1.0001].map(|more| fallen(0.5, more).ln());
            (left - right) / 1.0001_f64.ln()
        };
        for (more, expected) in [(1.0, 0.5), (16.0, 0.25), (256.0, 0.125)] {
            assert!((slope(more) - expected).abs() < 1e-3, "{more}");
        }
    }
}
