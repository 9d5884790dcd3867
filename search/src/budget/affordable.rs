//! The candidates that are still affordable on the way through the groups.
//!
//! For each group, from the last to the first, the cheapest costs of completing an architecture
//! from there on are kept, that is the Pareto front over the parts of the cost. Parts without a
//! limit count as zero. A candidate is affordable if at least one completion still fits behind it,
//! so that every choice can be completed within the limit.

use super::Cost;
use crate::space::Architecture;

/// Maximum number of costs kept per group. If there are more, some are dropped, but never the
/// cheapest in any part. Some architectures just within several limits are then not found, but none
/// above a limit is accepted.
const KEPT: usize = 2048;

/// The architectures within a limit; there is at least one.
#[derive(Debug, Clone)]
pub struct Affordable {
    costs: Vec<Vec<Cost>>,
    limit: Cost,
    /// The cheapest completions from each group on; zero cost after the last.
    completions: Vec<Vec<Cost>>,
}

impl Affordable {
    /// Returns the architectures of these candidates, `[group][candidate]`, within a limit; `None`
    /// if there are none.
    pub(super) fn new(costs: &[Vec<Cost>], limit: Cost) -> Option<Self> {
        let limited = |cost: &Cost| cost.where_limited(limit);
        let costs: Vec<Vec<Cost>> = costs
            .iter()
            .map(|group| group.iter().map(limited).collect())
            .collect();
        let mut completions = vec![vec![Cost::default()]];
        for group in costs.iter().rev() {
            let behind = completions.last()?;
            let all = group
                .iter()
                .flat_map(|&cost| behind.iter().map(move |&rest| cost.and(rest)));
            let within = all.filter(|cost| cost.within(limit)).collect();
            completions.push(thinned(cheapest(within)));
        }
        completions.reverse();
        let some = !completions[0].is_empty();
        some.then_some(Self {
            costs,
            limit,
            completions,
        })
    }

    /// Returns the walk through the groups, before the first one.
    #[must_use]
    pub fn walk(&self) -> Walk<'_> {
        Walk {
            room: self,
            group: 0,
            left: self.limit,
        }
    }

    /// Whether an architecture is within the limit.
    #[must_use]
    pub fn contains(&self, architecture: &Architecture) -> bool {
        let mut walk = self.walk();
        architecture.choices().len() == self.costs.len()
            && architecture
                .choices()
                .iter()
                .all(|&choice| walk.allows(choice) && walk.choose(choice))
    }

    /// Returns the largest share of a limit that an architecture takes.
    pub(super) fn share(&self, architecture: &Architecture) -> f64 {
        let choices = self.costs.iter().zip(architecture.choices());
        let total = choices.fold(Cost::default(), |sum, (group, &choice)| {
            sum.and(group[choice])
        });
        let parts = total.parts().into_iter().zip(self.limit.parts());
        let shares = parts.map(|(cost, limit)| cost as f64 / limit.max(1) as f64);
        shares.fold(0.0, f64::max)
    }
}

/// A walk through the groups; after each choice, at least one completion is affordable.
#[derive(Debug, Clone, Copy)]
pub struct Walk<'a> {
    room: &'a Affordable,
    group: usize,
    left: Cost,
}

impl Walk<'_> {
    /// Whether this candidate of the next group leaves room for the groups behind it.
    #[must_use]
    pub fn allows(&self, candidate: usize) -> bool {
        let next = self.room.costs.get(self.group);
        let cost = next.and_then(|group| group.get(candidate));
        let Some(left) = cost.and_then(|&cost| self.left.less(cost)) else {
            return false;
        };
        let completions = &self.room.completions[self.group + 1];
        completions.iter().any(|rest| rest.within(left))
    }

    /// Takes this candidate of the next group; if it is not allowed, takes nothing and returns
    /// `false`.
    pub fn choose(&mut self, candidate: usize) -> bool {
        if !self.allows(candidate) {
            return false;
        }
        let cost = self.room.costs[self.group][candidate];
        self.left = self.left.less(cost).unwrap_or_default();
        self.group += 1;
        true
    }
}

/// Returns the Pareto front of the costs, in order of increasing work.
fn cheapest(mut all: Vec<Cost>) -> Vec<Cost> {
    all.sort_by_key(|cost| cost.parts());
    let mut kept: Vec<Cost> = Vec::new();
    for cost in all {
        // No cost that is kept has more work.
        if !kept.iter().rev().any(|one| one.within(cost)) {
            kept.push(cost);
        }
    }
    kept
}

/// Reduces the costs evenly to about [`KEPT`], keeping the cheapest in each part.
fn thinned(all: Vec<Cost>) -> Vec<Cost> {
    if all.len() <= KEPT {
        return all;
    }
    let last = all.len() - 1;
    let evenly = (0..KEPT).map(|k| k * last / (KEPT - 1));
    let least = |part: usize| (0..all.len()).min_by_key(|&k| all[k].parts()[part]);
    let mut places: Vec<usize> = evenly.chain((0..3).filter_map(least)).collect();
    places.sort_unstable();
    places.dedup();
    places.into_iter().map(|place| all[place]).collect()
}
