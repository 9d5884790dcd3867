//! Standardise in C.

use super::Standardise;
use crate::operation::c::{Code, Node, WriteC};

impl WriteC for Standardise {
    fn c(&self, node: &Node<'_>) -> Code {
        let parameters = [self.centre, self.scale].map(|id| node.parameter(id));
        node.in_place("standardise", &parameters)
    }
}
