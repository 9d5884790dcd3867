//! Dense in Rust.

use super::Dense;
use crate::operation::rust::{Call, Import, Node, WriteRust, structure};

impl WriteRust for Dense {
    fn rust(&self, node: &Node<'_>) -> Call {
        let (operand, result) = (&node.operands[0], &node.result);
        let residual = node.residual.as_ref();
        let size = |size: usize| size.to_string();
        let fields = [
            ("samples", String::new()),
            ("inputs", size(operand.shape.size())),
            ("from", size(operand.slot_size)),
            ("outputs", size(node.shape.size())),
            ("to", size(result.slot_size)),
            (
                "residual",
                size(residual.map_or(0, |residual| residual.slot_size)),
            ),
        ];
        let arguments = vec![
            format!("{}.as_flattened()", operand.slot),
            node.parameter(self.weight),
            node.parameter(self.bias),
            format!("{}.as_flattened_mut()", result.slot),
            structure(1, "Dense", &fields),
            node.then(),
            residual.map_or("&[]".into(), |residual| {
                format!("{}.as_flattened()", residual.slot)
            }),
        ];
        Call {
            function: "dense",
            arguments,
            imports: vec![
                Import::Kernel("dense::{Dense, dense}"),
                Import::Kernel("finish::Then"),
            ],
            takes_batch: true,
        }
    }
}
