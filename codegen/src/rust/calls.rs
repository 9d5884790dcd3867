//! The body of a frozen `predict`: one call of a kernel for each operation, as if written by hand.

use crate::emulator::Emulator;
use crate::graph::{Node, NodeId, ParameterId};
use crate::image::{self, parameter_field};
use crate::operation::rust::{self, Import};
use crate::plan::{BufferPlan, Evaluation, Place, Step};
use crate::template::fill;
use dense_runtime::kernels::finish::Then;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The code between guard and results, and its dependencies.
#[derive(Default)]
pub(super) struct Body {
    /// The statements.
    pub(super) text: String,
    /// The imports of the statements.
    pub(super) imports: BTreeSet<Import>,
    /// Whether the statements call `copy`.
    pub(super) copies: bool,
}

/// Writes the code between guard and results: the error scale, all calls in order and the
/// statistics.
pub(super) fn body(emulator: &Emulator) -> Body {
    let plan = BufferPlan::new(emulator.graph(), emulator.members());
    let calls = Calls {
        emulator,
        plan: &plan,
    };
    let scaled = emulator.local().error_scale.is_some();
    let mut body = Body::default();
    if scaled {
        body.text += include_str!("templates/scales.rs.txt");
    }
    calls.write(&mut body);
    if emulator.members().len() > 1 {
        let (text, scale) = if scaled {
            (include_str!("templates/finish_scaled.rs.txt"), "scale")
        } else {
            (include_str!("templates/finish.rs.txt"), "1.0")
        };
        let numbers = ["MEMBERS", "calibration"].map(str::to_owned);
        let finish = statistics(emulator, "finish", numbers.to_vec(), scale);
        body.text += &fill(text, &[("finish", &finish)]);
    }
    body
}

/// The call that ends a row's statistics: the function for slopes if the emulator has them.
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

/// Everything that distinguishes one emulator's code from another's, except the constants in its
/// image.
pub(super) fn code(emulator: &Emulator) -> String {
    let inputs = emulator.inputs().iter();
    let logarithmic: Vec<_> = inputs.map(|input| input.logarithmic).collect();
    let members = emulator.members().len();
    let relative = image::relative(emulator);
    let body = body(emulator).text;
    format!("{members} {logarithmic:?}\n{body}{relative}")
}

/// Writes the calls of one emulator.
struct Calls<'a> {
    emulator: &'a Emulator,
    plan: &'a BufferPlan,
}

impl Calls<'_> {
    /// Adds all calls in order, indented by one level.
    fn write(&self, body: &mut Body) {
        for step in self.plan.steps() {
            let _ = writeln!(body.text, "    // {}.", self.describe(step));
            match step {
                Step::Evaluate(evaluation) => self.evaluation(evaluation, body),
                Step::Member { index, node } => body.text += &self.member(*index, *node),
            }
        }
    }

    /// Describes a step: the node's kind, operands and shape, and the fused operations.
    fn describe(&self, step: &Step) -> String {
        let Evaluation {
            node, result, then, ..
        } = match step {
            Step::Member { index, .. } => return format!("Member {index} ends here"),
            Step::Evaluate(evaluation) => *evaluation,
        };
        let about = self.node(node);
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
        if then != Then::Nothing {
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

    /// The size of that slot in floats.
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

    /// A value as an argument of a call.
    fn operand(&self, node: NodeId, reference: &str) -> rust::Operand {
        rust::Operand {
            shape: self.emulator.graph().shape(node),
            slot: self.slot(node),
            slot_size: self.slot_size(node),
            value: self.value(node, reference),
        }
    }

    /// The statement that computes a node.
    fn evaluation(&self, evaluation: &Evaluation, body: &mut Body) {
        let Evaluation {
            node,
            result,
            then,
            residual,
            place,
        } = *evaluation;
        let about = self.node(node);
        let Some(implementation) = about.operation().implementation() else {
            return;
        };
        let operands = about.inputs();
        let written = implementation.rust(&rust::Node {
            operands: operands
                .iter()
                .map(|&node| self.operand(node, "&"))
                .collect(),
            result: self.operand(result, "&mut "),
            residual: residual.map(|node| self.operand(node, "&")),
            then,
            shape: about.shape(),
            parameters: self.emulator.graph().parameters(),
            parameter: &|id| self.parameter(id),
        });
        body.imports.extend(&written.imports);
        if written.takes_batch {
            body.text += &call(1, written.function, &written.arguments);
            return;
        }
        let mut calls = String::new();
        let mut read = Vec::new();
        match place {
            Place::InPlace => {}
            Place::Copied => {
                let arguments = [self.value(operands[0], "&"), self.value(result, "&mut ")];
                calls += &call(2, "copy", &arguments);
                body.copies = true;
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
        calls += &call(2, written.function, &written.arguments);
        let slots: Vec<_> = read.iter().map(|&node| self.slot(node)).collect();
        body.text += &each_sample(&slots, &self.slot(result), &calls);
    }

    /// The statement that adds a member to the statistics.
    fn member(&self, index: usize, node: NodeId) -> String {
        let slot = self.slot(node);
        let value = self.value(node, "&");
        if self.emulator.members().len() == 1 {
            let scaled = self.emulator.local().error_scale.is_some();
            let (scale, scales, pattern) = if scaled {
                ("scale", ".zip(scales)", "(((mean, std), status), scale)")
            } else {
                ("1.0", "", "((mean, std), status)")
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
}

/// A loop over samples: the slots that are read, and the one that is written.
fn each_sample(read: &[String], written: &str, calls: &str) -> String {
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
    if pattern.is_empty() {
        (pattern, values) = (written.into(), format!("{written}.iter_mut()"));
    } else {
        pattern = format!("({pattern}, {written})");
        let _ = write!(values, ".zip(&mut *{written})");
    }
    format!("    for {pattern} in {values}.take(samples) {{\n{calls}    }}\n")
}

/// A call as a statement, formatted as rustfmt would: arguments on one line if they have at most 60
/// characters.
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
