//! Conv2d in C.

use super::Conv2d;
use crate::operation::c::{Code, Node, WriteC};
use crate::operation::convolution::c::convolved;

impl WriteC for Conv2d {
    fn c(&self, node: &Node<'_>) -> Code {
        convolved(node, [self.weight, self.bias], None)
    }
}
