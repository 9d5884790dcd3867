//! Transpose in C.

use super::Transpose;
use crate::operation::c::{Code, Node, WriteC, integers};

impl WriteC for Transpose {
    fn c(&self, node: &Node<'_>) -> Code {
        let (positions, channels) = node.operands[0].1.positions_and_channels();
        // With one channel or one position the two loops are one, for which a compiler may call
        // memmove.
        let (function, sizes) = if channels == 1 || positions == 1 {
            ("copy", node.size())
        } else {
            ("transpose", integers(&[positions, channels]))
        };
        Code::call(function, vec![sizes, node.from(0), node.to.clone()])
    }
}
