//! Clip in C.

use super::Clip;
use crate::operation::c::{Code, Node, WriteC};

impl WriteC for Clip {
    fn c(&self, node: &Node<'_>) -> Code {
        let parameters = [self.low, self.high].map(|id| node.parameter(id));
        node.in_place("clip", &parameters)
    }
}
