//! Resize in Rust.

use super::Resize;
use crate::operation::rust::{Call, Field, Node, WriteRust, sizes};

impl WriteRust for Resize {
    fn rust(&self, node: &Node<'_>) -> Call {
        let ([_, length_in], channels) = node.operands[0].shape.size_and_channels();
        let fields: [Field<'_>; 3] = [
            ("length_in", &length_in),
            ("length_out", &self.length),
            ("channels", &channels),
        ];
        let arguments = vec![node.read(0), node.write(), sizes("Resize", &fields)];
        Call::of_kernel("resize", "resize::{Resize, resize}", arguments)
    }
}
