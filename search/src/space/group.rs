//! One operation group: the candidate operations between two nodes of the chain, and what each costs.
//!
//! ```text
//! node = act(identity + op)      (Placement::After, the published form)
//! node = identity + act(op)      (Placement::OnBranch)
//! ```

use super::error::Error;
pub use dense_codegen::graph::Shape;
use serde::{Deserialize, Serialize};

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
    /// A convolution of stride 1 on the input resized to the output's length, zero-padded by `kernel / 2`.
    Conv {
        /// Taps, odd.
        kernel: usize,
    },
    /// A transposed convolution, padding `kernel / 2`, its result cut or padded with zeros on the right.
    TransposedConv {
        /// Taps, odd.
        kernel: usize,
        /// Output positions per input position.
        stride: usize,
    },
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
    /// The input, resized by nearest neighbour to the output's length, is added.
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
    /// The candidate operations, one of which an architecture selects; equal ones have weights of their own.
    pub candidates: Vec<Candidate>,
    /// The activation, if any.
    pub activation: Option<Activation>,
    /// Where the activation acts.
    pub placement: Placement,
}

impl Group {
    /// Returns the multiply-accumulates of the candidate in `candidates[index]` on an input of this shape, or `None`
    /// if there is no such candidate.
    ///
    /// Taps that fall outside the sequence are counted, additions of the identity and activations are not.
    pub fn macs(&self, input: Shape, index: usize) -> Option<u64> {
        let candidate = self.candidates.get(index)?;
        let (inputs, outputs) = (input.size() as u64, self.output.size() as u64);
        Some(match (*candidate, input, self.output) {
            (Candidate::Dense, _, _) => inputs * outputs,
            (Candidate::LowRank { rank }, _, _) => rank as u64 * (inputs + outputs),
            (Candidate::Conv { kernel }, Shape::Sequence { channels, .. }, _) => {
                (kernel * channels) as u64 * outputs
            }
            (Candidate::TransposedConv { kernel, .. }, _, Shape::Sequence { channels, .. }) => {
                inputs * (kernel * channels) as u64
            }
            // The remaining pairs are refused by `check`.
            _ => 0,
        })
    }

    /// Checks that the group stands on an input of this shape.
    pub(super) fn check(&self, input: Shape) -> Result<(), Error> {
        let error = |problem: String| Error::Group {
            group: self.name.clone(),
            problem,
        };
        if self.output.size() == 0 {
            return Err(error(format!(
                "its output {:?} holds no number",
                self.output
            )));
        }
        if let Shape::Image { .. } = self.output {
            return Err(error(format!(
                "its output {:?} is an image: expected a vector or a sequence, the search has no operations on images",
                self.output
            )));
        }
        if self.candidates.is_empty() {
            return Err(error("it has no candidate operation".to_owned()));
        }
        if self.identity == Identity::Beside && !resizable(input, self.output) {
            return Err(error(format!(
                "the identity cannot lead from {input:?} to {:?}: expected equal vectors, or sequences with the same \
                 channels",
                self.output
            )));
        }
        for (index, candidate) in self.candidates.iter().enumerate() {
            self.check_candidate(*candidate, input)
                .map_err(|problem| error(format!("candidate {index}, {candidate:?}: {problem}")))?;
        }
        Ok(())
    }

    fn check_candidate(&self, candidate: Candidate, input: Shape) -> Result<(), String> {
        let sequences = matches!(
            (input, self.output),
            (Shape::Sequence { .. }, Shape::Sequence { .. })
        );
        match candidate {
            Candidate::Zero if self.identity == Identity::Absent => {
                Err("zero without the identity would cut the network".to_owned())
            }
            Candidate::LowRank { rank: 0 } => Err("expected a rank of at least 1".to_owned()),
            Candidate::Conv { kernel } | Candidate::TransposedConv { kernel, .. }
                if kernel % 2 == 0 =>
            {
                Err(format!("expected an odd kernel, got {kernel}"))
            }
            Candidate::TransposedConv { stride: 0, .. } => {
                Err("expected a stride of at least 1".to_owned())
            }
            Candidate::Conv { .. } | Candidate::TransposedConv { .. } if !sequences => Err(
                format!("expected sequences, got {input:?} to {:?}", self.output),
            ),
            _ => Ok(()),
        }
    }
}

/// Returns whether nearest neighbour leads from one shape to the other.
fn resizable(from: Shape, to: Shape) -> bool {
    match (from, to) {
        (Shape::Vector(from), Shape::Vector(to)) => from == to,
        (Shape::Sequence { channels: from, .. }, Shape::Sequence { channels: to, .. }) => {
            from == to
        }
        _ => false,
    }
}
