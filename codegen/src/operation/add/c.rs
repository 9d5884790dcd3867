//! Add in C.

use super::Add;
use crate::operation::c::{Code, Node, WriteC};

impl WriteC for Add {
    fn c(&self, node: &Node<'_>) -> Code {
        node.of_two("add")
    }
}
