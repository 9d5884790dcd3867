//! One operation group: the candidate operations between two nodes of the chain.
//!
//! ```text
//! node = act(identity + op)      (Placement::After, the published form)
//! node = identity + act(op)      (Placement::OnBranch)
//! ```

use super::error::Error;
use crate::lowering;
use dense_codegen::graph::Fragment;
pub use dense_codegen::graph::Shape;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A candidate operation of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Candidate {
    /// Nothing: the identity alone passes.
    Zero,
    /// A matrix and a bias on the flattened input.
    Dense,
    /// Two matrices with `rank` numbers between them, one bias at the end.
    LowRank {
        /// Numbers between the two matrices.
        rank: usize,
    },
    /// The product of two dense layers, the first of which is activated: `act(x U + a) * (x V + b)`, elementwise. The group's
    /// activation acts there alone, wherever it is placed.
    ///
    /// *Source*: Dauphin et al., "Language modeling with gated convolutional networks" (2017); with SiLU, Shazeer, "GLU
    /// variants improve transformer" (2020).
    Gated,
    /// A convolution of stride 1 on the input resized to the output's positions, zero-padded by `kernel / 2`.
    Conv {
        /// Taps along each axis, odd.
        kernel: usize,
    },
    /// A transposed convolution, padding `kernel / 2`, its result cut or padded with zeros on the right and at the bottom.
    TransposedConv {
        /// Taps along each axis, odd.
        kernel: usize,
        /// Output positions per input position along each axis, at most [`Candidate::LARGEST_STRIDE`].
        stride: usize,
    },
}

impl Candidate {
    /// The largest stride: a plan has as many phases along each axis.
    pub const LARGEST_STRIDE: usize = 16;

    /// The most numbers that the weights of one candidate may have: what a file says cannot exhaust the memory.
    pub const MOST_WEIGHTS: usize = 1 << 26;
}

/// An elementwise activation function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x * sigmoid(x)`.
    Silu,
    /// The hyperbolic tangent.
    Tanh,
}

/// Where a group's activation acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Placement {
    /// On the sum: `node = act(identity + op)`.
    After,
    /// On the operation alone: `node = identity + act(op)`.
    OnBranch,
}

/// Whether the identity runs beside the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Identity {
    /// The node is the operation's result.
    Absent,
    /// The input, resized by nearest neighbour to the output's positions, is added.
    Beside,
}

/// The candidate operations between two neighbouring nodes; with one candidate, a fixed layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The group's name, unique in its space.
    pub name: String,
    /// The shape of the node that the group leads to.
    pub output: Shape,
    /// Whether the identity runs beside the operation.
    pub identity: Identity,
    /// The candidate operations, one of which an architecture selects.
    ///
    /// Of equal ones the search knows the first. The others are its copies, with weights of their own: members may have
    /// one each, so that an ensemble need not differ by what was found to be worse.
    pub candidates: Vec<Candidate>,
    /// The activation, if any.
    pub activation: Option<Activation>,
    /// Other activations that candidates have instead, by their index.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub own_activations: BTreeMap<usize, Activation>,
    /// Where the activation acts.
    pub placement: Placement,
}

impl Group {
    /// Returns the activation that goes with the candidate in `candidates[index]`.
    pub fn activation_of(&self, index: usize) -> Option<Activation> {
        let own = self.own_activations.get(&index).copied();
        own.or(self.activation)
    }

    /// Returns the first candidate that equals the one in `candidates[index]`: itself, unless it is a copy.
    pub fn original(&self, index: usize) -> usize {
        let what = |index: usize| (self.candidates.get(index), self.activation_of(index));
        let mut indices = 0..index;
        indices
            .find(|&other| what(other) == what(index))
            .unwrap_or(index)
    }

    /// Returns how many candidates are no copies.
    pub fn originals(&self) -> usize {
        let indices = 0..self.candidates.len();
        indices
            .filter(|&index| self.original(index) == index)
            .count()
    }

    /// Returns what each candidate is as operations on an input of this shape.
    ///
    /// # Errors
    /// The group does not stand on such an input: names the candidate, if it is one, and why.
    pub(super) fn lowered(&self, input: Shape) -> Result<Vec<Fragment>, Error> {
        let error = |problem: String| Error::Group {
            group: self.name.clone(),
            problem,
        };
        if self.output.size() == 0 {
            return Err(error(format!(
                "its output {} holds no number",
                named(self.output)
            )));
        }
        if self.output.size() > Shape::LARGEST {
            return Err(error(format!(
                "its output {} is too large: expected at most {} numbers",
                named(self.output),
                Shape::LARGEST
            )));
        }
        if self.candidates.is_empty() {
            return Err(error("it has no candidate operation".to_owned()));
        }
        if self.identity == Identity::Beside && !resizable(input, self.output) {
            return Err(error(format!(
                "the identity cannot lead from {} to {}: expected equal vectors, sequences with the same channels, or \
                 images with the same channels",
                named(input),
                named(self.output)
            )));
        }
        for &index in self.own_activations.keys() {
            if matches!(self.candidates.get(index), None | Some(Candidate::Zero)) {
                return Err(error(format!(
                    "candidate {index} has an activation of its own: expected an operation"
                )));
            }
        }
        let lowered = |(index, &candidate): (usize, &Candidate)| {
            self.check_candidate(candidate, input)
                .and_then(|()| {
                    let fragment = lowering::candidate(self, index, input);
                    fragment.map_err(|error| error.to_string())
                })
                .map_err(|problem| error(format!("candidate {index}, {candidate:?}: {problem}")))
        };
        self.candidates.iter().enumerate().map(lowered).collect()
    }

    fn check_candidate(&self, candidate: Candidate, input: Shape) -> Result<(), String> {
        match candidate {
            Candidate::Zero if self.identity == Identity::Absent => {
                return Err("zero without the identity would cut the network".to_owned());
            }
            Candidate::LowRank { rank: 0 } => {
                return Err("expected a rank of at least 1".to_owned());
            }
            Candidate::Conv { kernel } | Candidate::TransposedConv { kernel, .. }
                if kernel % 2 == 0 =>
            {
                return Err(format!("expected an odd kernel, got {kernel}"));
            }
            Candidate::TransposedConv { stride, .. }
                if !(1..=Candidate::LARGEST_STRIDE).contains(&stride) =>
            {
                return Err(format!(
                    "expected a stride of 1 to {}, got {stride}",
                    Candidate::LARGEST_STRIDE
                ));
            }
            Candidate::Conv { .. } | Candidate::TransposedConv { .. }
                if !on_one_kind_of_grid(input, self.output) =>
            {
                return Err(format!(
                    "expected two sequences or two images, got {} to {}",
                    named(input),
                    named(self.output)
                ));
            }
            _ => {}
        }
        match self.weights(candidate, input) {
            0..=Candidate::MOST_WEIGHTS => Ok(()),
            _ => Err(format!(
                "from {} to {} it has too many weights: expected at most {}",
                named(input),
                named(self.output),
                Candidate::MOST_WEIGHTS
            )),
        }
    }

    /// How many floats a candidate's matrices have, without biases; `usize::MAX` where that would overflow.
    fn weights(&self, candidate: Candidate, input: Shape) -> usize {
        let parameters = lowering::parameters(candidate, input, self.output);
        let matrices = parameters.iter().filter(|(_, shape)| shape.len() > 1);
        let sizes = matrices.map(|(_, shape)| shape.iter().copied().fold(1, usize::saturating_mul));
        sizes.fold(0, usize::saturating_add)
    }
}

/// A shape as errors name it.
pub(crate) fn named(shape: Shape) -> String {
    match shape {
        Shape::Vector(size) => format!("a vector of {size}"),
        Shape::Sequence { length, channels } => {
            format!("a sequence of length {length} with {channels} channels")
        }
        Shape::Image {
            height,
            width,
            channels,
        } => format!("an image of {height} x {width} with {channels} channels"),
    }
}

/// Returns whether both shapes are sequences, or both images.
fn on_one_kind_of_grid(from: Shape, to: Shape) -> bool {
    matches!(
        (from, to),
        (Shape::Sequence { .. }, Shape::Sequence { .. })
            | (Shape::Image { .. }, Shape::Image { .. })
    )
}

/// Returns whether nearest neighbour leads from one shape to the other.
fn resizable(from: Shape, to: Shape) -> bool {
    match (from, to) {
        (Shape::Vector(from), Shape::Vector(to)) => from == to,
        (Shape::Sequence { channels: from, .. }, Shape::Sequence { channels: to, .. })
        | (Shape::Image { channels: from, .. }, Shape::Image { channels: to, .. }) => from == to,
        _ => false,
    }
}
