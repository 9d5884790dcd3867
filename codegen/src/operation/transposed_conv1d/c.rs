//! TransposedConv1d in C.

use super::TransposedConv1d;
use crate::operation::c::{Code, Node, WriteC};
use crate::operation::convolution::c::convolved;

impl WriteC for TransposedConv1d {
    fn c(&self, node: &Node<'_>) -> Code {
        convolved(node, [self.weight, self.bias], Some([1, self.stride]))
    }
}
