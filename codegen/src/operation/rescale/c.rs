//! Rescale in C.

use super::Rescale;
use crate::operation::c::{Code, Node, WriteC};

impl WriteC for Rescale {
    fn c(&self, node: &Node<'_>) -> Code {
        let parameters = [self.scale, self.offset].map(|id| node.parameter(id));
        node.in_place("rescale", &parameters)
    }
}
