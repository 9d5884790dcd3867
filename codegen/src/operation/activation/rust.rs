//! Activation in Rust.

use super::{Activation, Function};
use crate::operation::rust::{Call, Node, WriteRust};

impl WriteRust for Activation {
    fn rust(&self, node: &Node<'_>) -> Call {
        let function = match self.function {
            Function::Relu => "Activation::Relu",
            Function::Silu => "Activation::Silu",
            Function::Tanh => "Activation::Tanh",
            Function::Sine => "Activation::Sine",
        };
        let arguments = vec![function.into(), node.write()];
        Call::of_elementwise("activation", arguments).and_elementwise("Activation")
    }
}
