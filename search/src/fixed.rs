//! Fixed networks: spaces with nothing to search, as wide as a budget allows.
//!
//! The strongest fixed network that is known for most data is gated: a dense layer, four blocks
//! `x + silu(x U + a) (x V + b)` and, with many outputs, a head of up to 48 basis functions. Other
//! [kinds](Kind) win where rows are very few or a basis loses too much; a [race](crate::search) finds
//! out.
//!
//! The members share nothing: they are networks of one kind that differ in their initial weights
//! and take the same batches. What the rows leave open they fill differently, and half of the
//! difference cancels in the mean of two (docs/measurements/pay.md compares it with one). The width is
//! the largest for which all members fit the budget, and at most 128. Without a budget, the work is
//! that of the most expensive ensemble that a search can ship. With a small budget, the number of
//! members is reduced first, then the number of basis functions.

use crate::budget::{Terms, check_given};
use crate::components::Components;
use crate::data::Transform;
use crate::kind::{Kind, Trunk};
use crate::space::{Architecture, Error, Function, Group, Identity, Placement, Shape, Space};
use std::collections::BTreeMap;

/// Maximum width.
const WIDEST: usize = 128;
/// The width that nothing limits: about 100,000 multiply-accumulates.
const USUAL: usize = 88;
/// Below this width, members or basis functions are given up instead.
const NARROWEST: usize = 48;
/// Widths are multiples of this.
const LANES: usize = 8;
/// Numbers of basis functions of a head, in order of preference.
const RANKS: [usize; 3] = [48, 32, 16];
/// Blocks behind the first layer.
const BLOCKS: usize = 4;

/// The data that a fixed network is built for, and the conditions.
#[derive(Debug, Clone, Copy)]
pub struct Conditions<'a> {
    /// Number of inputs.
    pub inputs: usize,
    /// The outputs.
    pub output: Shape,
    /// The components that are learnt instead of the outputs, if there are many.
    pub components: Option<&'a Components>,
    /// Number of members.
    pub members: usize,
    /// The budget, and what things cost.
    pub terms: Terms<'a>,
    /// The coordinate in which the outputs are learnt.
    pub transform: Transform,
}

/// Returns the widest network of a kind within the budget, with as many members as possible: a space
/// called `name` with nothing to search, and the members. Returns `None` if none fits the budget.
///
/// # Errors
/// There are no inputs or no outputs.
pub fn widest(
    name: &str,
    kind: Kind,
    conditions: Conditions<'_>,
) -> Result<Option<(Space, Vec<Architecture>)>, Error> {
    let Conditions {
        inputs,
        output,
        components,
        members,
        terms,
        transform,
    } = conditions;
    let narrowest = [NARROWEST; RANKS.len()].into_iter().zip(RANKS);
    for (narrowest, rank) in narrowest.chain([(LANES, RANKS[RANKS.len() - 1])]) {
        for count in (1..=members).rev() {
            let widths = (narrowest / LANES..=WIDEST / LANES).rev();
            for width in widths.map(|width| width * LANES) {
                let (space, given) = match components {
                    None => network(name, kind, inputs, output, (width, rank), count)?,
                    Some(components) => {
                        let node = components.node();
                        let (space, given) =
                            network(name, kind, inputs, node, (width, rank), count)?;
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

/// Returns the network of a kind that nothing limits, and its members.
///
/// # Errors
/// There are no inputs or no outputs.
pub fn usual(
    kind: Kind,
    inputs: usize,
    output: Shape,
    members: usize,
) -> Result<(Space, Vec<Architecture>), Error> {
    network(
        &kind.name(),
        kind,
        inputs,
        output,
        (USUAL, RANKS[0]),
        members,
    )
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

/// Returns members of one width and rank that share nothing: each has a candidate of its own in
/// every group.
fn network(
    name: &str,
    kind: Kind,
    inputs: usize,
    output: Shape,
    (width, rank): (usize, usize),
    members: usize,
) -> Result<(Space, Vec<Architecture>), Error> {
    let first = Group {
        name: "dense".to_owned(),
        output: Shape::Vector(width),
        identity: Identity::Absent,
        candidates: vec![kind.first(); members],
        activation: Some(Function::Silu),
        own_activations: BTreeMap::new(),
        placement: Placement::After,
    };
    let (identity, placement) = match kind.trunk {
        Trunk::Plain => (Identity::Absent, Placement::After),
        Trunk::Gated | Trunk::Residual => (Identity::Beside, Placement::OnBranch),
    };
    let block = |number: usize| Group {
        name: format!("block{number}"),
        identity,
        candidates: vec![kind.block(); members],
        placement,
        ..first.clone()
    };
    let head = Group {
        name: "head".to_owned(),
        output,
        candidates: vec![kind.head(output.size(), rank); members],
        activation: None,
        ..first.clone()
    };
    let blocks = (1..=BLOCKS).map(block);
    let groups = std::iter::once(first.clone()).chain(blocks).chain([head]);
    let groups_of_each = BLOCKS + 2;
    let given = (0..members).map(|member| Architecture::new(vec![member; groups_of_each]));
    Ok((Space::new(name, inputs, groups.collect())?, given.collect()))
}
