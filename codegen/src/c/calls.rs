//! The body of `PREFIX_predict`: one line for each step of the buffer plan.

use super::positions::Convolution;
use crate::emulator::Emulator;
use crate::graph::{
    Activation, Dense, Function, Inverse, Logarithm, Node, NodeId, Operation, ParameterId, Rescale,
    Standardise, Transform,
};
use crate::image::parameter_field;
use crate::plan::{Place, Plan, Step};
use dense_runtime::kernels::finish::Then;
use std::fmt::Write as _;

/// Writes the calls of one emulator.
pub(super) struct Calls<'a> {
    pub(super) emulator: &'a Emulator,
    pub(super) plan: &'a Plan,
}

impl Calls<'_> {
    /// All calls in order.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for step in self.plan.steps() {
            match step {
                Step::Evaluate { .. } => text += &self.evaluation(step),
                Step::Member { index, node } => text += &self.member(*index, *node),
            }
        }
        if self.emulator.members().len() > 1 {
            let numbers = ["weights->gain", "weights->unit", "weights->floor", "std"];
            text += &call("deviations", &numbers);
        }
        if self.emulator.calibration().slope.is_some() {
            text += &call("add_slopes", &["weights->slope", "mean", "std"]);
        }
        if self.emulator.local().error_scale.is_some() {
            text += &call("scale_deviations", &["scale", "std"]);
        }
        text
    }

    fn node(&self, node: NodeId) -> &Node {
        &self.emulator.graph().nodes()[node.index()]
    }

    fn slot(&self, node: NodeId) -> String {
        format!("slot{}", self.plan.slot(node))
    }

    fn parameter(&self, id: ParameterId) -> String {
        let parameter = self.emulator.graph().parameters().get(id);
        let name = parameter.map_or(String::new(), |parameter| parameter_field(id, parameter));
        format!("weights->{name}")
    }

    /// What computes a node, and what is fused to it.
    fn evaluation(&self, step: &Step) -> String {
        let Step::Evaluate {
            node,
            result,
            then,
            residual,
            place,
        } = *step
        else {
            return String::new();
        };
        let about = self.node(node);
        let operands: Vec<_> = about
            .inputs()
            .iter()
            .map(|operand| operand.index().to_string())
            .collect();
        let mut text = format!(
            "    /* node {}: {} of {}, {} */\n",
            node.index(),
            about.operation().kind(),
            operands.join(" and "),
            about.shape()
        );
        let size = about.shape().size().to_string();
        let to = self.slot(result);
        if place == Place::Copied {
            text += &call("copy", &[&size, &self.slot(about.inputs()[0]), &to]);
        }
        text += &self.operation(node, &to);
        let convolution = Convolution::of(self.emulator.graph(), about).is_some();
        // A ReLU leaves no negative zero.
        if convolution && matches!(then, Then::Nothing | Then::Add | Then::AddRelu) {
            text += &call("positive_zeros", &[&size, &to]);
        }
        if matches!(then, Then::Relu | Then::ReluAdd) {
            text += &call("relu", &[&size, &to]);
        }
        if let Some(residual) = residual {
            text += &call("add_to", &[&size, &self.slot(residual), &to]);
        }
        if then == Then::AddRelu {
            text += &call("relu", &[&size, &to]);
        }
        text
    }

    /// The call for a node's operation alone.
    fn operation(&self, node: NodeId, to: &str) -> String {
        let graph = self.emulator.graph();
        let about = self.node(node);
        let size = about.shape().size();
        let from = |operand: usize| self.slot(about.inputs()[operand]);
        let ([rows_in, columns_in], channels) = graph.shape(about.inputs()[0]).size_and_channels();
        let ([rows, columns], _) = about.shape().size_and_channels();
        let numbers = |numbers: &[usize]| {
            numbers
                .iter()
                .map(usize::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        };
        let elementwise = |function: &str| call(function, &[&size.to_string(), to]);
        match about.operation() {
            Operation::Input(_) => String::new(),
            Operation::Logarithm(Logarithm { mask }) => {
                let logarithmic = mask.iter().enumerate().filter(|(_, masked)| **masked);
                logarithmic
                    .map(|(k, _)| call("logarithm", &[&format!("&{to}[{k}]")]))
                    .collect()
            }
            Operation::Standardise(Standardise { centre, scale }) => call(
                "standardise",
                &[
                    &size.to_string(),
                    &self.parameter(*centre),
                    &self.parameter(*scale),
                    to,
                ],
            ),
            Operation::Rescale(Rescale { scale, offset }) => call(
                "rescale",
                &[
                    &size.to_string(),
                    &self.parameter(*scale),
                    &self.parameter(*offset),
                    to,
                ],
            ),
            Operation::Dense(Dense { weight, bias, .. }) => {
                let sizes = numbers(&[rows_in * columns_in * channels, size]);
                let (weight, bias) = (self.parameter(*weight), self.parameter(*bias));
                call("dense", &[&sizes, &from(0), &weight, &bias, to])
            }
            Operation::Conv1d(_)
            | Operation::Conv2d(_)
            | Operation::TransposedConv1d(_)
            | Operation::TransposedConv2d(_) => self.convolution(node, to),
            Operation::Resize(_) => call(
                "resize",
                &[&numbers(&[columns_in, columns, channels]), &from(0), to],
            ),
            Operation::Resize2d(_) => {
                let sizes = numbers(&[rows_in, columns_in, rows, columns, channels]);
                call("resize2d", &[&sizes, &from(0), to])
            }
            // Where the loops are one, a compiler may call memmove for it.
            Operation::Transpose(_) if channels == 1 || rows_in * columns_in == 1 => {
                call("copy", &[&size.to_string(), &from(0), to])
            }
            Operation::Transpose(_) => call(
                "transpose",
                &[&numbers(&[rows_in * columns_in, channels]), &from(0), to],
            ),
            Operation::Add(_) => call("add", &[&size.to_string(), &from(0), &from(1), to]),
            Operation::Multiply(_) => {
                call("multiply", &[&size.to_string(), &from(0), &from(1), to])
            }
            Operation::Activation(Activation { function }) => elementwise(match function {
                Function::Relu => "relu",
                Function::Silu => "silu",
                Function::Tanh => "hyperbolic_tangent",
            }),
            Operation::Transform(Transform { function }) => elementwise(match function {
                Inverse::Exp => "exponential",
                Inverse::Sinh => "hyperbolic_sine",
            }),
        }
    }

    fn convolution(&self, node: NodeId, to: &str) -> String {
        let about = self.node(node);
        let Some(convolution) = Convolution::of(self.emulator.graph(), about) else {
            return String::new();
        };
        let mut text = String::new();
        if convolution.has_zeros {
            text += &call("fill", &[&about.shape().size().to_string(), "0.0f", to]);
        }
        let table = table_name(node);
        let arguments = [
            format!("&{table}[k]"),
            convolution.outputs.to_string(),
            self.slot(about.inputs()[0]),
            self.parameter(convolution.weight),
            self.parameter(convolution.bias),
            to.into(),
        ];
        let arguments = arguments.each_ref().map(String::as_str);
        let _ = write!(
            text,
            "    for (k = 0; k < {}; k++) {{\n    {}    }}\n",
            convolution.positions.len(),
            call("convolve", &arguments)
        );
        text
    }

    /// The tables that the convolutions read.
    pub(super) fn tables(&self) -> String {
        let graph = self.emulator.graph();
        let mut text = String::new();
        for (index, node) in graph.nodes().iter().enumerate() {
            let Some(convolution) = Convolution::of(graph, node) else {
                continue;
            };
            let _ = write!(
                text,
                "\n/* node {index}: {} */\nstatic const struct positions {}[{}] = {{\n",
                node.operation().kind(),
                table_name(NodeId(index)),
                convolution.positions.len()
            );
            for fields in convolution.positions {
                let fields: Vec<_> = fields.iter().map(i64::to_string).collect();
                let _ = writeln!(text, "    {{{}}},", fields.join(", "));
            }
            text += "};\n";
        }
        text
    }

    /// Bytes of these tables: sixteen words for each class of positions.
    pub(super) fn table_bytes(&self) -> usize {
        let graph = self.emulator.graph();
        let convolutions = graph.nodes().iter();
        let convolutions = convolutions.filter_map(|node| Convolution::of(graph, node));
        let positions = convolutions.flat_map(|convolution| convolution.positions);
        positions.map(|fields| 4 * fields.len()).sum()
    }

    /// What takes a member into the statistics.
    fn member(&self, index: usize, node: NodeId) -> String {
        let from = self.slot(node);
        let text = format!("    /* member {index} is node {} */\n", node.index());
        if self.emulator.members().len() == 1 {
            let outputs = self.emulator.output_count().to_string();
            return text
                + &call("copy", &[&outputs, &from, "mean"])
                + &call("copy", &[&outputs, "weights->deviation", "std"]);
        }
        text + &match index {
            0 => call("first_member", &[&from, "mean", "std"]),
            _ => call(
                "next_member",
                &[&index.to_string(), &from, "weights->unit", "mean", "std"],
            ),
        }
    }
}

fn table_name(node: NodeId) -> String {
    format!("POSITIONS_{}", node.index())
}

fn call(function: &str, arguments: &[&str]) -> String {
    format!("    {function}({});\n", arguments.join(", "))
}
