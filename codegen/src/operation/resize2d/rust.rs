//! Resize2d in Rust.

use super::Resize2d;
use crate::operation::rust::{Call, Field, Node, WriteRust, sizes};

impl WriteRust for Resize2d {
    fn rust(&self, node: &Node<'_>) -> Call {
        let (size_in, channels) = node.operands[0].shape.size_and_channels();
        let fields: [Field<'_>; 3] = [
            ("size_in", &size_in),
            ("size_out", &[self.height, self.width]),
            ("channels", &channels),
        ];
        let arguments = vec![node.read(0), node.write(), sizes("Resize2d", &fields)];
        Call::of_kernel("resize2d", "resize2d::{Resize2d, resize2d}", arguments)
    }
}
