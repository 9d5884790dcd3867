//! The form of an operation in ONNX: nodes of the standard operators.

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

/// The operators that an operation uses.
pub(crate) trait Operators {
    /// Their names, in the order of use; some nodes need only a part of them.
    const OPERATORS: &'static [&'static str];
}

/// An operation's form in ONNX.
pub(crate) trait WriteOnnx {
    /// Adds the nodes of the operation; returns the name of its result.
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String;
}
