//! TransposedConv2d on this machine.

use super::TransposedConv2d;
use crate::operation::convolution::Kernel;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::transposed_conv2d::{self, transposed_conv2d};

impl Execute for TransposedConv2d {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let kernel = Kernel::of(call.parameters, self.weight);
        let (size_in, _) = call.operands[0].shape.size_and_channels();
        let sizes = transposed_conv2d::TransposedConv2d {
            size_in,
            size_out: [self.height, self.width],
            inputs: kernel.inputs,
            outputs: kernel.outputs,
            kernel: kernel.taps,
            stride: self.stride,
        };
        let (weight, bias) = (call.stored(self.weight), call.stored(self.bias));
        call.each_sample(y, |sample, y| {
            transposed_conv2d(sample.operand(0), weight, bias, y, sizes, call.then);
        });
    }
}
