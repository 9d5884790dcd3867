//! What races: kinds of networks with their errors, and the rows that judge them.

use super::folds::Folds;
use crate::components::Learnt;
use crate::contenders::Contender;
use crate::kind::Kind;
use crate::kind::fall::{Fall, Point};
use crate::kind::prior::Expected;
use crate::space::Architecture;
use crate::training::{Choices, Members, Trained};

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
    /// How often these have read each row.
    pub(super) epochs: f64,
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
    /// The error of one member.
    fn point(&self) -> Point {
        Point {
            steps: self.steps,
            error: self.of_first,
        }
    }

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

    /// The errors of one member in the last two rounds.
    pub(super) fn fall(&self) -> Option<Fall> {
        match &self.judged[..] {
            [.., before, last] => Some(Fall {
                before: before.point(),
                last: last.point(),
                epochs: last.epochs,
            }),
            _ => None,
        }
    }

    /// Whether the last round's steps have paid.
    pub(super) fn gains(&self) -> bool {
        self.fall().is_none_or(|fall| fall.gains())
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

    /// The error that is expected of the mean of so many networks after this number of steps
    /// ([`Fall::expected`]).
    pub(super) fn expected_of(&self, networks: usize, steps: usize) -> f64 {
        let Some(best) = self.best() else {
            return f64::INFINITY;
        };
        let fall = self.fall().filter(Fall::gains);
        let of_one = fall.map_or(best.of_first, |fall| fall.expected(steps));
        of_one * (1.0 - best.of_chance() * (1.0 - 1.0 / networks as f64))
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
