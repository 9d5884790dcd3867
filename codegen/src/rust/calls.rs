//! The body of a frozen `predict`: one call of a kernel for each operation, as one would write them by hand.

use crate::emulator::Emulator;
use crate::graph::{
    Activation, Dense, Function, Inverse, Kernel, Logarithm, Node, NodeId, Operation, ParameterId,
    Rescale, Standardise, Transform,
};
use crate::image::{self, parameter_field};
use crate::plan::{Place, Plan, Step};
use dense_runtime::kernels::finish::Then;
use std::fmt::{Debug, Write as _};

/// Everything between guard and results: the scale of errors, all calls in order and the statistics.
pub(super) fn body(emulator: &Emulator) -> String {
    let plan = Plan::new(emulator);
    let calls = Calls {
        emulator,
        plan: &plan,
    };
    let scaled = emulator.local().error_scale.is_some();
    let mut body = String::new();
    if scaled {
        body += include_str!("templates/scales.rs.txt");
    }
    body += &calls.text();
    if emulator.members().len() > 1 {
        let (text, scale) = match scaled {
            false => (include_str!("templates/finish.rs.txt"), "1.0"),
            true => (include_str!("templates/finish_scaled.rs.txt"), "scale"),
        };
        let numbers = ["MEMBERS", "calibration"].map(str::to_owned);
        body += &text.replace(
            "{{finish}}",
            &statistics(emulator, "finish", numbers.to_vec(), scale),
        );
    }
    body
}

/// The call that ends a row's statistics: the function that goes with slopes where the emulator has them.
fn statistics(
    emulator: &Emulator,
    function: &str,
    mut arguments: Vec<String>,
    scale: &str,
) -> String {
    let sloped = match emulator.calibration().slope {
        None => "",
        Some(_) => {
            arguments.push("&weights.slope".into());
            "_sloped"
        }
    };
    arguments.extend([scale, "mean", "std", "status"].map(str::to_owned));
    call(2, &format!("ensemble::{function}{sloped}"), &arguments)
}

/// All that makes a call of one emulator another's, but for the numbers in its image.
pub(super) fn code(emulator: &Emulator) -> String {
    let inputs = emulator.inputs().iter();
    let logarithmic: Vec<_> = inputs.map(|input| input.logarithmic).collect();
    let members = emulator.members().len();
    let relative = image::relative(emulator);
    format!("{members} {logarithmic:?}\n{}{relative}", body(emulator))
}

/// Writes the calls of one emulator.
struct Calls<'a> {
    emulator: &'a Emulator,
    plan: &'a Plan,
}

impl Calls<'_> {
    /// All calls in order, indented by one level.
    fn text(&self) -> String {
        let mut text = String::new();
        for step in self.plan.steps() {
            let _ = writeln!(text, "    // {}.", self.describe(step));
            match step {
                Step::Evaluate { .. } => text.push_str(&self.evaluation(step)),
                Step::Member { index, node } => text.push_str(&self.member(*index, *node)),
            }
        }
        text
    }

    /// What happens in a step: the node's kind, operands and shape, and what is fused.
    fn describe(&self, step: &Step) -> String {
        let (node, result, then) = match step {
            Step::Member { index, .. } => return format!("Member {index} ends here"),
            Step::Evaluate {
                node, result, then, ..
            } => (node, result, then),
        };
        let about = self.node(*node);
        let operands: Vec<_> = about
            .inputs()
            .iter()
            .map(|operand| operand.index().to_string())
            .collect();
        let mut text = format!(
            "Node {}: {} of node {}, {}",
            node.index(),
            about.operation().kind(),
            operands.join(" and "),
            about.shape()
        );
        if *then != Then::Nothing {
            let _ = write!(text, "; then on to node {}", result.index());
        }
        text
    }

    fn node(&self, node: NodeId) -> &Node {
        &self.emulator.graph().nodes()[node.index()]
    }

    /// The name of the slot that holds a node's value.
    fn slot(&self, node: NodeId) -> String {
        format!("slot{}", self.plan.slot(node))
    }

    /// How many numbers that slot has.
    fn slot_size(&self, node: NodeId) -> usize {
        self.plan.sizes()[self.plan.slot(node)]
    }

    /// One sample's value of a node: its slot, cut to its size.
    fn value(&self, node: NodeId, reference: &str) -> String {
        let (slot, size) = (self.slot(node), self.emulator.graph().shape(node).size());
        match self.slot_size(node) {
            all if all == size => slot,
            _ => format!("{reference}{slot}[..{size}]"),
        }
    }

    /// The statement for a step that computes a node.
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
        if let Operation::Dense(layer) = self.node(node).operation() {
            return self.dense(node, layer, result, then, residual);
        }
        let operands = self.node(node).inputs();
        let write = self.value(result, "&mut ");
        let mut calls = String::new();
        let mut read = Vec::new();
        match place {
            Place::InPlace => {}
            Place::Copied => {
                let from = self.value(operands[0], "&");
                calls.push_str(&call(2, "copy", &[from, write.clone()]));
                read.push(operands[0]);
            }
            Place::Apart => {
                for &operand in operands.iter().chain(&residual) {
                    if !read.contains(&operand) {
                        read.push(operand);
                    }
                }
            }
        }
        calls.push_str(&self.operation(node, write, then, residual));
        let slots: Vec<_> = read.iter().map(|&node| self.slot(node)).collect();
        each_sample(&slots, Some(&self.slot(result)), &calls)
    }

    /// A dense layer takes all samples at once.
    fn dense(
        &self,
        node: NodeId,
        layer: &Dense,
        result: NodeId,
        then: Then,
        residual: Option<NodeId>,
    ) -> String {
        let operand = self.node(node).inputs()[0];
        let fields = [
            (
                "inputs",
                self.emulator.graph().shape(operand).size().to_string(),
            ),
            ("from", self.slot_size(operand).to_string()),
            ("outputs", self.node(node).shape().size().to_string()),
            ("to", self.slot_size(result).to_string()),
            (
                "residual",
                residual.map_or(0, |node| self.slot_size(node)).to_string(),
            ),
        ];
        let mut sizes = vec![("samples", String::new())];
        sizes.extend(fields);
        call(
            1,
            "dense",
            &[
                format!("{}.as_flattened()", self.slot(operand)),
                self.parameter(layer.weight),
                self.parameter(layer.bias),
                format!("{}.as_flattened_mut()", self.slot(result)),
                structure(1, "Dense", &sizes),
                then_path(then),
                residual.map_or("&[]".into(), |node| {
                    format!("{}.as_flattened()", self.slot(node))
                }),
            ],
        )
    }

    /// The statement that takes a member into the statistics.
    fn member(&self, index: usize, node: NodeId) -> String {
        let slot = self.slot(node);
        let value = self.value(node, "&");
        if self.emulator.members().len() == 1 {
            let scaled = self.emulator.local().error_scale.is_some();
            let (scale, scales, pattern) = match scaled {
                true => ("scale", ".zip(scales)", "(((mean, std), status), scale)"),
                false => ("1.0", "", "((mean, std), status)"),
            };
            let numbers = vec![value, "&weights.deviation".into()];
            let call = statistics(self.emulator, "single", numbers, scale);
            let results =
                format!("    let results = mean.iter_mut().zip(std).zip(status){scales};\n");
            let each = format!("for ({slot}, {pattern}) in {slot}.iter().zip(results)");
            return format!("{results}    {each} {{\n{call}    }}\n");
        }
        let arguments = [
            index.to_string(),
            value,
            "&weights.unit".into(),
            "mean".into(),
            "std".into(),
        ];
        let call = call(2, "ensemble::accumulate", &arguments);
        let results = "mean.iter_mut().zip(&mut *std)";
        let results = format!("    let results = {results};\n");
        let each = format!("for ({slot}, (mean, std)) in {slot}.iter().zip(results)");
        format!("{results}    {each} {{\n{call}    }}\n")
    }

    fn parameter(&self, id: ParameterId) -> String {
        let parameter = self.emulator.graph().parameters().get(id);
        let name = parameter.map_or(String::new(), |parameter| parameter_field(id, parameter));
        format!("&weights.{name}")
    }

    /// The kernel's call for one sample.
    fn operation(
        &self,
        node: NodeId,
        write: String,
        then: Then,
        residual: Option<NodeId>,
    ) -> String {
        let graph = self.emulator.graph();
        let about = &graph.nodes()[node.index()];
        let parameter = |id| self.parameter(id);
        let read = |operand: usize| self.value(about.inputs()[operand], "&");
        let from = graph.shape(about.inputs()[0]);
        let (size_in, channels) = from.size_and_channels();
        let [_, length_in] = size_in;
        let kernel = |weight| Kernel::of(graph.parameters(), weight);
        let layer = |weight, bias, sizes| {
            vec![
                read(0),
                parameter(weight),
                parameter(bias),
                write.clone(),
                sizes,
                then_path(then),
            ]
        };
        let residual = || residual.map_or("&[]".into(), |node| self.value(node, "&"));
        let call = |function: &str, arguments: &[String]| call(2, function, arguments);
        match about.operation() {
            Operation::Input(_) | Operation::Dense(_) => String::new(),
            Operation::Logarithm(Logarithm { mask }) => {
                call("logarithm", &[format!("&{mask:?}"), write])
            }
            Operation::Standardise(Standardise { centre, scale }) => call(
                "standardise",
                &[parameter(*centre), parameter(*scale), write],
            ),
            Operation::Conv1d(conv) => {
                let Kernel {
                    taps: [_, kernel],
                    inputs,
                    outputs,
                } = kernel(conv.weight);
                let fields: [Field<'_>; 4] = [
                    ("length", &length_in),
                    ("inputs", &inputs),
                    ("outputs", &outputs),
                    ("kernel", &kernel),
                ];
                let mut arguments = layer(conv.weight, conv.bias, sizes("Conv1d", &fields));
                arguments.push(residual());
                call("conv1d", &arguments)
            }
            Operation::Conv2d(conv) => {
                let Kernel {
                    taps,
                    inputs,
                    outputs,
                } = kernel(conv.weight);
                let fields: [Field<'_>; 4] = [
                    ("size", &size_in),
                    ("inputs", &inputs),
                    ("outputs", &outputs),
                    ("kernel", &taps),
                ];
                let mut arguments = layer(conv.weight, conv.bias, sizes("Conv2d", &fields));
                arguments.push(residual());
                call("conv2d", &arguments)
            }
            Operation::TransposedConv1d(conv) => {
                let Kernel {
                    taps: [_, kernel],
                    inputs,
                    outputs,
                } = kernel(conv.weight);
                let fields: [Field<'_>; 6] = [
                    ("length_in", &length_in),
                    ("length_out", &conv.length),
                    ("inputs", &inputs),
                    ("outputs", &outputs),
                    ("kernel", &kernel),
                    ("stride", &conv.stride),
                ];
                let sizes = sizes("TransposedConv1d", &fields);
                call("transposed_conv1d", &layer(conv.weight, conv.bias, sizes))
            }
            Operation::TransposedConv2d(conv) => {
                let Kernel {
                    taps,
                    inputs,
                    outputs,
                } = kernel(conv.weight);
                let fields: [Field<'_>; 6] = [
                    ("size_in", &size_in),
                    ("size_out", &[conv.height, conv.width]),
                    ("inputs", &inputs),
                    ("outputs", &outputs),
                    ("kernel", &taps),
                    ("stride", &conv.stride),
                ];
                let sizes = sizes("TransposedConv2d", &fields);
                call("transposed_conv2d", &layer(conv.weight, conv.bias, sizes))
            }
            Operation::Resize(to) => {
                let fields: [Field<'_>; 3] = [
                    ("length_in", &length_in),
                    ("length_out", &to.length),
                    ("channels", &channels),
                ];
                call("resize", &[read(0), write, sizes("Resize", &fields)])
            }
            Operation::Resize2d(to) => {
                let fields: [Field<'_>; 3] = [
                    ("size_in", &size_in),
                    ("size_out", &[to.height, to.width]),
                    ("channels", &channels),
                ];
                call("resize2d", &[read(0), write, sizes("Resize2d", &fields)])
            }
            Operation::Add(_) => call("add", &[read(0), read(1), write]),
            Operation::Multiply(_) => call("multiply", &[read(0), read(1), write]),
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
                let (positions, channels) = from.positions_and_channels();
                call(
                    "transpose",
                    &[read(0), write, positions.to_string(), channels.to_string()],
                )
            }
        }
    }
}

/// A loop over samples: the slots that are read, and the one that is written.
fn each_sample(read: &[String], written: Option<&str>, calls: &str) -> String {
    let mut pattern = String::new();
    let mut values = String::new();
    for slot in read {
        if pattern.is_empty() {
            (pattern, values) = (slot.clone(), format!("{slot}.iter()"));
        } else {
            pattern = format!("({pattern}, {slot})");
            let _ = write!(values, ".zip(&*{slot})");
        }
    }
    if let Some(slot) = written {
        if pattern.is_empty() {
            (pattern, values) = (slot.into(), format!("{slot}.iter_mut()"));
        } else {
            pattern = format!("({pattern}, {slot})");
            let _ = write!(values, ".zip(&mut *{slot})");
        }
    }
    format!("    for {pattern} in {values}.take(samples) {{\n{calls}    }}\n")
}

/// The path of what is fused.
fn then_path(then: Then) -> String {
    format!("Then::{then:?}")
}

/// The name of a field, and a number or an array of numbers.
type Field<'a> = (&'static str, &'a dyn Debug);

/// The literal of a structure of numbers.
fn sizes(name: &str, fields: &[Field<'_>]) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(field, value)| (*field, format!("{value:?}")))
        .collect();
    structure(2, name, &fields)
}

/// A structure's literal, one field a line, as rustfmt writes it as an argument of a call at this level. A field without
/// a value has that of the variable of its name.
fn structure(level: usize, name: &str, fields: &[(&str, String)]) -> String {
    let indent = "    ".repeat(level + 1);
    let mut text = format!("{name} {{\n");
    for (field, value) in fields {
        let separator = if value.is_empty() { "" } else { ": " };
        let _ = writeln!(text, "{indent}    {field}{separator}{value},");
    }
    text + &indent + "}"
}

/// A call as a statement, laid out as rustfmt does: arguments on one line where they have at most 60 characters.
fn call(level: usize, function: &str, arguments: &[String]) -> String {
    const WIDTH: usize = 60;
    let indent = "    ".repeat(level);
    let line = arguments.join(", ");
    if line.len() <= WIDTH && !line.contains('\n') {
        return format!("{indent}{function}({line});\n");
    }
    let mut text = format!("{indent}{function}(\n");
    for argument in arguments {
        let _ = writeln!(text, "{indent}    {argument},");
    }
    text + &indent + ");\n"
}
