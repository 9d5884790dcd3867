//! The form of an operation in C: calls of functions of `c/templates/kernels.c.txt`.

use crate::graph::{ParameterId, Parameters, Shape};

/// An operation's form in C.
pub(crate) trait WriteC {
    /// The calls that compute the node, without the operations fused to it.
    fn c(&self, node: &Node<'_>) -> Code;
}

/// A node with the names that its calls need.
pub(crate) struct Node<'a> {
    /// The names of the operands' slots, and the shapes of their values.
    pub(crate) operands: Vec<(String, Shape)>,
    /// The name of the slot that is written.
    pub(crate) to: String,
    /// The shape of the node's value.
    pub(crate) shape: Shape,
    /// The name of the node's table of positions, if it has one.
    pub(crate) table: String,
    pub(crate) parameters: &'a Parameters,
    /// A parameter as an argument.
    pub(crate) parameter: &'a dyn Fn(ParameterId) -> String,
}

impl Node<'_> {
    /// The slot of an operand.
    pub(crate) fn from(&self, operand: usize) -> String {
        self.operands[operand].0.clone()
    }

    /// The number of values in the result, as an argument.
    pub(crate) fn size(&self) -> String {
        self.shape.size().to_string()
    }

    /// A parameter as an argument.
    pub(crate) fn parameter(&self, id: ParameterId) -> String {
        (self.parameter)(id)
    }

    /// The call of a function that works in place: the number of values, `arguments`, and the slot.
    pub(crate) fn in_place(&self, function: &'static str, arguments: &[String]) -> Code {
        let arguments = [&[self.size()], arguments, std::slice::from_ref(&self.to)].concat();
        Code::call(function, arguments)
    }

    /// The call of a function of two operands of the result's size.
    pub(crate) fn of_two(&self, function: &'static str) -> Code {
        let arguments = vec![self.size(), self.from(0), self.from(1), self.to.clone()];
        Code::call(function, arguments)
    }
}

/// A call of a function of the templates.
pub(crate) struct Call {
    pub(crate) function: &'static str,
    pub(crate) arguments: Vec<String>,
}

/// The form of one node in C.
#[derive(Default)]
pub(crate) struct Code {
    /// The calls in order.
    pub(crate) calls: Vec<Call>,
    /// A convolution, with one call for each class of positions.
    pub(crate) convolution: Option<Convolved>,
}

/// The call of a convolution.
pub(crate) struct Convolved {
    /// The call for one class of positions, of index `k`.
    pub(crate) call: Call,
    /// The fields of `struct positions` for each class.
    pub(crate) positions: Vec<[i64; 16]>,
}

impl Code {
    /// One call.
    pub(crate) fn call(function: &'static str, arguments: Vec<String>) -> Self {
        Self {
            calls: vec![Call {
                function,
                arguments,
            }],
            convolution: None,
        }
    }
}

/// Integers as arguments.
pub(crate) fn integers(values: &[usize]) -> String {
    let values: Vec<_> = values.iter().map(usize::to_string).collect();
    values.join(", ")
}
