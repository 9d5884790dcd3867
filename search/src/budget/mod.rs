//! Budgets: what the shipped call, all members together, may cost in work and in flash.
//!
//! A [`Room`] is a budget over a space. It says what one architecture may cost and what all members may; the search samples,
//! ranks and chooses within it, so that nothing above it is ever trained or shipped. Costs are those that the emulator
//! reports of itself, or a little more: members may share more than is reckoned here.
//!
//! ```text
//! work  = sum over distinct prefixes of members of the last candidate's work + members * rescalings * outputs
//! flash = 4 (sum over distinct candidates of packed weights + scales of inputs and outputs + calibration)
//! ```

mod affordable;
#[cfg(test)]
mod tests;

pub use affordable::{Affordable, Walk};

use crate::data::Transform;
use crate::space::{Architecture, Candidate, Shape, Space};
use crate::supernetwork::parameter_shapes;
use dense_codegen::pack;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Bytes of a number.
const NUMBER: u64 = 4;

/// By how much the loss of an architecture that takes all it may counts as larger, in the ranking, than that of one that
/// costs nothing. Not measured: it decides between losses that are nearly equal.
const WEIGHT_OF_COST: f64 = 0.05;

/// What the shipped call may cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Multiply-accumulates.
    pub macs: Option<u64>,
    /// Bytes of constants.
    pub flash_bytes: Option<u64>,
}

impl Budget {
    fn limits(self) -> Cost {
        Cost {
            macs: self.macs.unwrap_or(u64::MAX),
            flash_bytes: self.flash_bytes.unwrap_or(u64::MAX),
        }
    }
}

/// Work and flash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes of constants.
    pub flash_bytes: u64,
}

impl Cost {
    /// Returns the sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            macs: self.macs.saturating_add(other.macs),
            flash_bytes: self.flash_bytes.saturating_add(other.flash_bytes),
        }
    }

    /// Returns what is left of this after `other`, or `None` where that is too much.
    #[must_use]
    pub fn less(self, other: Self) -> Option<Self> {
        Some(Self {
            macs: self.macs.checked_sub(other.macs)?,
            flash_bytes: self.flash_bytes.checked_sub(other.flash_bytes)?,
        })
    }

    /// Whether neither is above `limit`.
    #[must_use]
    pub fn within(self, limit: Self) -> bool {
        limit.less(self).is_some()
    }

    fn share(self, share: f64) -> Self {
        let part = |limit: u64| match limit {
            u64::MAX => u64::MAX,
            limit => (limit as f64 * share) as u64,
        };
        Self {
            macs: part(self.macs),
            flash_bytes: part(self.flash_bytes),
        }
    }
}

/// Why a budget leaves no room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "super-architecture {space:?}: nothing in it keeps the budget: {problem}; raise the budget, or search a smaller space"
)]
pub struct NoRoom {
    space: String,
    problem: String,
}

/// What a budget leaves for architectures of a space.
#[derive(Debug, Clone)]
pub struct Room {
    one: Affordable,
    costs: Vec<Vec<Cost>>,
    /// What the groups of all members may cost.
    all: Cost,
    /// What each member costs beside its groups.
    each: Cost,
}

impl Room {
    /// Returns the room for up to `count` members whose outputs are learnt in this coordinate; with others beside it, one
    /// may take the share `share_of_one` of the budget, where any takes so little.
    ///
    /// # Errors
    /// Not even the cheapest architecture keeps the budget: says by how much.
    pub fn new(
        space: &Space,
        budget: Budget,
        count: usize,
        transform: Transform,
        share_of_one: f64,
    ) -> Result<Self, NoRoom> {
        let costs = candidate_costs(space);
        let (each, once) = fixed_costs(space, count, transform);
        let limits = budget.limits();
        let none = || no_room(space, budget, &costs, each.and(once));
        let all = limits.less(once).ok_or_else(none)?;
        let one = all.less(each).ok_or_else(none)?;
        let narrow = match count {
            1 => None,
            _ => limits.share(share_of_one).less(once.and(each)),
        };
        let narrow = narrow.and_then(|limit| Affordable::new(&costs, limit));
        let one = narrow.or_else(|| Affordable::new(&costs, one));
        Ok(Self {
            one: one.ok_or_else(none)?,
            costs,
            all,
            each,
        })
    }

    /// Returns what one architecture may have.
    #[must_use]
    pub fn one(&self) -> &Affordable {
        &self.one
    }

    /// Returns what the groups of all members may cost, and what each member costs beside them.
    #[must_use]
    pub fn all(&self) -> (Cost, Cost) {
        (self.all, self.each)
    }

    /// Returns what the flash of a candidate is.
    pub(crate) fn flash_bytes(&self, group: usize, candidate: usize) -> u64 {
        self.costs[group][candidate].flash_bytes
    }

    /// Returns the loss by which an architecture is ranked: among nearly equal ones, the cheaper is better.
    #[must_use]
    pub fn weighed(&self, architecture: &Architecture, loss: f64) -> f64 {
        loss * (1.0 + WEIGHT_OF_COST * self.one.share(architecture))
    }
}

/// Checks that given members, all of them together, keep a budget.
///
/// # Errors
/// They do not: says by how much.
pub fn check_given(
    space: &Space,
    members: &[Architecture],
    budget: Budget,
    transform: Transform,
) -> Result<(), NoRoom> {
    let costs = candidate_costs(space);
    let (each, once) = fixed_costs(space, members.len(), transform);
    let mut total = once;
    let (mut prefixes, mut candidates) = (HashSet::new(), HashSet::new());
    for member in members {
        total = total.and(each);
        for (group, &choice) in member.choices().iter().enumerate() {
            if prefixes.insert(&member.choices()[..=group]) {
                total.macs += costs[group][choice].macs;
            }
            if candidates.insert((group, choice)) {
                total.flash_bytes += costs[group][choice].flash_bytes;
            }
        }
    }
    match total.within(budget.limits()) {
        true => Ok(()),
        false => Err(NoRoom {
            space: space.name().to_owned(),
            problem: problem(budget, total, "its members"),
        }),
    }
}

/// What every candidate costs: `[group][candidate]`.
fn candidate_costs(space: &Space) -> Vec<Vec<Cost>> {
    let macs = space.macs();
    let groups = space.steps().zip(macs);
    groups
        .map(|((input, group), macs)| {
            let candidates = group.candidates.iter().zip(macs);
            let cost = candidates.map(|(&candidate, macs)| Cost {
                macs,
                flash_bytes: candidate_flash(candidate, input, group.output),
            });
            cost.collect()
        })
        .collect()
}

fn candidate_flash(candidate: Candidate, input: Shape, output: Shape) -> u64 {
    let shapes = parameter_shapes(candidate, input, output);
    let numbers: usize = shapes.iter().map(|shape| pack::stored_numbers(shape)).sum();
    // The inner layer's bias of zeros.
    let inner = match candidate {
        Candidate::LowRank { rank } => rank,
        _ => 0,
    };
    NUMBER * (numbers + inner) as u64
}

/// What each member costs beside its groups, and what the call costs once: as `assemble` builds it.
fn fixed_costs(space: &Space, count: usize, transform: Transform) -> (Cost, Cost) {
    let outputs = space.output().size() as u64;
    let rescalings = match transform {
        Transform::None => 1,
        Transform::Log => 2,
        Transform::Asinh => 3,
    };
    let each = Cost {
        macs: rescalings * outputs,
        flash_bytes: 0,
    };
    let calibration = if count == 1 { 1 } else { 2 };
    let once = Cost {
        macs: 0,
        flash_bytes: NUMBER
            * (2 * space.inputs() as u64 + (2 * rescalings + calibration) * outputs),
    };
    (each, once)
}

fn no_room(space: &Space, budget: Budget, costs: &[Vec<Cost>], fixed: Cost) -> NoRoom {
    let least = |of: fn(&Cost) -> u64| -> u64 {
        let groups = costs.iter();
        groups.filter_map(|group| group.iter().map(of).min()).sum()
    };
    let cheapest = Cost {
        macs: least(|cost| cost.macs),
        flash_bytes: least(|cost| cost.flash_bytes),
    };
    let cheapest = cheapest.and(fixed);
    let problem = match cheapest.within(budget.limits()) {
        true => "no architecture keeps both parts of it".to_owned(),
        false => problem(budget, cheapest, "the layers of its cheapest architecture"),
    };
    NoRoom {
        space: space.name().to_owned(),
        problem,
    }
}

/// Which parts of the budget these costs break.
fn problem(budget: Budget, cost: Cost, whose: &str) -> String {
    let parts = [
        (budget.macs, cost.macs, "multiply-accumulates", "macs"),
        (
            budget.flash_bytes,
            cost.flash_bytes,
            "bytes of flash",
            "flash",
        ),
    ];
    let broken = parts.into_iter().filter_map(|(limit, cost, unit, option)| {
        let limit = limit.filter(|&limit| cost > limit)?;
        Some(format!("{cost} {unit} (--budget-{option} {limit})"))
    });
    format!("{whose} take {}", broken.collect::<Vec<_>>().join(" and "))
}
