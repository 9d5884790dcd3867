//! Rescale in Rust.

use super::Rescale;
use crate::operation::rust::{Call, Node, WriteRust};

impl WriteRust for Rescale {
    fn rust(&self, node: &Node<'_>) -> Call {
        let arguments = vec![
            node.parameter(self.scale),
            node.parameter(self.offset),
            node.write(),
        ];
        Call::of_elementwise("rescale", arguments)
    }
}
