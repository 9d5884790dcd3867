//! Which candidates are still affordable on the way through the groups.
//!
//! From the last group to the first, the cheapest costs at which an architecture can be completed from there on are kept:
//! those that no other one is below in every part. A part that has no limit counts as nothing. A candidate is affordable where one of them still
//! fits behind it, so that whatever is chosen can be completed within the limit.

use super::Cost;
use crate::space::Architecture;

/// Costs kept for a group. Where there are more, some are dropped but never the cheapest in any part: then some
/// architectures just within several limits are not found, and none above one is.
const KEPT: usize = 2048;

/// The architectures within a limit: at least one.
#[derive(Debug, Clone)]
pub struct Affordable {
    costs: Vec<Vec<Cost>>,
    limit: Cost,
    /// The cheapest completions from each group on, and nothing behind the last.
    completions: Vec<Vec<Cost>>,
}

impl Affordable {
    /// Returns the architectures of these candidates, `[group][candidate]`, within a limit; `None` where there is none.
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

    /// Returns the way through the groups, before the first.
    #[must_use]
    pub fn walk(&self) -> Walk<'_> {
        Walk {
            room: self,
            group: 0,
            left: self.limit,
        }
    }

    /// Whether an architecture is one of them.
    #[must_use]
    pub fn contains(&self, architecture: &Architecture) -> bool {
        let mut walk = self.walk();
        architecture.choices().len() == self.costs.len()
            && architecture
                .choices()
                .iter()
                .all(|&choice| walk.allows(choice) && walk.choose(choice))
    }

    /// Returns the largest of an architecture's shares of the limits.
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

/// A way through the groups, on which each choice leaves another that can be afforded.
#[derive(Debug, Clone, Copy)]
pub struct Walk<'a> {
    room: &'a Affordable,
    group: usize,
    left: Cost,
}

impl Walk<'_> {
    /// Whether the next group's candidate leaves room for the groups behind it.
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

    /// Takes the next group's candidate; `false`, and nothing taken, where it is not allowed.
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

/// Leaves those that no other is below in every part, by rising work.
fn cheapest(mut all: Vec<Cost>) -> Vec<Cost> {
    all.sort_by_key(|cost| cost.parts());
    let mut kept: Vec<Cost> = Vec::new();
    for cost in all {
        // None that is kept has more work.
        if !kept.iter().rev().any(|one| one.within(cost)) {
            kept.push(cost);
        }
    }
    kept
}

/// Leaves about [`KEPT`] at most, evenly, with the cheapest in each part.
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
