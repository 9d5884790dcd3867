//! Resize in C.

use super::Resize;
use crate::operation::c::{Code, Node, WriteC, integers};

impl WriteC for Resize {
    fn c(&self, node: &Node<'_>) -> Code {
        let ([_, from], channels) = node.operands[0].1.size_and_channels();
        let sizes = integers(&[from, self.length, channels]);
        Code::call("resize", vec![sizes, node.from(0), node.to.clone()])
    }
}
