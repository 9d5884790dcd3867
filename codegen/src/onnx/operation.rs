//! The nodes that stand for each operation, one file each.

use super::draft::Draft;
use crate::graph::{NodeId, Operation, Shape};

/// The operands of one node.
pub(super) struct Operands<'a> {
    /// Their names, in order.
    pub(super) values: &'a [String],
    /// Their shapes.
    pub(super) shapes: &'a [Shape],
    /// The result's shape.
    pub(super) result: Shape,
}

/// How an operation is written; returns the name of its result.
pub(super) trait Write {
    fn write(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String;
}

/// Writes one node of the emulator's graph after those that it reads.
pub(super) fn write(draft: &mut Draft<'_>, id: NodeId) {
    let graph = draft.graph;
    let node = &graph.nodes()[id.index()];
    let values: Vec<_> = node
        .inputs()
        .iter()
        .map(|&from| draft.value(from))
        .collect();
    let shapes: Vec<_> = node
        .inputs()
        .iter()
        .map(|&from| graph.shape(from))
        .collect();
    let operands = Operands {
        values: &values,
        shapes: &shapes,
        result: node.shape(),
    };
    let rule: &dyn Write = match node.operation() {
        // Has its name from the beginning.
        Operation::Input(_) => return,
        Operation::Logarithm(rule) => rule,
        Operation::Standardise(rule) => rule,
        Operation::Dense(rule) => rule,
        Operation::Conv1d(rule) => rule,
        Operation::Conv2d(rule) => rule,
        Operation::TransposedConv1d(rule) => rule,
        Operation::TransposedConv2d(rule) => rule,
        Operation::Resize(rule) => rule,
        Operation::Resize2d(rule) => rule,
        Operation::Add(rule) => rule,
        Operation::Multiply(rule) => rule,
        Operation::Activation(rule) => rule,
        Operation::Rescale(rule) => rule,
        Operation::Transform(rule) => rule,
        Operation::Transpose(rule) => rule,
    };
    let value = rule.write(draft, &operands);
    draft.name(id, value);
}
