//! How this machine executes an operation: through the runtime's kernels, as frozen code does.

use crate::graph::{ParameterId, Parameters, Shape};
use dense_runtime::kernels::finish::Then;

/// An operation's execution.
pub(crate) trait Execute {
    /// Computes the result of every sample into `y`, where one begins every [`Call::step`] values.
    fn execute(&self, call: &Call<'_>, y: &mut [f32]);
}

/// A value of several samples.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    /// The shape of one sample's value.
    pub(crate) shape: Shape,
    /// Where all samples' values lie; empty where the operation works over this operand.
    pub(crate) values: &'a [f32],
    /// From the beginning of one sample's value to that of the next.
    pub(crate) step: usize,
}

impl<'a> Operand<'a> {
    /// One sample's value.
    fn sample(&self, sample: usize) -> &'a [f32] {
        &self.values[sample * self.step..][..self.shape.size()]
    }
}

/// One evaluation of a node.
pub(crate) struct Call<'a> {
    pub(crate) samples: usize,
    /// The node's operands, in order.
    pub(crate) operands: &'a [Operand<'a>],
    /// The shape of the node's value.
    pub(crate) shape: Shape,
    /// From the beginning of one sample's result to that of the next.
    pub(crate) step: usize,
    /// Whether the first operand is copied to where the result goes before a kernel works in place.
    pub(crate) copies: bool,
    /// What a layer does to its sums.
    pub(crate) then: Then,
    /// The value that a layer adds, where `then` adds one.
    pub(crate) residual: Option<Operand<'a>>,
    pub(crate) parameters: &'a Parameters,
    /// The values of a parameter as kernels take them.
    pub(crate) stored: &'a dyn Fn(ParameterId) -> &'a [f32],
}

impl<'a> Call<'a> {
    /// The values of a parameter as kernels take them.
    pub(crate) fn stored(&self, parameter: ParameterId) -> &'a [f32] {
        (self.stored)(parameter)
    }

    /// Calls a kernel for each sample.
    pub(crate) fn each_sample(&self, y: &mut [f32], kernel: impl Fn(&Sample<'_, '_>, &mut [f32])) {
        let samples = y.chunks_exact_mut(self.step).take(self.samples);
        for (number, y) in samples.enumerate() {
            let sample = Sample { call: self, number };
            let y = &mut y[..self.shape.size()];
            if self.copies {
                y.copy_from_slice(sample.operand(0));
            }
            kernel(&sample, y);
        }
    }
}

/// One sample of a call.
pub(crate) struct Sample<'a, 'b> {
    call: &'b Call<'a>,
    number: usize,
}

impl<'a> Sample<'a, '_> {
    /// The value of an operand.
    pub(crate) fn operand(&self, operand: usize) -> &'a [f32] {
        self.call.operands[operand].sample(self.number)
    }

    /// The value that is added, empty where none is.
    pub(crate) fn residual(&self) -> &'a [f32] {
        let residual = self.call.residual;
        residual.map_or(&[], |residual| residual.sample(self.number))
    }
}
