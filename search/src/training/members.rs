//! The members of the ensemble: pairwise different architectures that branch late.
//!
//! ```text
//! inputs --shared groups, the most probable choices--> branch --open groups, each member's own choices--> outputs
//! ```
//!
//! The shipped call stores and evaluates once what members share, and the steps of every member train it, which makes all
//! of them better than an earlier branch does (docs/measurements/members.md). The branch is therefore as late as there are enough
//! members behind it within the budgets [`MACS`] and [`WEIGHTS`], but has a share of the work behind it, [`BEHIND`]: members
//! that differ in next to nothing agree where they are wrong. Behind it they are spread evenly over the candidates, the most
//! probable first. Nothing is drawn: the same network variables give the same members.

use crate::budget::{Cost, Room, Walk};
use crate::space::{Architecture, Space};
use crate::supernetwork::SuperNetwork;
use crate::variables::NetworkVariables;

/// The work of the shipped call over that of the most probable member, at most.
pub const MACS: f64 = 2.5;
/// The weights of all members over those of the most probable one, at most: of up to four members, and of more.
const WEIGHTS: [f64; 2] = [2.5, 1.9];
/// The share of the most probable member's work that lies behind the branch, at least.
const BEHIND: f64 = 0.25;
/// Architectures behind a branch that are looked at: the most probable ones.
const LOOKED_AT: usize = 256;
/// What is less probable than the first member by this factor was found to be worse: it makes the mean worse, too.
const IMPROBABLE: f64 = 100.0;
/// Members that are few: rather than so few, improbable ones.
const FEW: usize = 2;

/// Returns up to `count` pairwise different architectures, the most probable one first.
///
/// They are fewer where the space has not so many within the budgets, the user's among them if there is one.
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

/// The weights of so many members over those of the most probable one, at most.
fn weights_of(members: usize) -> f64 {
    WEIGHTS[usize::from(members > 4)]
}

/// An architecture that may become a member.
struct Offered {
    log_probability: f64,
    architecture: Architecture,
}

/// The most probable architecture for which there is room.
pub(super) fn most_probable(
    space: &Space,
    variables: &NetworkVariables,
    room: Option<&Room>,
) -> Architecture {
    match room {
        None => variables.most_probable(),
        // Those that are looked at are at least one: whatever is chosen can be completed.
        Some(_) => {
            let mut all = behind(space, variables, &variables.most_probable(), 0, room);
            all.swap_remove(0).architecture
        }
    }
}

/// The last group that has with those after it [`BEHIND`] of the work of an architecture's trained groups.
fn latest_branch(costs: &Costs, first: &Architecture, trained: usize) -> usize {
    let choices = first.choices().iter().take(trained).enumerate();
    let macs: Vec<u64> = choices
        .map(|(g, &choice)| costs.candidates[g][choice].macs)
        .collect();
    let enough = BEHIND * macs.iter().sum::<u64>() as f64;
    let behind = |branch: &usize| macs[*branch..].iter().sum::<u64>() as f64 >= enough;
    (0..macs.len()).rev().find(behind).unwrap_or(0)
}

/// The most probable architectures that are the very most probable one before group `branch`; equals in the candidates'
/// order. A copy is as probable as its original.
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

/// The way with this candidate taken; `None` where it cannot be afforded.
fn after(mut walk: Walk<'_>, choice: usize) -> Option<Walk<'_>> {
    walk.choose(choice).then_some(walk)
}

/// What candidates cost: `[group][candidate]`.
struct Costs {
    candidates: Vec<Vec<Cost>>,
    weights: Vec<Vec<u64>>,
    /// What the groups of all members may cost, and what each member costs beside them.
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

/// Members, and what they cost together.
struct Ensemble<'a> {
    costs: &'a Costs,
    members: Vec<Architecture>,
    /// Whether a member has the candidate: `[group][candidate]`.
    used: Vec<Vec<bool>>,
    cost: Cost,
    weights: u64,
}

/// Which member is taken next.
#[derive(Clone, Copy)]
enum Order {
    /// The one whose candidates fewest members have, from the branch on.
    Spread,
    /// The one that adds least to the budgets: where the others do not leave room for enough.
    Cheapest,
}

/// An architecture that may become a member, and how many of its first groups a member has already.
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

    /// Takes members from those that are offered until there are `count`, and returns them all.
    ///
    /// Among equals in this order the first offered is the next.
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
            // Costs only grow: what is too much now stays so.
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

    /// How many members have the same choice, for each group from `branch` on.
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

    /// Whether the user's budget has room for one more.
    fn affords(&self, more: Cost) -> bool {
        let members = 0..=self.members.len();
        let all = members.fold(self.cost.and(more), |cost, _| cost.and(self.costs.each));
        all.within(self.costs.all)
    }

    /// Work and time of the groups that no member shares, and weights and flash of the candidates that none has.
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

    /// Variables after so many updates by ranks that mean nothing.
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

    /// Multiply-accumulates and weights of these members, each prefix and each candidate once.
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
        // Three dense blocks and a basis of 48 functions; of the rest, what has the higher number.
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
