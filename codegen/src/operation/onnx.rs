//! How an operation is written in ONNX: as nodes of the operators.

use crate::graph::Shape;
use crate::onnx::builder::ModelBuilder;

/// The operands of one node.
pub(crate) struct Operands<'a> {
    /// Their names, in order.
    pub(crate) values: &'a [String],
    /// Their shapes.
    pub(crate) shapes: &'a [Shape],
    /// The result's shape.
    pub(crate) result: Shape,
}

/// The operators that an operation is written with.
pub(crate) trait Operators {
    /// Their names, in the order in which they are needed; not all of them always are.
    const OPERATORS: &'static [&'static str];
}

/// An operation's form in ONNX.
pub(crate) trait WriteOnnx {
    /// Adds the nodes that stand for the operation; returns the name of its result.
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String;
}
