//! Standardise in Rust.

use super::Standardise;
use crate::operation::rust::{Call, Node, WriteRust};

impl WriteRust for Standardise {
    fn rust(&self, node: &Node<'_>) -> Call {
        let arguments = vec![
            node.parameter(self.centre),
            node.parameter(self.scale),
            node.write(),
        ];
        Call::of_elementwise("standardise", arguments)
    }
}
