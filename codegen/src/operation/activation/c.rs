//! Activation in C.

use super::{Activation, Function};
use crate::operation::c::{Code, Node, WriteC};

impl WriteC for Activation {
    fn c(&self, node: &Node<'_>) -> Code {
        let function = match self.function {
            Function::Relu => "relu",
            Function::Silu => "silu",
            Function::Tanh => "hyperbolic_tangent",
            Function::Sine => "sine",
        };
        node.in_place(function, &[])
    }
}
