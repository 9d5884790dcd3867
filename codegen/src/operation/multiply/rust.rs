//! Multiply in Rust.

use super::Multiply;
use crate::operation::rust::{Call, Node, WriteRust};

impl WriteRust for Multiply {
    fn rust(&self, node: &Node<'_>) -> Call {
        let arguments = vec![node.read(0), node.read(1), node.write()];
        Call::of_kernel("multiply", "multiply::multiply", arguments)
    }
}
