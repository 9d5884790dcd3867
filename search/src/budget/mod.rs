//! Budgets: limits of work, flash and time for the shipped call with all its members.
//!
//! A [`Room`] applies a budget to a space. It limits the cost of one architecture and of all
//! members. The search samples, ranks and chooses within it, so that nothing above the budget is
//! ever trained or shipped. Costs are those that the emulator reports about itself, or slightly
//! more: members may share more than is counted here.
//!
//! ```text
//! work  = sum over distinct prefixes of members of the last candidate's work
//!         + members * rescalings * outputs + error scale
//! flash = 4 (sum over distinct candidates of packed weights + scales of inputs and outputs
//!         + calibration, with slopes if outputs are transformed, + error scale)
//! time  = as work, with each operation's time by the cost model (crate::cost_model)
//!         + statistics of each member + guard and end
//! ```

mod affordable;
#[cfg(test)]
mod tests;

pub use affordable::{Affordable, Walk};

use crate::cost_model::CostModel;
use crate::data::Transform;
use crate::lowering;
use crate::space::{Architecture, Space};
use dense_codegen::graph::Fragment;
use dense_codegen::{Emulator, pack};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Bytes per value.
const NUMBER: u64 = 4;

/// In the ranking, the loss of an architecture that uses its whole budget is increased by this
/// share relative to one of zero cost. Not measured: it decides between nearly equal losses.
const WEIGHT_OF_COST: f64 = 0.05;

/// The limits of the shipped call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Multiply-accumulates.
    #[serde(deserialize_with = "Option::deserialize")]
    pub macs: Option<u64>,
    /// Bytes of constants.
    #[serde(deserialize_with = "Option::deserialize")]
    pub flash_bytes: Option<u64>,
    #[serde(deserialize_with = "Option::deserialize")]
    /// Nanoseconds, by the cost model.
    pub time_ns: Option<u64>,
}

impl Budget {
    fn limits(self) -> Cost {
        let picoseconds = |ns: u64| ns.saturating_mul(1000);
        Cost {
            macs: self.macs.unwrap_or(u64::MAX),
            flash_bytes: self.flash_bytes.unwrap_or(u64::MAX),
            time_ps: self.time_ns.map_or(u64::MAX, picoseconds),
        }
    }

    /// Whether this cost is within the budget.
    #[must_use]
    pub fn allows(self, cost: Cost) -> bool {
        cost.within(self.limits())
    }
}

/// A budget and the data for computing costs.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The limits of the shipped call.
    pub budget: Budget,
    /// The share that one of several members may take, if any architecture is that cheap.
    pub share_of_one: f64,
    /// The time of operations; without it all times are zero.
    pub cost_model: Option<&'a CostModel>,
}

/// Work, flash and time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes of constants.
    pub flash_bytes: u64,
    /// Picoseconds, estimated by a cost model.
    pub time_ps: u64,
}

impl Cost {
    /// Returns the cost of an emulator's shipped call.
    #[must_use]
    pub fn of(emulator: &Emulator, cost_model: Option<&CostModel>) -> Self {
        Self {
            macs: emulator.macs(),
            flash_bytes: emulator.flash_bytes() as u64,
            time_ps: cost_model.map_or(0, |model| model.call_ps(emulator)),
        }
    }

    /// Returns the sum of both costs.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            macs: self.macs.saturating_add(other.macs),
            flash_bytes: self.flash_bytes.saturating_add(other.flash_bytes),
            time_ps: self.time_ps.saturating_add(other.time_ps),
        }
    }

    /// Returns the remainder after subtracting `other`, or `None` if any part would be negative.
    #[must_use]
    pub fn less(self, other: Self) -> Option<Self> {
        Some(Self {
            macs: self.macs.checked_sub(other.macs)?,
            flash_bytes: self.flash_bytes.checked_sub(other.flash_bytes)?,
            time_ps: self.time_ps.checked_sub(other.time_ps)?,
        })
    }

    /// Whether every part is at most that of `limit`.
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
            time_ps: part(self.time_ps),
        }
    }

    /// Returns the cost with all parts without a limit set to zero.
    fn where_limited(self, limit: Self) -> Self {
        let part = |cost: u64, limit: u64| if limit == u64::MAX { 0 } else { cost };
        Self {
            macs: part(self.macs, limit.macs),
            flash_bytes: part(self.flash_bytes, limit.flash_bytes),
            time_ps: part(self.time_ps, limit.time_ps),
        }
    }

    /// Returns work, flash and time as an array.
    fn parts(self) -> [u64; 3] {
        [self.macs, self.flash_bytes, self.time_ps]
    }
}

/// The reason why a budget leaves no room.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "super-architecture {space:?}: nothing in it keeps the budget: {problem}; raise the budget, or search a smaller space"
)]
pub struct NoRoom {
    space: String,
    problem: String,
}

/// The costs that a budget allows for architectures of a space.
#[derive(Debug, Clone)]
pub struct Room {
    one: Affordable,
    costs: Vec<Vec<Cost>>,
    /// The limit for the groups of all members together.
    all: Cost,
    /// The cost of each member apart from its groups.
    each: Cost,
}

impl Room {
    /// Returns the room for up to `count` members whose outputs are learnt in this coordinate.
    ///
    /// # Errors
    /// If even the cheapest architecture exceeds the budget; the error states by how much.
    pub fn new(
        space: &Space,
        terms: Terms<'_>,
        count: usize,
        transform: Transform,
    ) -> Result<Self, NoRoom> {
        let costs = candidate_costs(space, terms.cost_model);
        let (each, once) = fixed_costs(space, count, transform, terms.cost_model);
        let limits = terms.budget.limits();
        let none = || no_room(space, terms.budget, &costs, each.and(once));
        let all = limits.less(once).ok_or_else(none)?;
        let one = all.less(each).ok_or_else(none)?;
        let narrow = match count {
            1 => None,
            _ => limits.share(terms.share_of_one).less(once.and(each)),
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

    /// Returns the limit for one architecture.
    #[must_use]
    pub fn one(&self) -> &Affordable {
        &self.one
    }

    /// Returns the limit for the groups of all members together, and the cost of each member apart
    /// from its groups.
    #[must_use]
    pub fn all(&self) -> (Cost, Cost) {
        (self.all, self.each)
    }

    /// Returns the cost of a candidate.
    pub(crate) fn cost(&self, group: usize, candidate: usize) -> Cost {
        self.costs[group][candidate]
    }

    /// Returns the loss by which architectures are ranked: of nearly equal ones, the cheaper is
    /// better.
    #[must_use]
    pub fn weighed(&self, architecture: &Architecture, loss: f64) -> f64 {
        loss * (1.0 + WEIGHT_OF_COST * self.one.share(architecture))
    }
}

/// Checks that the given members together are within a budget.
///
/// # Errors
/// If they are not; the error states by how much.
pub fn check_given(
    space: &Space,
    members: &[Architecture],
    terms: Terms<'_>,
    transform: Transform,
) -> Result<(), NoRoom> {
    let Terms {
        budget, cost_model, ..
    } = terms;
    let costs = candidate_costs(space, cost_model);
    let (each, once) = fixed_costs(space, members.len(), transform, cost_model);
    let mut total = once;
    let (mut prefixes, mut candidates) = (HashSet::new(), HashSet::new());
    for member in members {
        total = total.and(each);
        for (group, &choice) in member.choices().iter().enumerate() {
            if prefixes.insert(&member.choices()[..=group]) {
                total.macs += costs[group][choice].macs;
                total.time_ps += costs[group][choice].time_ps;
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

/// Returns the cost of every candidate: `[group][candidate]`.
fn candidate_costs(space: &Space, cost_model: Option<&CostModel>) -> Vec<Vec<Cost>> {
    let cost = |fragment| fragment_cost(fragment, cost_model);
    let groups = space.fragments().iter();
    groups
        .map(|group| group.iter().map(cost).collect())
        .collect()
}

/// Returns the cost of a fragment: its operations, and its parameters as packed for the kernels.
fn fragment_cost(fragment: &Fragment, cost_model: Option<&CostModel>) -> Cost {
    let parameters = fragment.parameters();
    let floats: usize = parameters
        .map(|(_, shape)| pack::stored_numbers(shape))
        .sum();
    Cost {
        macs: fragment.total_macs(),
        flash_bytes: NUMBER * floats as u64,
        time_ps: cost_model.map_or(0, |model| model.fragment_ps(fragment)),
    }
}

/// Returns the cost of each member apart from its groups, and the fixed cost of the call.
fn fixed_costs(
    space: &Space,
    count: usize,
    transform: Transform,
    cost_model: Option<&CostModel>,
) -> (Cost, Cost) {
    let (inputs, outputs) = (space.inputs(), space.output().size());
    let [before, behind] = [
        lowering::inputs(&vec![false; inputs]),
        lowering::outputs(space.output(), transform),
    ]
    .map(|part| {
        let fragment = part.expect("a space's inputs and outputs are values of a graph");
        fragment_cost(&fragment, cost_model)
    });
    let each = Cost {
        macs: behind.macs,
        // The members share these parameters.
        flash_bytes: 0,
        time_ps: behind.time_ps + cost_model.map_or(0, |model| model.member_ps(outputs)),
    };
    let calibration = if count == 1 { 1 } else { 2 };
    let outputs_once = Cost {
        macs: 0,
        flash_bytes: behind.flash_bytes + NUMBER * (calibration * outputs) as u64,
        time_ps: cost_model.map_or(0, |model| model.once_ps(inputs, outputs)),
    };
    let once = before
        .and(outputs_once)
        .and(error_scale(inputs, cost_model))
        .and(slopes(outputs, transform, cost_model));
    (each, once)
}

/// Returns the cost of slopes: standard deviations that grow with the outputs.
fn slopes(outputs: usize, transform: Transform, cost_model: Option<&CostModel>) -> Cost {
    match transform {
        Transform::None => Cost::default(),
        Transform::Log | Transform::Asinh => Cost {
            macs: 0,
            flash_bytes: NUMBER * outputs as u64,
            time_ps: cost_model.map_or(0, |model| model.slopes_ps(outputs)),
        },
    }
}

/// Returns an upper bound for the cost of an error scale, whose presence is known only after the
/// calibration.
fn error_scale(inputs: usize, cost_model: Option<&CostModel>) -> Cost {
    let (macs, numbers) = (2 * inputs as u64, 4 * inputs);
    Cost {
        macs,
        flash_bytes: NUMBER * numbers as u64,
        time_ps: cost_model.map_or(0, |model| model.local_ps(macs, numbers)),
    }
}

fn no_room(space: &Space, budget: Budget, costs: &[Vec<Cost>], fixed: Cost) -> NoRoom {
    let least = |of: fn(&Cost) -> u64| -> u64 {
        let groups = costs.iter();
        groups.filter_map(|group| group.iter().map(of).min()).sum()
    };
    let cheapest = Cost {
        macs: least(|cost| cost.macs),
        flash_bytes: least(|cost| cost.flash_bytes),
        time_ps: least(|cost| cost.time_ps),
    };
    let cheapest = cheapest.and(fixed);
    let problem = match cheapest.within(budget.limits()) {
        true => "no architecture keeps all parts of it".to_owned(),
        false => problem(budget, cheapest, "the layers of its cheapest architecture"),
    };
    NoRoom {
        space: space.name().to_owned(),
        problem,
    }
}

/// Returns a description of the limits that these costs exceed.
fn problem(budget: Budget, cost: Cost, whose: &str) -> String {
    let mut broken = Vec::new();
    if let Some(limit) = budget.macs.filter(|&limit| cost.macs > limit) {
        let macs = cost.macs;
        broken.push(format!(
            "{macs} multiply-accumulates (--budget-macs {limit})"
        ));
    }
    if let Some(limit) = budget.flash_bytes.filter(|&limit| cost.flash_bytes > limit) {
        let bytes = cost.flash_bytes;
        broken.push(format!("{bytes} bytes of flash (--budget-flash {limit})"));
    }
    if let Some(limit) = budget
        .time_ns
        .filter(|_| cost.time_ps > budget.limits().time_ps)
    {
        let [us, limit] = [cost.time_ps as f64 * 1e-6, limit as f64 * 1e-3];
        broken.push(format!(
            "{us:.2} us by the cost model (--budget-us {limit})"
        ));
    }
    format!("{whose} take {}", broken.join(" and "))
}
