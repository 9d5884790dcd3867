//! Dense in C.

use super::Dense;
use crate::operation::c::{Code, Node, WriteC, integers};

impl WriteC for Dense {
    fn c(&self, node: &Node<'_>) -> Code {
        let sizes = integers(&[node.operands[0].1.size(), node.shape.size()]);
        let arguments = vec![
            sizes,
            node.from(0),
            node.parameter(self.weight),
            node.parameter(self.bias),
            node.to.clone(),
        ];
        Code::call("dense", arguments)
    }
}
