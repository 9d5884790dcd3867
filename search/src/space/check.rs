//! Checks whether a group fits the node before it, and lowers its candidates to operations there.

use super::error::Error;
use super::group::{Candidate, Group, Identity, Shape};
use crate::lowering;
use dense_codegen::graph::Fragment;

impl Group {
    /// Returns each candidate as operations on an input of this shape.
    ///
    /// # Errors
    /// The group does not fit such an input. The error names the candidate, if one is at fault, and
    /// the reason.
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
            Candidate::Fourier { frequencies: 0 } => {
                return Err("expected at least 1 frequency".to_owned());
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

    /// The number of weights in a candidate's matrices, without biases; `usize::MAX` on overflow.
    fn weights(&self, candidate: Candidate, input: Shape) -> usize {
        let parameters = lowering::parameters(candidate, input, self.output);
        let matrices = parameters.iter().filter(|(_, shape)| shape.len() > 1);
        let sizes = matrices.map(|(_, shape)| shape.iter().copied().fold(1, usize::saturating_mul));
        sizes.fold(0, usize::saturating_add)
    }
}

/// A shape, formatted for errors.
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

/// Returns whether nearest-neighbour resizing can convert one shape to the other.
fn resizable(from: Shape, to: Shape) -> bool {
    match (from, to) {
        (Shape::Vector(from), Shape::Vector(to)) => from == to,
        (Shape::Sequence { channels: from, .. }, Shape::Sequence { channels: to, .. })
        | (Shape::Image { channels: from, .. }, Shape::Image { channels: to, .. }) => from == to,
        _ => false,
    }
}
