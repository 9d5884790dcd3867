//! Transpose in Rust.

use super::Transpose;
use crate::operation::rust::{Call, Node, WriteRust};

impl WriteRust for Transpose {
    fn rust(&self, node: &Node<'_>) -> Call {
        let (positions, channels) = node.operands[0].shape.positions_and_channels();
        let arguments = vec![
            node.read(0),
            node.write(),
            positions.to_string(),
            channels.to_string(),
        ];
        Call::of_kernel("transpose", "transpose::transpose", arguments)
    }
}
