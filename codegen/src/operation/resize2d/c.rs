//! Resize2d in C.

use super::Resize2d;
use crate::operation::c::{Code, Node, WriteC, integers};

impl WriteC for Resize2d {
    fn c(&self, node: &Node<'_>) -> Code {
        let ([rows, columns], channels) = node.operands[0].1.size_and_channels();
        let sizes = integers(&[rows, columns, self.height, self.width, channels]);
        Code::call("resize2d", vec![sizes, node.from(0), node.to.clone()])
    }
}
