//! The settings of a training, and the frequency and rows of the ranking.

use super::choices::Choices;
use crate::space::Architecture;

/// Weight steps per update of the network variables.
pub(super) const UPDATE_EVERY: usize = 10;
/// Number of rows for the ranking.
pub(super) const RANKING_ROWS: usize = 128;

/// The settings of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Number of weight steps; `None`: open until [`end_search`](super::Trainer::end_search) fixes
    /// it.
    pub steps: Option<usize>,
    /// The members of the ensemble.
    pub members: Members,
    /// The seed of all random draws.
    pub seed: u64,
    /// The hyperparameters.
    pub choices: Choices,
}

/// The origin of the members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    /// The search finds this number of members, at least one; fewer if the space has too few that
    /// branch late.
    Searched(usize),
    /// Random search finds this number of members.
    Random(usize),
    /// The members are given and nothing is searched. If they share weights, they take turns from the
    /// first step; if they share nothing, each takes every step.
    Given(Vec<Architecture>),
}

/// Whether there are several members and they share no weights of the first `trained` groups: each
/// has a candidate of its own, the same in all of them.
pub(super) fn are_apart(members: &[Architecture], trained: usize) -> bool {
    let own = |member: &Architecture| {
        let choices = &member.choices()[..trained];
        let all = choices.iter().all(|choice| *choice == choices[0]);
        all.then_some(choices[0])
    };
    let own: Option<Vec<usize>> = members.iter().map(own).collect();
    own.is_some_and(|mut own| {
        own.sort_unstable();
        own.dedup();
        own.len() == members.len() && own.len() > 1
    })
}

impl Members {
    /// Returns the number of members that share weights with each other: all members, or one.
    pub(super) fn in_a_cluster(&self) -> usize {
        match self {
            Self::Searched(count) | Self::Random(count) => *count,
            Self::Given(members) => {
                let alike = |left: &Architecture, right: &Architecture| {
                    let mut pairs = left.choices().iter().zip(right.choices());
                    pairs.any(|(left, right)| left == right)
                };
                match members.windows(2).any(|pair| alike(&pair[0], &pair[1])) {
                    true => members.len(),
                    false => 1,
                }
            }
        }
    }
}
