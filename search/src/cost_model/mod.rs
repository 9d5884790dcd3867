//! Predicts the time of a call on a machine: nanoseconds of each operation, by its kind.
//!
//! ```text
//! time of an operation = fixed + per_mac * multiply-accumulates + per_byte * bytes read and written
//! time of a call       = guard + every operation once + statistics of every member + the end
//! ```
//!
//! The three rates of each kind are not negative and fitted to measurements on the machine ([`measure()`]), which are kept in
//! the user's cache folder ([`store`]) and in the run's folder. What the planner fuses (a ReLU or a residual into the layer
//! before it) counts as if it were not, so that the figure is rather too large. Times are kept in whole picoseconds: sums
//! are exact in any order, and a sum of parts is what the whole is checked against.

mod measure;
pub mod store;
#[cfg(test)]
mod tests;

pub use measure::measure;
#[cfg(test)]
pub(crate) use tests::random_model;

use dense_codegen::Emulator;
use dense_codegen::graph::{Fragment, Function, Inverse, Operation};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of a number.
const NUMBER: u64 = 4;

/// What kinds of work a call has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A dense layer.
    Dense,
    /// A convolution over a sequence.
    Conv1d,
    /// A convolution over an image.
    Conv2d,
    /// A transposed convolution over a sequence.
    TransposedConv1d,
    /// A transposed convolution over an image.
    TransposedConv2d,
    /// Nearest neighbours of a sequence.
    Resize,
    /// Nearest neighbours of an image.
    Resize2d,
    /// A sum of two values.
    Add,
    /// A product of two values.
    Multiply,
    /// The activation.
    Relu,
    /// The activation.
    Silu,
    /// The activation.
    Tanh,
    /// Outputs that were learnt by their logarithm.
    Exp,
    /// Outputs that were learnt by their inverse hyperbolic sine.
    Sinh,
    /// A scale and an offset for each number.
    Rescale,
    /// Channels before positions.
    Transpose,
    /// Inputs that are taken by their logarithm.
    Logarithm,
    /// Inputs less their centre, over their scale.
    Standardise,
    /// The check of the inputs against the trained box.
    Guard,
    /// A member's values into mean and variance.
    Member,
    /// Mean and standard deviation from them.
    End,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Dense,
        Self::Conv1d,
        Self::Conv2d,
        Self::TransposedConv1d,
        Self::TransposedConv2d,
        Self::Resize,
        Self::Resize2d,
        Self::Add,
        Self::Multiply,
        Self::Relu,
        Self::Silu,
        Self::Tanh,
        Self::Exp,
        Self::Sinh,
        Self::Rescale,
        Self::Transpose,
        Self::Logarithm,
        Self::Standardise,
        Self::Guard,
        Self::Member,
        Self::End,
    ];

    /// What kind an operation is of; `None` for the inputs, which take nothing.
    fn of(operation: &Operation) -> Option<Self> {
        Some(match operation {
            Operation::Input(_) => return None,
            Operation::Logarithm(_) => Self::Logarithm,
            Operation::Standardise(_) => Self::Standardise,
            Operation::Dense(_) => Self::Dense,
            Operation::Conv1d(_) => Self::Conv1d,
            Operation::Conv2d(_) => Self::Conv2d,
            Operation::TransposedConv1d(_) => Self::TransposedConv1d,
            Operation::TransposedConv2d(_) => Self::TransposedConv2d,
            Operation::Resize(_) => Self::Resize,
            Operation::Resize2d(_) => Self::Resize2d,
            Operation::Add(_) => Self::Add,
            Operation::Multiply(_) => Self::Multiply,
            Operation::Activation(activation) => match activation.function {
                Function::Relu => Self::Relu,
                Function::Silu => Self::Silu,
                Function::Tanh => Self::Tanh,
            },
            // As much is read for a value.
            Operation::Rescale(_) | Operation::Clip(_) => Self::Rescale,
            Operation::Transform(transform) => match transform.function {
                Inverse::Exp => Self::Exp,
                Inverse::Sinh => Self::Sinh,
            },
            Operation::Transpose(_) => Self::Transpose,
        })
    }
}

/// An operation, as far as its time depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Work {
    kind: Kind,
    macs: u64,
    bytes: u64,
}

impl Work {
    /// Work of one kind on so many floats in all: operands, constants and result.
    fn new(kind: Kind, macs: u64, floats: usize) -> Self {
        Self {
            kind,
            macs,
            bytes: NUMBER * floats as u64,
        }
    }

    /// What an operation does with so many floats; `None` for the inputs.
    fn of(operation: &Operation, macs: u64, floats: usize) -> Option<Self> {
        Some(Self::new(Kind::of(operation)?, macs, floats))
    }
}

/// The rates of one kind, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Of each operation.
    pub fixed: f64,
    /// Of each multiply-accumulate.
    pub per_mac: f64,
    /// Of each byte read or written.
    pub per_byte: f64,
}

impl Rates {
    fn nanoseconds(&self, macs: f64, bytes: f64) -> f64 {
        self.fixed + self.per_mac * macs + self.per_byte * bytes
    }
}

/// What operations take on a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostModel {
    /// The machine's name, and its processor's.
    pub machine: String,
    /// Seconds from 1970 to the measurement.
    pub measured: u64,
    rates: BTreeMap<Kind, Rates>,
}

impl CostModel {
    /// Returns the rates of each kind.
    #[must_use]
    pub fn rates(&self) -> &BTreeMap<Kind, Rates> {
        &self.rates
    }

    /// Returns what an emulator's shipped call takes, in picoseconds: what members share counts once.
    #[must_use]
    pub fn call_ps(&self, emulator: &Emulator) -> u64 {
        let graph = emulator.graph();
        let nodes = graph.named_nodes();
        let operations = nodes
            .filter_map(|(id, node)| Work::of(node.operation(), graph.macs(id), graph.floats(id)));
        let outputs = emulator.output_count();
        let members = emulator.members().len() as u64;
        self.sum(operations)
            + self.once_ps(emulator.input_count(), outputs)
            + members * self.member_ps(outputs)
            + match emulator.local().numbers() {
                0 => 0,
                numbers => self.local_ps(emulator.local().macs(), numbers),
            }
            + match emulator.calibration().slope {
                None => 0,
                Some(_) => self.slopes_ps(outputs),
            }
    }

    /// Returns what the operations of a fragment take that its result needs, in picoseconds.
    pub(crate) fn fragment_ps(&self, fragment: &Fragment) -> u64 {
        let nodes = fragment.needed_nodes();
        self.sum(nodes.filter_map(|(id, node)| {
            Work::of(node.operation(), fragment.macs(id), fragment.floats(id))
        }))
    }

    /// Returns what all of these take, in picoseconds.
    fn sum(&self, works: impl IntoIterator<Item = Work>) -> u64 {
        works.into_iter().map(|work| self.picoseconds(work)).sum()
    }

    /// Returns what a call takes once, whatever its members do, in picoseconds: guard and end.
    pub(crate) fn once_ps(&self, inputs: usize, outputs: usize) -> u64 {
        self.sum([Work::new(Kind::Guard, 0, 3 * inputs), end(outputs)])
    }

    /// Returns what a member's share of the statistics takes, in picoseconds.
    pub(crate) fn member_ps(&self, outputs: usize) -> u64 {
        self.picoseconds(member(outputs))
    }

    /// Returns what it takes to know the size of errors, and to find the nearest training points, where the inputs lie:
    /// sums as in a dense layer.
    pub(crate) fn local_ps(&self, macs: u64, numbers: usize) -> u64 {
        self.picoseconds(Work::new(Kind::Dense, macs, numbers))
    }

    /// Returns what it takes that errors grow with the outputs: a root for each, as at the end of the statistics.
    pub(crate) fn slopes_ps(&self, outputs: usize) -> u64 {
        self.picoseconds(end(outputs))
    }

    fn picoseconds(&self, work: Work) -> u64 {
        let rates = self.rates.get(&work.kind).copied().unwrap_or_default();
        let nanoseconds = rates.nanoseconds(work.macs as f64, work.bytes as f64);
        (1e3 * nanoseconds).ceil().clamp(0.0, 1e18) as u64
    }
}

/// The end of the statistics: a root for each output.
fn end(outputs: usize) -> Work {
    Work::new(Kind::End, 0, 6 * outputs)
}

/// A member's share of the statistics.
fn member(outputs: usize) -> Work {
    Work::new(Kind::Member, 0, 6 * outputs)
}
