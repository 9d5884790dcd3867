//! Multiply in C.

use super::Multiply;
use crate::operation::c::{Code, Node, WriteC};

impl WriteC for Multiply {
    fn c(&self, node: &Node<'_>) -> Code {
        node.of_two("multiply")
    }
}
