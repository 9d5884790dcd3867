//! Conv2d in Rust.

use super::Conv2d;
use crate::operation::convolution::Kernel;
use crate::operation::rust::{Call, Field, Node, WriteRust, sizes};

impl WriteRust for Conv2d {
    fn rust(&self, node: &Node<'_>) -> Call {
        let Kernel {
            taps,
            inputs,
            outputs,
        } = node.kernel(self.weight);
        let (size, _) = node.operands[0].shape.size_and_channels();
        let fields: [Field<'_>; 4] = [
            ("size", &size),
            ("inputs", &inputs),
            ("outputs", &outputs),
            ("kernel", &taps),
        ];
        let sizes = sizes("Conv2d", &fields);
        let weights = [self.weight, self.bias];
        let mut call = node.layer("conv2d", "conv2d::{Conv2d, conv2d}", weights, sizes);
        call.arguments.push(node.residual());
        call
    }
}
