//! The super-architecture as data: a chain of operation groups, and the architectures it contains.
//!
//! ```text
//! inputs --group 0--> node 1 --group 1--> ... --group G-1--> outputs
//! ```
//!
//! An architecture selects one candidate operation in each group. A [`Space`] is valid by
//! construction: every candidate has been lowered to operations of an emulator's graph, so every
//! architecture can be built and evaluated.

mod activations;
mod check;
mod error;
mod group;
pub mod presets;
mod text;

pub(crate) use activations::name as activation_name;
pub(crate) use check::named;
pub use error::Error;
pub use group::{Candidate, Function, Group, Identity, Placement, Shape};

use dense_codegen::graph::Fragment;
use serde::{Deserialize, Serialize};

/// A super-architecture: a chain of operation groups, valid by construction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Parts", into = "Parts")]
pub struct Space {
    name: String,
    inputs: usize,
    groups: Vec<Group>,
    /// Each candidate as operations: `[group][candidate]`.
    fragments: Vec<Vec<Fragment>>,
    /// Multiply-accumulates of the fragments.
    macs: Vec<Vec<u64>>,
}

/// The contents of a [`Space`] in a file, before the checks.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parts {
    name: String,
    inputs: usize,
    groups: Vec<Group>,
}

/// One choice per group: `choices()[g]` is an index into the candidates of group `g`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Architecture {
    choices: Vec<usize>,
}

impl Architecture {
    /// Returns the architecture with these choices. [`Space::check`] tests whether a space contains
    /// it.
    pub fn new(choices: Vec<usize>) -> Self {
        Self { choices }
    }

    /// Returns the index of the selected candidate of every group.
    pub fn choices(&self) -> &[usize] {
        &self.choices
    }
}

impl Space {
    /// Returns the super-architecture with these groups. The first group acts on a vector of
    /// `inputs` values.
    ///
    /// # Errors
    /// A group does not fit the node before it, or has an invalid name. The error names the first
    /// such group and the reason.
    pub fn new(name: &str, inputs: usize, groups: Vec<Group>) -> Result<Self, Error> {
        let error = |problem: String| Error::Space {
            space: name.to_owned(),
            problem,
        };
        if !is_name(name) {
            return Err(error(NAME_EXPECTED.to_owned()));
        }
        if inputs == 0 {
            return Err(error("expected at least one input".to_owned()));
        }
        if inputs > Shape::LARGEST {
            let most = Shape::LARGEST;
            return Err(error(format!(
                "expected at most {most} inputs, got {inputs}"
            )));
        }
        if groups.is_empty() {
            return Err(error("expected at least one operation group".to_owned()));
        }
        let mut fragments = Vec::new();
        let mut shape = Shape::Vector(inputs);
        for (index, group) in groups.iter().enumerate() {
            if groups[..index].iter().any(|other| other.name == group.name) {
                return Err(error(format!("two groups are called {:?}", group.name)));
            }
            if !is_name(&group.name) {
                return Err(Error::Group {
                    group: group.name.clone(),
                    problem: NAME_EXPECTED.to_owned(),
                });
            }
            fragments.push(group.lowered(shape)?);
            shape = group.output;
        }
        let macs = |group: &Vec<Fragment>| group.iter().map(Fragment::total_macs).collect();
        Ok(Self {
            name: name.to_owned(),
            inputs,
            groups,
            macs: fragments.iter().map(macs).collect(),
            fragments,
        })
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the number of inputs of the first group.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Returns the groups from the inputs to the outputs.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Returns the shape of the last node.
    pub fn output(&self) -> Shape {
        self.groups
            .last()
            .map_or(Shape::Vector(self.inputs), |group| group.output)
    }

    /// Returns every group with the shape of the node that it acts on, from the inputs to the
    /// outputs.
    pub fn steps(&self) -> impl Iterator<Item = (Shape, &Group)> {
        let first = std::iter::once(Shape::Vector(self.inputs));
        let inputs = first.chain(self.groups.iter().map(|group| group.output));
        inputs.zip(&self.groups)
    }

    /// Returns the number of architectures in the space, without counting copies of candidates, at
    /// most `u128::MAX`.
    pub fn architectures(&self) -> u128 {
        self.groups.iter().fold(1, |product: u128, group| {
            product.saturating_mul(group.originals() as u128)
        })
    }

    /// Checks that the space contains this architecture.
    ///
    /// # Errors
    /// A group has no such candidate, or the number of choices differs from the number of groups.
    pub fn check(&self, architecture: &Architecture) -> Result<(), Error> {
        let choices = architecture.choices();
        if choices.len() != self.groups.len() {
            return Err(Error::Architecture {
                problem: format!(
                    "expected {} choices, got {}",
                    self.groups.len(),
                    choices.len()
                ),
            });
        }
        for (group, &choice) in self.groups.iter().zip(choices) {
            if choice >= group.candidates.len() {
                return Err(Error::Architecture {
                    problem: format!(
                        "group {:?} has {} candidates, got choice {choice}",
                        group.name,
                        group.candidates.len()
                    ),
                });
            }
        }
        Ok(())
    }

    /// Returns each candidate of each group as operations of an emulator's graph, on the node
    /// before the group: `[group][candidate]`.
    pub fn fragments(&self) -> &[Vec<Fragment>] {
        &self.fragments
    }

    /// Returns the multiply-accumulates of each candidate of each group: `[group][candidate]`.
    ///
    /// They count the products that the emulator's nodes add up. Taps that fall outside, additions
    /// of the identity, and activations do not count.
    pub fn macs(&self) -> &[Vec<u64>] {
        &self.macs
    }

    /// Returns the multiply-accumulates of one architecture.
    ///
    /// # Errors
    /// As [`Space::check`].
    pub fn architecture_macs(&self, architecture: &Architecture) -> Result<u64, Error> {
        self.check(architecture)?;
        let groups = self.macs.iter().zip(architecture.choices());
        Ok(groups.map(|(macs, &choice)| macs[choice]).sum())
    }
}

const NAME_EXPECTED: &str = "expected a name of letters, digits, - and _, at most 64 of them";

/// Names become names of files and of weights.
fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

impl TryFrom<Parts> for Space {
    type Error = Error;

    fn try_from(parts: Parts) -> Result<Self, Error> {
        Self::new(&parts.name, parts.inputs, parts.groups)
    }
}

impl From<Space> for Parts {
    fn from(space: Space) -> Self {
        Self {
            name: space.name,
            inputs: space.inputs,
            groups: space.groups,
        }
    }
}

#[cfg(test)]
mod tests;
