//! Conv2d on this machine.

use super::Conv2d;
use crate::operation::convolution::Kernel;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::conv2d::{self, conv2d};

impl Execute for Conv2d {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let kernel = Kernel::of(call.parameters, self.weight);
        let (size, _) = call.operands[0].shape.size_and_channels();
        let sizes = conv2d::Conv2d {
            size,
            inputs: kernel.inputs,
            outputs: kernel.outputs,
            kernel: kernel.taps,
        };
        let (weight, bias) = (call.stored(self.weight), call.stored(self.bias));
        call.each_sample(y, |sample, y| {
            conv2d(
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
