//! The form of an operation in Rust: one call of a kernel of the runtime.

use super::convolution::Kernel;
use crate::graph::{ParameterId, Parameters, Shape};
use dense_runtime::kernels::finish::Then;
use std::fmt::{Debug, Write as _};

/// An operation's form in Rust.
pub(crate) trait WriteRust {
    /// The call that computes the node.
    fn rust(&self, node: &Node<'_>) -> Call;
}

/// A value that a call reads or writes.
pub(crate) struct Operand {
    pub(crate) shape: Shape,
    /// The name of its slot, which holds the value for all samples.
    pub(crate) slot: String,
    /// The size of one sample's part of the slot.
    pub(crate) slot_size: usize,
    /// One sample's value, as an argument.
    pub(crate) value: String,
}

/// A node with the names that its call needs.
pub(crate) struct Node<'a> {
    /// The operands in order.
    pub(crate) operands: Vec<Operand>,
    pub(crate) result: Operand,
    /// The value that is added, if `then` adds one.
    pub(crate) residual: Option<Operand>,
    /// The operations fused to this one.
    pub(crate) then: Then,
    /// The shape of the node's value.
    pub(crate) shape: Shape,
    pub(crate) parameters: &'a Parameters,
    /// A parameter as an argument.
    pub(crate) parameter: &'a dyn Fn(ParameterId) -> String,
}

impl Node<'_> {
    /// One sample's value of an operand, as an argument.
    pub(crate) fn read(&self, operand: usize) -> String {
        self.operands[operand].value.clone()
    }

    /// The place of one sample's result, as an argument.
    pub(crate) fn write(&self) -> String {
        self.result.value.clone()
    }

    /// A parameter as an argument.
    pub(crate) fn parameter(&self, id: ParameterId) -> String {
        (self.parameter)(id)
    }

    /// The sizes of a convolution's weight.
    pub(crate) fn kernel(&self, weight: ParameterId) -> Kernel {
        Kernel::of(self.parameters, weight)
    }

    /// The fused operations, as an argument.
    pub(crate) fn then(&self) -> String {
        format!("Then::{:?}", self.then)
    }

    /// One sample's added value, as an argument.
    pub(crate) fn residual(&self) -> String {
        let residual = self.residual.as_ref();
        residual.map_or("&[]".into(), |residual| residual.value.clone())
    }

    /// The call of a layer's kernel for one sample, without its residual.
    pub(crate) fn layer(
        &self,
        function: &'static str,
        import: &'static str,
        [weight, bias]: [ParameterId; 2],
        sizes: String,
    ) -> Call {
        let arguments = vec![
            self.read(0),
            self.parameter(weight),
            self.parameter(bias),
            self.write(),
            sizes,
            self.then(),
        ];
        Call {
            imports: vec![Import::Kernel(import), Import::Kernel("finish::Then")],
            ..Call::of_kernel(function, import, arguments)
        }
    }
}

/// An import that a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Import {
    /// A path below the runtime's kernels.
    Kernel(&'static str),
    /// A name of the module of elementwise kernels.
    Elementwise(&'static str),
}

/// A call of a kernel.
pub(crate) struct Call {
    pub(crate) function: &'static str,
    pub(crate) arguments: Vec<String>,
    pub(crate) imports: Vec<Import>,
    /// Whether it computes all samples at once.
    pub(crate) takes_batch: bool,
}

impl Call {
    /// The call of a kernel for one sample; `import` is its path below the runtime's kernels.
    pub(crate) fn of_kernel(
        function: &'static str,
        import: &'static str,
        arguments: Vec<String>,
    ) -> Self {
        Self {
            function,
            arguments,
            imports: vec![Import::Kernel(import)],
            takes_batch: false,
        }
    }

    /// The call of an elementwise kernel for one sample.
    pub(crate) fn of_elementwise(function: &'static str, arguments: Vec<String>) -> Self {
        Self {
            function,
            arguments,
            imports: vec![Import::Elementwise(function)],
            takes_batch: false,
        }
    }

    /// Adds an import of another name of the elementwise kernels' module.
    pub(crate) fn and_elementwise(mut self, name: &'static str) -> Self {
        self.imports.push(Import::Elementwise(name));
        self
    }
}

/// The name of a field, and an integer or an array of integers.
pub(crate) type Field<'a> = (&'static str, &'a dyn Debug);

/// The literal of a structure of sizes, as an argument of a call for one sample.
pub(crate) fn sizes(name: &str, fields: &[Field<'_>]) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(field, value)| (*field, format!("{value:?}")))
        .collect();
    structure(2, name, &fields)
}

/// A structure's literal, one field a line, formatted as rustfmt would for an argument of a call at
/// this level. A field without a value uses the variable of its name.
pub(crate) fn structure(level: usize, name: &str, fields: &[(&str, String)]) -> String {
    let indent = "    ".repeat(level + 1);
    let mut text = format!("{name} {{\n");
    for (field, value) in fields {
        let separator = if value.is_empty() { "" } else { ": " };
        let _ = writeln!(text, "{indent}    {field}{separator}{value},");
    }
    text + &indent + "}"
}
