//! TransposedConv2d in Rust.

use super::TransposedConv2d;
use crate::operation::convolution::Kernel;
use crate::operation::rust::{Call, Field, Node, WriteRust, sizes};

impl WriteRust for TransposedConv2d {
    fn rust(&self, node: &Node<'_>) -> Call {
        let Kernel {
            taps,
            inputs,
            outputs,
        } = node.kernel(self.weight);
        let (size_in, _) = node.operands[0].shape.size_and_channels();
        let fields: [Field<'_>; 6] = [
            ("size_in", &size_in),
            ("size_out", &[self.height, self.width]),
            ("inputs", &inputs),
            ("outputs", &outputs),
            ("kernel", &taps),
            ("stride", &self.stride),
        ];
        let sizes = sizes("TransposedConv2d", &fields);
        let weights = [self.weight, self.bias];
        node.layer(
            "transposed_conv2d",
            "transposed_conv2d::{TransposedConv2d, transposed_conv2d}",
            weights,
            sizes,
        )
    }
}
