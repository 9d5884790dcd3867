//! The body of `PREFIX_predict`: one line for each step of the buffer plan.

use crate::emulator::Emulator;
use crate::graph::{NodeId, ParameterId};
use crate::image::parameter_field;
use crate::operation::c::{Code, Node};
use crate::plan::{BufferPlan, Evaluation, Place, Step};
use dense_runtime::kernels::finish::Then;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// The statements of one emulator's call, and their dependencies.
#[derive(Default)]
pub(super) struct Body {
    pub(super) text: String,
    /// The functions that they call.
    pub(super) functions: BTreeSet<&'static str>,
    /// For each node, the name of its kind and the positions of a convolution.
    tables: BTreeMap<usize, (&'static str, Vec<[i64; 16]>)>,
}

impl Body {
    /// The statements of all steps in order.
    pub(super) fn new(emulator: &Emulator, plan: &BufferPlan) -> Self {
        let calls = Calls { emulator, plan };
        let mut body = Self::default();
        for step in plan.steps() {
            match step {
                Step::Evaluate(evaluation) => calls.evaluation(evaluation, &mut body),
                Step::Member { index, node } => calls.member(*index, *node, &mut body),
            }
        }
        if emulator.members().len() > 1 {
            let numbers = ["weights->gain", "weights->unit", "weights->floor", "std"];
            body.call("deviations", &numbers);
        }
        if emulator.calibration().slope.is_some() {
            body.call("add_slopes", &["weights->slope", "mean", "std"]);
        }
        if emulator.local().error_scale.is_some() {
            body.call("scale_deviations", &["scale", "std"]);
        }
        body
    }

    /// Whether there are loops over tables, whose variable is `k`.
    pub(super) fn has_loops(&self) -> bool {
        !self.tables.is_empty()
    }

    /// The tables that the convolutions read.
    pub(super) fn tables(&self) -> String {
        let mut text = String::new();
        for (&node, (kind, positions)) in &self.tables {
            let _ = write!(
                text,
                "\n/* node {node}: {kind} */\nstatic const struct positions {}[{}] = {{\n",
                table_name(node),
                positions.len()
            );
            for fields in positions {
                let fields: Vec<_> = fields.iter().map(i64::to_string).collect();
                let _ = writeln!(text, "    {{{}}},", fields.join(", "));
            }
            text += "};\n";
        }
        text
    }

    /// Bytes of these tables: sixteen words for each class of positions.
    pub(super) fn table_bytes(&self) -> usize {
        let positions = self.tables.values().flat_map(|(_, positions)| positions);
        positions.map(|fields| 4 * fields.len()).sum()
    }

    /// Adds a call.
    fn call(&mut self, function: &'static str, arguments: &[&str]) {
        self.functions.insert(function);
        self.text += &call(function, arguments);
    }

    /// Adds the calls that compute a node.
    fn code(&mut self, node: usize, kind: &'static str, code: Code) {
        let borrowed = |arguments: &[String]| {
            arguments
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        };
        for one in &code.calls {
            self.call(one.function, &[&borrowed(&one.arguments)]);
        }
        if let Some(convolved) = code.convolution {
            let one = convolved.call;
            self.functions.insert(one.function);
            let _ = write!(
                self.text,
                "    for (k = 0; k < {}; k++) {{\n    {}    }}\n",
                convolved.positions.len(),
                call(one.function, &[&borrowed(&one.arguments)])
            );
            self.tables.insert(node, (kind, convolved.positions));
        }
    }
}

/// The writer of the statements.
struct Calls<'a> {
    emulator: &'a Emulator,
    plan: &'a BufferPlan,
}

impl Calls<'_> {
    fn slot(&self, node: NodeId) -> String {
        format!("slot{}", self.plan.slot(node))
    }

    fn parameter(&self, id: ParameterId) -> String {
        let parameter = self.emulator.graph().parameters().get(id);
        let name = parameter.map_or(String::new(), |parameter| parameter_field(id, parameter));
        format!("weights->{name}")
    }

    /// The code that computes a node, and the operations fused to it.
    fn evaluation(&self, evaluation: &Evaluation, body: &mut Body) {
        let Evaluation {
            node,
            result,
            then,
            residual,
            place,
        } = *evaluation;
        let graph = self.emulator.graph();
        let about = &graph.nodes()[node.index()];
        let Some(implementation) = about.operation().implementation() else {
            return;
        };
        let kind = about.operation().kind();
        let operands: Vec<_> = about
            .inputs()
            .iter()
            .map(|operand| operand.index().to_string())
            .collect();
        let _ = writeln!(
            body.text,
            "    /* node {}: {kind} of {}, {} */",
            node.index(),
            operands.join(" and "),
            about.shape()
        );
        let size = about.shape().size().to_string();
        let to = self.slot(result);
        if place == Place::Copied {
            body.call("copy", &[&size, &self.slot(about.inputs()[0]), &to]);
        }
        let operand = |&node: &NodeId| (self.slot(node), graph.shape(node));
        let code = implementation.c(&Node {
            operands: about.inputs().iter().map(operand).collect(),
            to: to.clone(),
            shape: about.shape(),
            table: table_name(node.index()),
            parameters: graph.parameters(),
            parameter: &|id| self.parameter(id),
        });
        // A ReLU leaves no negative zero.
        let leaves_negative_zeros =
            code.convolution.is_some() && matches!(then, Then::Nothing | Then::Add | Then::AddRelu);
        body.code(node.index(), kind, code);
        if leaves_negative_zeros {
            body.call("positive_zeros", &[&size, &to]);
        }
        if matches!(then, Then::Relu | Then::ReluAdd) {
            body.call("relu", &[&size, &to]);
        }
        if let Some(residual) = residual {
            body.call("add_to", &[&size, &self.slot(residual), &to]);
        }
        if then == Then::AddRelu {
            body.call("relu", &[&size, &to]);
        }
    }

    /// The code that adds a member to the statistics.
    fn member(&self, index: usize, node: NodeId, body: &mut Body) {
        let from = self.slot(node);
        let _ = writeln!(
            body.text,
            "    /* member {index} is node {} */",
            node.index()
        );
        if self.emulator.members().len() == 1 {
            let outputs = self.emulator.output_count().to_string();
            body.call("copy", &[&outputs, &from, "mean"]);
            body.call("copy", &[&outputs, "weights->deviation", "std"]);
            return;
        }
        match index {
            0 => body.call("first_member", &[&from, "mean", "std"]),
            _ => body.call(
                "next_member",
                &[&index.to_string(), &from, "weights->unit", "mean", "std"],
            ),
        }
    }
}

fn table_name(node: usize) -> String {
    format!("POSITIONS_{node}")
}

fn call(function: &str, arguments: &[&str]) -> String {
    format!("    {function}({});\n", arguments.join(", "))
}
