//! Logarithm in C.

use super::Logarithm;
use crate::operation::c::{Call, Code, Node, WriteC};

impl WriteC for Logarithm {
    fn c(&self, node: &Node<'_>) -> Code {
        let masked = self.mask.iter().enumerate().filter(|(_, masked)| **masked);
        let calls = masked.map(|(place, _)| Call {
            function: "logarithm",
            arguments: vec![format!("&{}[{place}]", node.to)],
        });
        Code {
            calls: calls.collect(),
            convolution: None,
        }
    }
}
