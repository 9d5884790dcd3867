//! The execution of an operation on this machine, with the runtime's kernels, as in frozen code.

use crate::graph::{ParameterId, Parameters, Shape};
use dense_runtime::kernels::finish::Then;

/// An operation's execution.
pub(crate) trait Execute {
    /// Computes the result of every sample into `y`; each sample's begins [`Call::step`] values
    /// after the last.
    fn execute(&self, call: &Call<'_>, y: &mut [f32]);
}

/// A value of several samples.
#[derive(Clone, Copy)]
pub(crate) struct Operand<'a> {
    /// The shape of one sample's value.
    pub(crate) shape: Shape,
    /// The values of all samples; empty if the operation works in place on this operand.
    pub(crate) values: &'a [f32],
    /// The distance from one sample's value to the next.
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
    /// The distance from one sample's result to the next.
    pub(crate) step: usize,
    /// Whether the first operand is copied to the result before a kernel works in place.
    pub(crate) copies: bool,
    /// The operations fused to a layer's sums.
    pub(crate) then: Then,
    /// The value that a layer adds, if `then` adds one.
    pub(crate) residual: Option<Operand<'a>>,
    pub(crate) parameters: &'a Parameters,
    /// The values of a parameter in the kernels' packing.
    pub(crate) stored: &'a dyn Fn(ParameterId) -> &'a [f32],
}

impl<'a> Call<'a> {
    /// The values of a parameter in the kernels' packing.
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

    /// The value that is added; empty if none is.
    pub(crate) fn residual(&self) -> &'a [f32] {
        let residual = self.call.residual;
        residual.map_or(&[], |residual| residual.sample(self.number))
    }
}
