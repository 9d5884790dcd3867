//! Transform in C.

use super::{Inverse, Transform};
use crate::operation::c::{Code, Node, WriteC};

impl WriteC for Transform {
    fn c(&self, node: &Node<'_>) -> Code {
        let function = match self.function {
            Inverse::Exp => "exponential",
            Inverse::Sinh => "hyperbolic_sine",
        };
        node.in_place(function, &[])
    }
}
