//! Conv1d on this machine.

use super::Conv1d;
use crate::operation::convolution::Kernel;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::conv1d::{self, conv1d};

impl Execute for Conv1d {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let kernel = Kernel::of(call.parameters, self.weight);
        let ([_, length], _) = call.operands[0].shape.size_and_channels();
        let sizes = conv1d::Conv1d {
            length,
            inputs: kernel.inputs,
            outputs: kernel.outputs,
            kernel: kernel.taps[1],
        };
        let (weight, bias) = (call.stored(self.weight), call.stored(self.bias));
        call.each_sample(y, |sample, y| {
            conv1d(
                sample.operand(0),
                weight,
                bias,
                y,
                sizes,
                call.then,
                sample.residual(),
            );
        });
    }
}
