//! Conv1d in Rust.

use super::Conv1d;
use crate::operation::convolution::Kernel;
use crate::operation::rust::{Call, Field, Node, WriteRust, sizes};

impl WriteRust for Conv1d {
    fn rust(&self, node: &Node<'_>) -> Call {
        let Kernel {
            taps: [_, kernel],
            inputs,
            outputs,
        } = node.kernel(self.weight);
        let ([_, length], _) = node.operands[0].shape.size_and_channels();
        let fields: [Field<'_>; 4] = [
            ("length", &length),
            ("inputs", &inputs),
            ("outputs", &outputs),
            ("kernel", &kernel),
        ];
        let sizes = sizes("Conv1d", &fields);
        let weights = [self.weight, self.bias];
        let mut call = node.layer("conv1d", "conv1d::{Conv1d, conv1d}", weights, sizes);
        call.arguments.push(node.residual());
        call
    }
}
