//! TransposedConv1d in Rust.

use super::TransposedConv1d;
use crate::operation::convolution::Kernel;
use crate::operation::rust::{Call, Field, Node, WriteRust, sizes};

impl WriteRust for TransposedConv1d {
    fn rust(&self, node: &Node<'_>) -> Call {
        let Kernel {
            taps: [_, kernel],
            inputs,
            outputs,
        } = node.kernel(self.weight);
        let ([_, length_in], _) = node.operands[0].shape.size_and_channels();
        let fields: [Field<'_>; 6] = [
            ("length_in", &length_in),
            ("length_out", &self.length),
            ("inputs", &inputs),
            ("outputs", &outputs),
            ("kernel", &kernel),
            ("stride", &self.stride),
        ];
        let sizes = sizes("TransposedConv1d", &fields);
        let weights = [self.weight, self.bias];
        node.layer(
            "transposed_conv1d",
            "transposed_conv1d::{TransposedConv1d, transposed_conv1d}",
            weights,
            sizes,
        )
    }
}
