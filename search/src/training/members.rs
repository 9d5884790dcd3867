//! The members of the ensemble: pairwise different architectures that branch late.
//!
//! ```text
//! inputs --shared groups--> branch --open groups--> outputs
//!        most probable             each member's
//!        choices                   own choices
//! ```
//!
//! The shipped call stores and evaluates the shared groups once, and the steps of every member
//! train them. All members are therefore better than with an earlier branch
//! (docs/measurements/members.md). The branch is as late as possible, provided that enough members
//! fit behind it within the budgets [`MACS`] and [`WEIGHTS`]. At least the share [`BEHIND`] of the
//! work lies behind the branch: members that hardly differ make the same errors. Behind the branch,
//! the members are spread evenly over the candidates, the most probable first. The choice is
//! deterministic: the same network variables give the same members.

use crate::budget::{Cost, Room, Walk};
use crate::space::{Architecture, Space};
use crate::supernetwork::SuperNetwork;
use crate::variables::NetworkVariables;

/// Maximum work of the shipped call, relative to the most probable member.
pub const MACS: f64 = 2.5;
/// Maximum number of weights of all members, relative to the most probable one: for up to four
/// members, and for more.
const WEIGHTS: [f64; 2] = [2.5, 1.9];
/// Minimum share of the most probable member's work that lies behind the branch.
const BEHIND: f64 = 0.25;
/// Number of architectures examined behind a branch: the most probable ones.
const LOOKED_AT: usize = 256;
/// An architecture less probable than the first member by this factor was found to be worse, and
/// would make the mean worse, too.
const IMPROBABLE: f64 = 100.0;
/// Up to this number of members, improbable ones are accepted rather than having fewer.
const FEW: usize = 2;

/// Returns up to `count` pairwise different architectures, the most probable one first.
///
/// There are fewer if the space has too few within the budgets, including the user's budget if
/// there is one.
pub(super) fn choose(
    network: &SuperNetwork,
    variables: &NetworkVariables,
    count: usize,
    room: Option<&Room>,
) -> Vec<Architecture> {
    let space = network.space();
    let first = most_probable(space, variables, room);
    let costs = Costs::of(network, room);
    let latest = latest_branch(&costs, &first, network.trained_groups());
    let branches = (0..=latest).rev();
    let offered = branches.map(|branch| (branch, behind(space, variables, &first, branch, room)));
    let offered: Vec<(usize, Vec<Offered>)> = offered.collect();
    let mut most = Vec::new();
    for factor in [IMPROBABLE, f64::INFINITY] {
        for (branch, offers) in &offered {
            let enough = offers[0].log_probability - factor.ln();
            let probable = offers.iter().filter(|one| one.log_probability >= enough);
            let probable: Vec<_> = probable.map(|one| one.architecture.clone()).collect();
            for order in [Order::Spread, Order::Cheapest] {
                let members =
                    Ensemble::of(&costs, &first).filled(probable.clone(), *branch, order, count);
                if members.len() > most.len() {
                    most = members;
                }
                if most.len() >= count {
                    return most;
                }
            }
        }
        if most.len() > FEW {
            break;
        }
    }
    most
}

/// Returns the maximum number of weights of this number of members, relative to the most probable
/// one.
fn weights_of(members: usize) -> f64 {
    WEIGHTS[usize::from(members > 4)]
}

/// An architecture that may become a member.
struct Offered {
    log_probability: f64,
    architecture: Architecture,
}

/// Returns the most probable architecture within the budget.
pub(super) fn most_probable(
    space: &Space,
    variables: &NetworkVariables,
    room: Option<&Room>,
) -> Architecture {
    match room {
        None => variables.most_probable(),
        // At least one is examined: every affordable prefix can be completed.
        Some(_) => {
            let mut all = behind(space, variables, &variables.most_probable(), 0, room);
            all.swap_remove(0).architecture
        }
    }
}

/// Returns the last group such that it and the groups after it do at least [`BEHIND`] of the work
/// of an architecture's trained groups.
fn latest_branch(costs: &Costs, first: &Architecture, trained: usize) -> usize {
    let choices = first.choices().iter().take(trained).enumerate();
    let macs: Vec<u64> = choices
        .map(|(g, &choice)| costs.candidates[g][choice].macs)
        .collect();
    let enough = BEHIND * macs.iter().sum::<u64>() as f64;
    let behind = |branch: &usize| macs[*branch..].iter().sum::<u64>() as f64 >= enough;
    (0..macs.len()).rev().find(behind).unwrap_or(0)
}

/// Returns the most probable architectures that agree with the very most probable one before group
/// `branch`; ties are in the order of the candidates. A copy is as probable as its original.
fn behind(
    space: &Space,
    variables: &NetworkVariables,
    first: &Architecture,
    branch: usize,
    room: Option<&Room>,
) -> Vec<Offered> {
    let probabilities = variables.probabilities();
    let groups = space.groups().iter().zip(&probabilities).skip(branch);
    let shared = first.choices()[..branch].to_vec();
    let mut walk = room.map(|room| room.one().walk());
    for &choice in &shared {
        walk = walk.and_then(|walk| after(walk, choice));
    }
    let mut found: Vec<(f64, Vec<usize>, Option<Walk>)> = vec![(0.0, shared, walk)];
    for (group, probabilities) in groups {
        let longer = found.iter().flat_map(|(log, choices, walk)| {
            (0..probabilities.len()).filter_map(move |choice| {
                let p = probabilities[group.original(choice)];
                let walk = match walk {
                    None => None,
                    Some(walk) => Some(after(*walk, choice)?),
                };
                let choices = choices.iter().copied().chain([choice]);
                Some((log + p.max(f64::MIN_POSITIVE).ln(), choices.collect(), walk))
            })
        });
        found = longer.collect();
        found.sort_by(|left, right| right.0.total_cmp(&left.0));
        found.truncate(LOOKED_AT);
    }
    let found = found.into_iter();
    found
        .map(|(log_probability, choices, _)| Offered {
            log_probability,
            architecture: Architecture::new(choices),
        })
        .collect()
}

/// Returns the walk extended by this candidate; `None` if it exceeds the budget.
fn after(mut walk: Walk<'_>, choice: usize) -> Option<Walk<'_>> {
    walk.choose(choice).then_some(walk)
}

/// The costs of candidates: `[group][candidate]`.
struct Costs {
    candidates: Vec<Vec<Cost>>,
    weights: Vec<Vec<u64>>,
    /// The budget for the groups of all members, and the cost that each member adds.
    all: Cost,
    each: Cost,
}

impl Costs {
    fn of(network: &SuperNetwork, room: Option<&Room>) -> Self {
        let weights = |group, candidate| {
            let parameters = network.parameters(group, candidate).iter();
            parameters
                .map(|parameter| parameter.var.elem_count() as u64)
                .sum()
        };
        let macs = network.space().macs();
        let numbered = || macs.iter().enumerate();
        let unbounded = Cost {
            macs: u64::MAX,
            flash_bytes: u64::MAX,
            time_ps: u64::MAX,
        };
        let cost = |group: usize, candidate: usize, macs: u64| match room {
            Some(room) => room.cost(group, candidate),
            None => Cost {
                macs,
                ..Cost::default()
            },
        };
        let (all, each) = room.map_or((unbounded, Cost::default()), Room::all);
        Self {
            candidates: numbered()
                .map(|(g, group)| {
                    let candidates = group.iter().enumerate();
                    candidates.map(|(k, &macs)| cost(g, k, macs)).collect()
                })
                .collect(),
            weights: numbered()
                .map(|(g, group)| (0..group.len()).map(|k| weights(g, k)).collect())
                .collect(),
            all,
            each,
        }
    }
}

/// The members chosen so far, with their total cost.
struct Ensemble<'a> {
    costs: &'a Costs,
    members: Vec<Architecture>,
    /// Whether any member uses the candidate: `[group][candidate]`.
    used: Vec<Vec<bool>>,
    cost: Cost,
    weights: u64,
}

/// The rule that chooses the next member.
#[derive(Clone, Copy)]
enum Order {
    /// The one whose candidates, from the branch on, occur in the fewest members.
    Spread,
    /// The one that adds least to the budgets: used if the other rule leaves no room for enough
    /// members.
    Cheapest,
}

/// An architecture that may become a member, with the number of its first groups shared with a
/// member.
struct Offer {
    architecture: Architecture,
    shared: usize,
}

impl<'a> Ensemble<'a> {
    fn of(costs: &'a Costs, first: &Architecture) -> Self {
        let mut start = Self {
            costs,
            members: Vec::new(),
            used: costs.weights.iter().map(|g| vec![false; g.len()]).collect(),
            cost: Cost::default(),
            weights: 0,
        };
        start.take(&Offer {
            architecture: first.clone(),
            shared: 0,
        });
        start
    }

    /// Adds members from the offers until there are `count`, and returns them all.
    ///
    /// Ties go to the earlier offer.
    fn filled(
        mut self,
        offers: Vec<Architecture>,
        branch: usize,
        order: Order,
        count: usize,
    ) -> Vec<Architecture> {
        let limit = |cost: u64, factor: f64| (cost as f64 * factor) as u64;
        let (macs, weights) = (
            limit(self.cost.macs, MACS),
            limit(self.weights, weights_of(count)),
        );
        let groups = self.used.len();
        let mut taken = self.members[0].clone();
        let mut offers: Vec<Offer> = offers
            .into_iter()
            .map(|architecture| Offer {
                architecture,
                shared: 0,
            })
            .collect();
        while self.members.len() < count {
            for offer in &mut offers {
                let pairs = offer.architecture.choices().iter().zip(taken.choices());
                let shared = pairs.take_while(|(left, right)| left == right).count();
                offer.shared = offer.shared.max(shared);
            }
            // Costs only grow: an offer that is too expensive now stays so.
            offers.retain(|offer| {
                let (more, more_weights) = self.added_by(offer);
                offer.shared < groups
                    && self.cost.macs + more.macs <= macs
                    && self.weights + more_weights <= weights
                    && self.affords(more)
            });
            let next = match order {
                Order::Spread => offers
                    .iter()
                    .min_by_key(|offer| self.alike(&offer.architecture, branch)),
                Order::Cheapest => offers.iter().min_by(|left, right| {
                    let share = |offer: &Offer| {
                        let (more, more_weights) = self.added_by(offer);
                        more.macs as f64 / macs as f64 + more_weights as f64 / weights as f64
                    };
                    share(left).total_cmp(&share(right))
                }),
            };
            let Some(next) = next else {
                break;
            };
            self.take(next);
            taken.clone_from(&next.architecture);
        }
        self.members
    }

    /// Returns the number of members with the same choice, for each group from `branch` on.
    fn alike(&self, one: &Architecture, branch: usize) -> Vec<usize> {
        let groups = branch..self.used.len();
        let members = |group: usize| {
            let choice = one.choices()[group];
            self.members
                .iter()
                .filter(move |member| member.choices()[group] == choice)
        };
        groups.map(|group| members(group).count()).collect()
    }

    /// Whether the user's budget has room for this additional cost.
    fn affords(&self, more: Cost) -> bool {
        let members = 0..=self.members.len();
        let all = members.fold(self.cost.and(more), |cost, _| cost.and(self.costs.each));
        all.within(self.costs.all)
    }

    /// Returns the work and time of the groups that no member shares, and the weights and flash of
    /// the candidates that no member uses.
    fn added_by(&self, offer: &Offer) -> (Cost, u64) {
        let choices = offer.architecture.choices().iter().enumerate();
        let (mut cost, mut weights) = (Cost::default(), 0);
        for (group, &choice) in choices {
            let candidate = self.costs.candidates[group][choice];
            if group >= offer.shared {
                cost.macs += candidate.macs;
                cost.time_ps += candidate.time_ps;
            }
            if !self.used[group][choice] {
                weights += self.costs.weights[group][choice];
                cost.flash_bytes += candidate.flash_bytes;
            }
        }
        (cost, weights)
    }

    fn take(&mut self, offer: &Offer) {
        let (cost, weights) = self.added_by(offer);
        self.cost = self.cost.and(cost);
        self.weights += weights;
        for (used, &choice) in self.used.iter_mut().zip(offer.architecture.choices()) {
            used[choice] = true;
        }
        self.members.push(offer.architecture.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Shape;
    use crate::space::presets::{
        MicroSizes, Mlp, PaperWidths, micro, micro_with_kinds_of_heads, mlp, paper,
    };
    use crate::streams::stream;
    use crate::variables::Trial;
    use candle_core::{DType, Device};
    use std::collections::HashSet;

    const CURVE: Shape = Shape::Sequence {
        length: 250,
        channels: 1,
    };

    fn network(space: &Space) -> SuperNetwork {
        SuperNetwork::new(space, 1, DType::F32, &Device::Cpu).unwrap()
    }

    /// Variables after this number of updates by random ranks.
    fn variables(space: &Space, seed: u64, updates: usize) -> NetworkVariables {
        let mut variables = NetworkVariables::uniform(space);
        let mut random = stream(seed, "test");
        for _ in 0..updates {
            let trials = (0..8).map(|k| Trial {
                architecture: variables.sample(&mut random),
                loss: f64::from(k),
            });
            let trials: Vec<_> = trials.collect();
            variables.update(&trials, 1.0).unwrap();
        }
        variables
    }

    /// Multiply-accumulates and weights of these members, with each shared prefix and each
    /// candidate counted once.
    fn cost(network: &SuperNetwork, members: &[Architecture]) -> (f64, f64) {
        let macs = network.space().macs();
        let (mut prefixes, mut candidates) = (HashSet::new(), HashSet::new());
        for member in members {
            for (group, &choice) in member.choices().iter().enumerate() {
                prefixes.insert(&member.choices()[..=group]);
                candidates.insert((group, choice));
            }
        }
        let prefixes = prefixes.iter();
        let macs = prefixes.map(|prefix| macs[prefix.len() - 1][prefix[prefix.len() - 1]]);
        let parameters = candidates
            .iter()
            .flat_map(|&(group, choice)| network.parameters(group, choice));
        let weights = parameters.map(|parameter| parameter.var.elem_count());
        (macs.sum::<u64>() as f64, weights.sum::<usize>() as f64)
    }

    #[test]
    fn members_differ_begin_with_the_most_probable_and_keep_the_budgets() {
        let spaces = [
            micro(5, CURVE, MicroSizes::default()).unwrap(),
            micro(5, Shape::Vector(15), MicroSizes::default()).unwrap(),
            paper(5, CURVE, PaperWidths::default()).unwrap(),
        ];
        let mut full = 0;
        for (space, seed) in spaces.iter().flat_map(|s| (0..20).map(move |k| (s, k))) {
            let network = network(space);
            let variables = variables(space, seed, 4 * seed as usize);
            for count in [1, 2, 4, 8, 16] {
                let members = choose(&network, &variables, count, None);
                assert_eq!(members, choose(&network, &variables, count, None));
                assert_eq!(members[0], variables.most_probable());
                let different: HashSet<_> = members.iter().collect();
                assert_eq!(different.len(), members.len());
                assert!(members.iter().all(|member| space.check(member).is_ok()));
                assert!((1..=count).contains(&members.len()));
                let (all, one) = (cost(&network, &members), cost(&network, &members[..1]));
                assert!(all.0 <= MACS * one.0 && all.1 <= weights_of(count) * one.1);
                full += usize::from(count == 8 && members.len() == 8);
            }
        }
        assert!(full > 30, "eight members in {full} of 60");
    }

    #[test]
    fn members_share_their_first_groups_and_are_spread_over_the_branch() {
        let space = micro(5, CURVE, MicroSizes::default()).unwrap();
        let mut variables = NetworkVariables::uniform(&space);
        let trial = |choices: [usize; 7], loss| Trial {
            architecture: Architecture::new(choices.to_vec()),
            loss,
        };
        // Three dense blocks and a basis of 48 functions; in the other groups, the candidate with
        // the higher index.
        let trials = [
            trial([0, 1, 1, 1, 1, 3, 2], 0.0),
            trial([0, 2, 2, 2, 2, 2, 1], 1.0),
        ];
        variables.update(&trials, 1.0).unwrap();
        let members = choose(&network(&space), &variables, 4, None);
        assert!(members.iter().all(|m| m.choices()[..5] == [0, 1, 1, 1, 1]));
        let heads: HashSet<_> = members.iter().map(|m| m.choices()[5]).collect();
        assert!(heads.len() >= 3, "{members:?}");
    }

    #[test]
    fn members_have_copies_of_the_best_head_rather_than_improbable_ones() {
        let space = micro_with_kinds_of_heads(5, CURVE);
        let mut variables = NetworkVariables::uniform(&space);
        let trial = |head: usize, loss| Trial {
            architecture: Architecture::new(vec![0, 1, 1, 1, 1, head, 0]),
            loss,
        };
        for _ in 0..40 {
            let trials = [3, 0, 1, 2].map(|head| trial(head, head.abs_diff(3) as f64));
            variables.update(&trials, 1.0).unwrap();
        }
        let members = choose(&network(&space), &variables, 4, None);
        let heads: HashSet<_> = members.iter().map(|m| m.choices()[5]).collect();
        assert_eq!(heads.len(), 4, "{members:?}");
        let group = &space.groups()[5];
        assert!(heads.iter().all(|&head| group.original(head) == 3));
    }

    #[test]
    fn a_space_of_one_architecture_has_one_member() {
        let (space, _) = mlp(3, Shape::Vector(2), Mlp::Residual, 1).unwrap();
        let variables = NetworkVariables::uniform(&space);
        assert_eq!(choose(&network(&space), &variables, 8, None).len(), 1);
    }
}
