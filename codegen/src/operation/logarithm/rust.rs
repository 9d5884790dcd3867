//! Logarithm in Rust.

use super::Logarithm;
use crate::operation::rust::{Call, Node, WriteRust};

impl WriteRust for Logarithm {
    fn rust(&self, node: &Node<'_>) -> Call {
        let mask = format!("&{:?}", self.mask);
        Call::of_elementwise("logarithm", vec![mask, node.write()])
    }
}
