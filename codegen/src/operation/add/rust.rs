//! Add in Rust.

use super::Add;
use crate::operation::rust::{Call, Node, WriteRust};

impl WriteRust for Add {
    fn rust(&self, node: &Node<'_>) -> Call {
        let arguments = vec![node.read(0), node.read(1), node.write()];
        Call::of_kernel("add", "add::add", arguments)
    }
}
