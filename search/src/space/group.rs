//! One operation group: the candidate operations between two nodes of the chain.
//!
//! ```text
//! node = act(identity + op)      (Placement::After, the published form)
//! node = identity + act(op)      (Placement::OnBranch)
//! ```

use super::activations;
pub use dense_codegen::graph::{Function, Shape};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A candidate operation of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Candidate {
    /// Nothing: the identity alone passes.
    Zero,
    /// A matrix and a bias on the flattened input.
    Dense,
    /// Two matrices with `rank` values between them, and one bias at the end.
    LowRank {
        /// Number of values between the two matrices.
        rank: usize,
    },
    /// Two dense layers with `2 * frequencies` waves for each of the p input values between them:
    /// `sin(x W1 + b1) W2 + b2`. All four are trained. W1 starts with p blocks, so that each wave
    /// belongs to one input; its frequencies are drawn at random, and each has two waves, a
    /// quarter apart: sine and cosine.
    ///
    /// *Source*: Rahimi and Recht, "Random features for large-scale kernel machines" (2007),
    /// algorithm 1; before a network, Tancik et al., "Fourier features let networks learn high
    /// frequency functions in low dimensional domains" (2020), section 5.
    Fourier {
        /// Number of frequencies for each input value.
        frequencies: usize,
    },
    /// The product of two dense layers, the first of which is activated:
    /// `act(x U + a) * (x V + b)`, elementwise. The group's activation acts on that layer only,
    /// whatever the placement.
    ///
    /// *Source*: Dauphin et al., "Language modeling with gated convolutional networks" (2017); with
    /// SiLU, Shazeer, "GLU variants improve transformer" (2020).
    Gated,
    /// A convolution of stride 1 on the input resized to the output's positions, zero-padded by
    /// `kernel / 2`.
    Conv {
        /// Taps along each axis, odd.
        kernel: usize,
    },
    /// A transposed convolution with padding `kernel / 2`. Its result is cut or zero-padded on the
    /// right and at the bottom.
    TransposedConv {
        /// Taps along each axis, odd.
        kernel: usize,
        /// Output positions per input position along each axis, at most
        /// [`Candidate::LARGEST_STRIDE`].
        stride: usize,
    },
}

impl Candidate {
    /// The largest stride. A buffer plan has this number of phases along each axis.
    pub const LARGEST_STRIDE: usize = 16;

    /// The largest number of weights in one candidate. It keeps a file from exhausting the memory.
    pub const MOST_WEIGHTS: usize = 1 << 26;
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
    /// Among equal candidates the search considers only the first. The others are its copies, with
    /// weights of their own. Each member may use another copy, so the members of an ensemble need
    /// not choose worse candidates in order to differ.
    pub candidates: Vec<Candidate>,
    /// The activation, if any.
    #[serde(with = "activations::optional")]
    pub activation: Option<Function>,
    /// Activations that replace the group's for single candidates, by candidate index.
    #[serde(
        default,
        skip_serializing_if = "BTreeMap::is_empty",
        with = "activations::by_candidate"
    )]
    pub own_activations: BTreeMap<usize, Function>,
    /// Where the activation acts.
    pub placement: Placement,
}

impl Group {
    /// Returns the activation of the candidate `candidates[index]`.
    pub fn activation_of(&self, index: usize) -> Option<Function> {
        let own = self.own_activations.get(&index).copied();
        own.or(self.activation)
    }

    /// Returns the index of the first candidate equal to `candidates[index]`: `index` itself,
    /// unless that candidate is a copy.
    pub fn original(&self, index: usize) -> usize {
        let what = |index: usize| (self.candidates.get(index), self.activation_of(index));
        let mut indices = 0..index;
        indices
            .find(|&other| what(other) == what(index))
            .unwrap_or(index)
    }

    /// Returns the number of candidates that are not copies.
    pub fn originals(&self) -> usize {
        let indices = 0..self.candidates.len();
        indices
            .filter(|&index| self.original(index) == index)
            .count()
    }
}
