//! TransposedConv2d in C.

use super::TransposedConv2d;
use crate::operation::c::{Code, Node, WriteC};
use crate::operation::convolution::c::convolved;

impl WriteC for TransposedConv2d {
    fn c(&self, node: &Node<'_>) -> Code {
        convolved(node, [self.weight, self.bias], Some(self.stride))
    }
}
