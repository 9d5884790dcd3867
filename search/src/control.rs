//! The control: the fixed network that a search has to beat with the same budget in the same time.
//!
//! It is a residual MLP of four layers (`x + silu(W x + b)` except for the first). With many
//! outputs, its head has a basis of up to 48 functions. Its members share the layers and have
//! separate heads, like those of a search, which branch late; most of the budget therefore goes
//! into one good network. Its width is the largest for which all members fit the budget. Without a
//! budget, its work is that of the most expensive ensemble that the search can ship. The width is
//! at most 128, that of the larger fixed network in docs/training.md. With a small budget, the
//! number of members is reduced first, then the number of basis functions. If a search learns
//! components of its outputs, so does the control.

use crate::budget::{Budget, Terms, check_given};
use crate::components::Components;
use crate::data::Transform;
use crate::space::{
    Architecture, Candidate, Error, Function, Group, Identity, Placement, Shape, Space,
};
use crate::training::MACS;
use std::collections::BTreeMap;

/// Name of the control among the contenders of a run.
pub const CONTROL: &str = "control";
/// Number of layers before the head.
const LAYERS: usize = 4;
/// Maximum width.
const WIDEST: usize = 128;
/// Below this width, members or basis functions are given up instead.
const NARROWEST: usize = 48;
/// Widths are multiples of this.
const LANES: usize = 8;
/// Numbers of basis functions of the head, in order of preference.
const RANKS: [usize; 3] = [48, 32, 16];

/// Returns the widest control within the budget with as many of `members` as possible: a space with
/// nothing to search, and the members. Returns `None` if no control fits the budget.
///
/// `searched` are the spaces of the search that the control competes with.
///
/// # Errors
/// `inputs` is 0, or `output` is empty.
pub fn control<'a>(
    inputs: usize,
    output: Shape,
    components: Option<&Components>,
    members: usize,
    searched: impl Iterator<Item = &'a Space>,
    terms: Terms<'_>,
    transform: Transform,
) -> Result<Option<(Space, Vec<Architecture>)>, Error> {
    let dearest = searched.map(|space| {
        let groups = space.macs().iter();
        groups.filter_map(|group| group.iter().max()).sum::<u64>()
    });
    let same_work = (MACS * dearest.max().unwrap_or(0) as f64) as u64;
    let budget = match terms.budget == Budget::default() {
        true => Budget {
            macs: Some(same_work),
            ..Budget::default()
        },
        false => terms.budget,
    };
    let terms = Terms { budget, ..terms };
    let narrowest = [NARROWEST; RANKS.len()].into_iter().zip(RANKS);
    for (narrowest, rank) in narrowest.chain([(LANES, RANKS[RANKS.len() - 1])]) {
        for count in (1..=members).rev() {
            let widths = (narrowest / LANES..=WIDEST / LANES).rev();
            for width in widths.map(|width| width * LANES) {
                let (space, given) = match components {
                    None => network(inputs, output, width, rank, count)?,
                    Some(components) => {
                        let node = components.node();
                        let (space, given) = network(inputs, node, width, rank, count)?;
                        (components.onto(&space, output)?, led_on(&given))
                    }
                };
                if check_given(&space, &given, terms, transform).is_ok() {
                    return Ok(Some((space, given)));
                }
            }
        }
    }
    Ok(None)
}

/// Returns the architectures extended by the only candidate of one more group.
#[must_use]
pub fn led_on(members: &[Architecture]) -> Vec<Architecture> {
    let longer = |one: &Architecture| {
        let choices = one.choices().iter().copied().chain([0]);
        Architecture::new(choices.collect())
    };
    members.iter().map(longer).collect()
}

/// Returns the network of one width and its members, which differ only in their heads.
fn network(
    inputs: usize,
    output: Shape,
    width: usize,
    rank: usize,
    members: usize,
) -> Result<(Space, Vec<Architecture>), Error> {
    let layer = |number: usize| Group {
        name: format!("layer{number}"),
        output: Shape::Vector(width),
        identity: match number {
            1 => Identity::Absent,
            _ => Identity::Beside,
        },
        candidates: vec![Candidate::Dense],
        activation: Some(Function::Silu),
        own_activations: BTreeMap::new(),
        placement: match number {
            1 => Placement::After,
            _ => Placement::OnBranch,
        },
    };
    let head = match output.size() > rank {
        true => Candidate::LowRank { rank },
        false => Candidate::Dense,
    };
    let mut groups: Vec<Group> = (1..=LAYERS).map(layer).collect();
    groups.push(Group {
        name: "head".to_owned(),
        output,
        identity: Identity::Absent,
        candidates: vec![head; members],
        activation: None,
        own_activations: BTreeMap::new(),
        placement: Placement::After,
    });
    let given = (0..members).map(|member| {
        let choices = (0..LAYERS).map(|_| 0).chain([member]);
        Architecture::new(choices.collect())
    });
    Ok((Space::new(CONTROL, inputs, groups)?, given.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::presets::{MicroSizes, micro};

    const CURVE: Shape = Shape::Sequence {
        length: 250,
        channels: 1,
    };

    fn width(macs: Option<u64>, members: usize) -> Option<(usize, usize)> {
        let space = micro(5, CURVE, MicroSizes::default()).unwrap();
        let terms = Terms {
            budget: Budget {
                macs,
                ..Budget::default()
            },
            share_of_one: 1.0,
            cost_model: None,
        };
        let found = control(
            5,
            CURVE,
            None,
            members,
            [&space].into_iter(),
            terms,
            Transform::None,
        );
        let (space, given) = found.unwrap()?;
        check_given(&space, &given, terms, Transform::None).unwrap();
        Some((space.groups()[0].output.size(), given.len()))
    }

    #[test]
    fn the_control_is_as_wide_as_the_budget_allows() {
        assert_eq!(width(Some(1_000_000), 4), Some((128, 4)));
        // 5 w + 3 w^2 for the layers, 48 (w + 250) + 250 for each head, 2 * 5 for the error scale.
        let of = |w: u64| 10 + 5 * w + 3 * w * w + 4 * (48 * (w + 250) + 250);
        assert_eq!(width(Some(of(96)), 4), Some((96, 4)));
        assert_eq!(width(Some(of(96) - 1), 4), Some((88, 4)));
        // One member with 16 functions: 5 w + 3 w^2 + 16 (w + 250) + 250, and 2 * 5 for the error
        // scale.
        assert_eq!(width(Some(8_004), 4), Some((32, 1)));
        assert_eq!(width(Some(100), 4), None);
        // The work of the most expensive ensemble of the search.
        let dearest = 5 * 64 + 4 * 2 * 64 * 64 + 48 * (64 + 250) + 5 * 250;
        assert_eq!(width(None, 4), width(Some(dearest * 5 / 2), 4));
    }
}
