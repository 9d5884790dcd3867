//! Clip in Rust.

use super::Clip;
use crate::operation::rust::{Call, Node, WriteRust};

impl WriteRust for Clip {
    fn rust(&self, node: &Node<'_>) -> Call {
        let arguments = vec![
            node.parameter(self.low),
            node.parameter(self.high),
            node.write(),
        ];
        Call::of_elementwise("clip", arguments)
    }
}
