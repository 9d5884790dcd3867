//! The cost model: predicts the time of a call on a machine from the nanoseconds of each operation.
//!
//! ```text
//! operation = fixed + per_mac * multiply-accumulates + per_byte * bytes read and written
//! call      = guard + every operation once + statistics of every member + the end
//! ```
//!
//! Each kind of operation has three non-negative rates, fitted to measurements on the machine
//! ([`measure()`]). They are stored in the user's cache folder ([`store`]) and in the folder of the
//! run. Operations that the planner fuses (a ReLU or a residual into the layer before it) are
//! counted separately, so that the prediction is rather too high. Times are whole picoseconds: sums
//! are exact in any order, so that sums of parts can be checked against the total.

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

/// Bytes per value.
const NUMBER: u64 = 4;

/// The kinds of work in a call.
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
    /// Nearest-neighbour resize of a sequence.
    Resize,
    /// Nearest-neighbour resize of an image.
    Resize2d,
    /// A sum of two values.
    Add,
    /// A product of two values.
    Multiply,
    /// The ReLU activation.
    Relu,
    /// The SiLU activation.
    Silu,
    /// The tanh activation.
    Tanh,
    /// The sine activation.
    Sine,
    /// The inverse of the logarithm, for outputs learnt in it.
    Exp,
    /// The inverse of asinh, for outputs learnt in it.
    Sinh,
    /// A scale and an offset for each value.
    Rescale,
    /// Transposition from channels last to channels first.
    Transpose,
    /// The logarithm of logarithmic inputs.
    Logarithm,
    /// Subtracts the centre of each input and divides by its scale.
    Standardise,
    /// The check of the inputs against the trained box.
    Guard,
    /// Adds the values of a member to mean and variance.
    Member,
    /// Computes mean and standard deviation from these sums.
    End,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 22] = [
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
        Self::Sine,
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

    /// Returns the kind of an operation; `None` for the inputs, which take no time.
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
                Function::Sine => Self::Sine,
            },
            // A clip reads as many values as a rescaling.
            Operation::Rescale(_) | Operation::Clip(_) => Self::Rescale,
            Operation::Transform(transform) => match transform.function {
                Inverse::Exp => Self::Exp,
                Inverse::Sinh => Self::Sinh,
            },
            Operation::Transpose(_) => Self::Transpose,
        })
    }
}

/// The properties of an operation that determine its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Work {
    kind: Kind,
    macs: u64,
    bytes: u64,
}

impl Work {
    /// Returns work of one kind on this total number of floats: operands, constants and result.
    fn new(kind: Kind, macs: u64, floats: usize) -> Self {
        Self {
            kind,
            macs,
            bytes: NUMBER * floats as u64,
        }
    }

    /// Returns the work of an operation on this number of floats; `None` for the inputs.
    fn of(operation: &Operation, macs: u64, floats: usize) -> Option<Self> {
        Some(Self::new(Kind::of(operation)?, macs, floats))
    }
}

/// The rates of one kind, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Time per operation.
    pub fixed: f64,
    /// Time per multiply-accumulate.
    pub per_mac: f64,
    /// Time per byte read or written.
    pub per_byte: f64,
}

impl Rates {
    fn nanoseconds(&self, macs: f64, bytes: f64) -> f64 {
        self.fixed + self.per_mac * macs + self.per_byte * bytes
    }
}

/// The times of operations on a machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostModel {
    /// The names of the machine and its processor.
    pub machine: String,
    /// Unix time of the measurement, in seconds.
    pub measured: u64,
    rates: BTreeMap<Kind, Rates>,
}

impl CostModel {
    /// Returns the rates of each kind.
    #[must_use]
    pub fn rates(&self) -> &BTreeMap<Kind, Rates> {
        &self.rates
    }

    /// Returns the time of an emulator's shipped call in picoseconds; shared operations count once.
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

    /// Returns the time of those operations of a fragment that its result needs, in picoseconds.
    pub(crate) fn fragment_ps(&self, fragment: &Fragment) -> u64 {
        let nodes = fragment.needed_nodes();
        self.sum(nodes.filter_map(|(id, node)| {
            Work::of(node.operation(), fragment.macs(id), fragment.floats(id))
        }))
    }

    /// Returns the total time, in picoseconds.
    fn sum(&self, works: impl IntoIterator<Item = Work>) -> u64 {
        works.into_iter().map(|work| self.picoseconds(work)).sum()
    }

    /// Returns the fixed time of a call, guard and end, in picoseconds.
    pub(crate) fn once_ps(&self, inputs: usize, outputs: usize) -> u64 {
        self.sum([Work::new(Kind::Guard, 0, 3 * inputs), end(outputs)])
    }

    /// Returns the time of the statistics per member, in picoseconds.
    pub(crate) fn member_ps(&self, outputs: usize) -> u64 {
        self.picoseconds(member(outputs))
    }

    /// Returns the time of the error scale and of the search for the nearest training points, in
    /// picoseconds: sums as in a dense layer.
    pub(crate) fn local_ps(&self, macs: u64, numbers: usize) -> u64 {
        self.picoseconds(Work::new(Kind::Dense, macs, numbers))
    }

    /// Returns the time of slopes, in picoseconds: a square root per output, as at the end of the
    /// statistics.
    pub(crate) fn slopes_ps(&self, outputs: usize) -> u64 {
        self.picoseconds(end(outputs))
    }

    fn picoseconds(&self, work: Work) -> u64 {
        // Models of earlier versions have no sine. It takes less time than a tanh.
        let known = self.rates.get(&work.kind).or(match work.kind {
            Kind::Sine => self.rates.get(&Kind::Tanh),
            _ => None,
        });
        let rates = known.copied().unwrap_or_default();
        let nanoseconds = rates.nanoseconds(work.macs as f64, work.bytes as f64);
        (1e3 * nanoseconds).ceil().clamp(0.0, 1e18) as u64
    }
}

/// The end of the statistics: a square root per output.
fn end(outputs: usize) -> Work {
    Work::new(Kind::End, 0, 6 * outputs)
}

/// The work of the statistics per member.
fn member(outputs: usize) -> Work {
    Work::new(Kind::Member, 0, 6 * outputs)
}
