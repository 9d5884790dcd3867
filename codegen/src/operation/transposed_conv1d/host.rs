//! TransposedConv1d on this machine.

use super::TransposedConv1d;
use crate::operation::convolution::Kernel;
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::transposed_conv1d::{self, transposed_conv1d};

impl Execute for TransposedConv1d {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let kernel = Kernel::of(call.parameters, self.weight);
        let ([_, length_in], _) = call.operands[0].shape.size_and_channels();
        let sizes = transposed_conv1d::TransposedConv1d {
            length_in,
            length_out: self.length,
            inputs: kernel.inputs,
            outputs: kernel.outputs,
            kernel: kernel.taps[1],
            stride: self.stride,
        };
        let (weight, bias) = (call.stored(self.weight), call.stored(self.bias));
        call.each_sample(y, |sample, y| {
            transposed_conv1d(sample.operand(0), weight, bias, y, sizes, call.then);
        });
    }
}
