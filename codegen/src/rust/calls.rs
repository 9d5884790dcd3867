//! The body of a frozen `predict`: one call of a kernel for each operation, as one would write them by hand.

use super::weights::Statics;
use crate::emulator::Emulator;
use crate::graph::{
    Activation, Function, Graph, Inverse, Logarithm, NodeId, Operation, ParameterId, Rescale,
    Resize, Standardise, Transform, TransposedConv1d,
};
use crate::plan::{Place, Plan, Step};
use std::fmt::Write as _;

/// Writes the calls of one emulator.
pub(super) struct Calls<'a> {
    pub(super) emulator: &'a Emulator,
    pub(super) plan: &'a Plan,
    pub(super) statics: &'a Statics,
}

impl Calls<'_> {
    /// All calls in order, indented by two levels.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for step in self.plan.steps() {
            match *step {
                Step::Evaluate { node, place } => {
                    let about = &self.emulator.graph().nodes()[node.index()];
                    let _ = writeln!(
                        text,
                        "        // Node {}: {}.",
                        node.index(),
                        self.describe(node)
                    );
                    if place == Place::Copied {
                        let (from, to) = (self.read(about.inputs()[0]), self.write(node));
                        text.push_str(&call("copy", &[from, to]));
                    }
                    text.push_str(&self.operation(node));
                }
                Step::Member { index, node } => {
                    let _ = writeln!(text, "        // Member {index} ends here.");
                    let arguments = [
                        index.to_string(),
                        self.read(node),
                        "&weights::UNIT".into(),
                        "mean".into(),
                        "std".into(),
                    ];
                    text.push_str(&call("ensemble::accumulate", &arguments));
                }
            }
        }
        text
    }

    /// The node's kind, operands and shape.
    fn describe(&self, node: NodeId) -> String {
        let about = &self.emulator.graph().nodes()[node.index()];
        let operands: Vec<_> = about
            .inputs()
            .iter()
            .map(|operand| operand.index().to_string())
            .collect();
        format!(
            "{} of node {}, {}",
            about.operation().kind(),
            operands.join(" and "),
            about.shape()
        )
    }

    fn read(&self, node: NodeId) -> String {
        self.slice(node, "&")
    }

    fn write(&self, node: NodeId) -> String {
        self.slice(node, "&mut ")
    }

    /// The slot that holds a node's value, cut to its size.
    fn slice(&self, node: NodeId, reference: &str) -> String {
        let (slot, size) = (
            self.plan.slot(node),
            self.emulator.graph().shape(node).size(),
        );
        match self.plan.sizes()[slot] {
            all if all == size => format!("slot{slot}"),
            _ => format!("{reference}slot{slot}[..{size}]"),
        }
    }

    /// The kernel's call for a node.
    fn operation(&self, node: NodeId) -> String {
        let graph = self.emulator.graph();
        let about = &graph.nodes()[node.index()];
        let parameter = |id| format!("&{}", self.statics.path(id));
        let read = |operand: usize| self.read(about.inputs()[operand]);
        let write = self.write(node);
        let operand = || graph.shape(about.inputs()[0]).length_and_channels();
        match about.operation() {
            Operation::Input(_) => String::new(),
            Operation::Logarithm(Logarithm { mask }) => {
                call("logarithm", &[format!("&{mask:?}"), write])
            }
            Operation::Standardise(Standardise { centre, scale }) => call(
                "standardise",
                &[parameter(*centre), parameter(*scale), write],
            ),
            Operation::Dense(dense) => call(
                "dense",
                &[
                    read(0),
                    parameter(dense.weight),
                    parameter(dense.bias),
                    write,
                ],
            ),
            Operation::Conv1d(conv) => {
                let sizes = convolution(graph, conv.weight);
                let sizes = structure(
                    "Conv1d",
                    &[("length", operand().0), sizes[0], sizes[1], sizes[2]],
                );
                call(
                    "conv1d",
                    &[
                        read(0),
                        parameter(conv.weight),
                        parameter(conv.bias),
                        write,
                        sizes,
                    ],
                )
            }
            Operation::TransposedConv1d(TransposedConv1d {
                weight,
                bias,
                stride,
                length: length_out,
            }) => {
                let sizes = convolution(graph, *weight);
                let lengths = [("length_in", operand().0), ("length_out", *length_out)];
                let fields = [
                    lengths[0],
                    lengths[1],
                    sizes[0],
                    sizes[1],
                    sizes[2],
                    ("stride", *stride),
                ];
                let sizes = structure("TransposedConv1d", &fields);
                call(
                    "transposed_conv1d",
                    &[read(0), parameter(*weight), parameter(*bias), write, sizes],
                )
            }
            Operation::Resize(Resize { length: length_out }) => {
                let fields = [
                    ("length_in", operand().0),
                    ("length_out", *length_out),
                    ("channels", operand().1),
                ];
                call("resize", &[read(0), write, structure("Resize", &fields)])
            }
            Operation::Add(_) => call("add", &[read(0), read(1), write]),
            Operation::Activation(Activation { function }) => {
                let function = match function {
                    Function::Relu => "Activation::Relu",
                    Function::Silu => "Activation::Silu",
                    Function::Tanh => "Activation::Tanh",
                };
                call("activation", &[function.into(), write])
            }
            Operation::Rescale(Rescale { scale, offset }) => {
                call("rescale", &[parameter(*scale), parameter(*offset), write])
            }
            Operation::Transform(Transform { function }) => {
                let function = match function {
                    Inverse::Exp => "Transform::Exp",
                    Inverse::Sinh => "Transform::Sinh",
                };
                call("transform", &[function.into(), write])
            }
            Operation::Transpose(_) => {
                let (length, channels) = operand();
                call(
                    "transpose",
                    &[read(0), write, length.to_string(), channels.to_string()],
                )
            }
        }
    }
}

/// The fields of a convolution that follow from its weight `[K][CIN][COUT]`.
fn convolution(graph: &Graph, weight: ParameterId) -> [(&'static str, usize); 3] {
    let shape = graph.parameters().shape(weight);
    [
        ("inputs", shape[1]),
        ("outputs", shape[2]),
        ("kernel", shape[0]),
    ]
}

/// A structure's literal, one field a line, as rustfmt writes it as an argument.
fn structure(name: &str, fields: &[(&str, usize)]) -> String {
    let mut text = format!("{name} {{\n");
    for (field, value) in fields {
        let _ = writeln!(text, "                {field}: {value},");
    }
    text + "            }"
}

/// A call as a statement, laid out as rustfmt does: arguments on one line where they have at most 60 characters.
fn call(function: &str, arguments: &[String]) -> String {
    const WIDTH: usize = 60;
    let line = arguments.join(", ");
    if line.len() <= WIDTH && !line.contains('\n') {
        return format!("        {function}({line});\n");
    }
    let mut text = format!("        {function}(\n");
    for argument in arguments {
        let _ = writeln!(text, "            {argument},");
    }
    text + "        );\n"
}
