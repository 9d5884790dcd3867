//! Transform in Rust.

use super::{Inverse, Transform};
use crate::operation::rust::{Call, Node, WriteRust};

impl WriteRust for Transform {
    fn rust(&self, node: &Node<'_>) -> Call {
        let function = match self.function {
            Inverse::Exp => "Transform::Exp",
            Inverse::Sinh => "Transform::Sinh",
        };
        let arguments = vec![function.into(), node.write()];
        Call::of_elementwise("transform", arguments).and_elementwise("Transform")
    }
}
