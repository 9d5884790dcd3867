//! What a training is asked for, and how often and on how many rows a search ranks.

use super::choices::Choices;
use crate::space::Architecture;

/// Weight steps an update of the network variables.
pub(super) const UPDATE_EVERY: usize = 10;
/// Rows that they are ranked on.
pub(super) const RANKING_ROWS: usize = 128;

/// What a training is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Weight steps; `None`: until [`end_search`](super::Trainer::end_search) fixes them.
    pub steps: Option<usize>,
    /// The ensemble.
    pub members: Members,
    /// The seed of every draw.
    pub seed: u64,
    /// What the steps are like.
    pub choices: Choices,
}

/// Where the members come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Members {
    /// So many are found by the search, at least one; fewer where the space has not so many that branch late.
    Searched(usize),
    /// As many are found by random search.
    Random(usize),
    /// They are given, and nothing is searched: each trains in turn from the first step.
    Given(Vec<Architecture>),
}

impl Members {
    /// How many members share weights with one another: all, or none with any other.
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
