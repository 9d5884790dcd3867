//! Conv1d in C.

use super::Conv1d;
use crate::operation::c::{Code, Node, WriteC};
use crate::operation::convolution::c::convolved;

impl WriteC for Conv1d {
    fn c(&self, node: &Node<'_>) -> Code {
        convolved(node, [self.weight, self.bias], None)
    }
}
