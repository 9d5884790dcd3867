//! The whole model: inputs, the necessary nodes, and the requested outputs in their shape.

use super::builder::{IN_DOMAIN, INPUT, MEAN, MEMBER, ModelBuilder, STD, ints};
use super::guard::{self, Guard};
use super::options::{Batch, OPERATORS, What};
use super::proto::{
    Dimension, GraphProto, Length, ModelProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TensorType, TypeProto, ValueInfoProto,
};
use super::{local, metadata, statistics};
use crate::emulator::Emulator;
use crate::graph::{NodeId, Shape};
use crate::operation::onnx::Operands;
use crate::{Error, Result};

/// The version of the messages.
const INTERMEDIATE_REPRESENTATION: i64 = 8;

/// Adds one node of the emulator's graph after those that it reads.
fn write(builder: &mut ModelBuilder<'_>, id: NodeId) {
    let graph = builder.graph;
    let node = &graph.nodes()[id.index()];
    // The graph's input has a name from the beginning.
    let Some(implementation) = node.operation().implementation() else {
        return;
    };
    let inputs = || node.inputs().iter();
    let values: Vec<_> = inputs().map(|&from| builder.value(from)).collect();
    let shapes: Vec<_> = inputs().map(|&from| graph.shape(from)).collect();
    let operands = Operands {
        values: &values,
        shapes: &shapes,
        result: node.shape(),
    };
    let value = implementation.onnx(builder, &operands);
    builder.name(id, value);
}

/// The message that the file consists of.
pub(super) fn model(emulator: &Emulator, what: What, batch: Batch) -> Result<ModelProto> {
    let members = match what {
        What::Prediction | What::Mean => emulator.members(),
        What::Member(index) => member(emulator, index)?,
    };
    let graph = emulator.graph();
    let mut builder = ModelBuilder::new(graph, batch);
    for (index, needed) in graph.needed(members).into_iter().enumerate() {
        if needed {
            write(&mut builder, NodeId(index));
        }
    }
    let rows: Vec<_> = members
        .iter()
        .map(|&member| row(&mut builder, member))
        .collect();
    let shape = &emulator.outputs().shape;
    let mean = statistics::mean(&mut builder, &rows);
    let outputs = match what {
        What::Prediction => prediction(&mut builder, emulator, &rows, &mean),
        What::Mean | What::Member(_) => {
            let (name, about) = match what {
                What::Member(_) => (MEMBER, "One member's outputs"),
                _ => (MEAN, "The members' mean"),
            };
            let about = format!("{about}, {}", units(emulator)[0]);
            let value = shaped(&mut builder, emulator, mean);
            vec![finish(&mut builder, &value, name).info(&about, shape, batch)]
        }
    };
    Ok(ModelProto {
        ir_version: INTERMEDIATE_REPRESENTATION,
        producer_name: env!("CARGO_PKG_NAME").into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string: match what {
            What::Prediction => "A DENSE emulator: raw inputs to physical outputs, their standard deviation, and whether \
                 the inputs lie in the trained box",
            _ => "A DENSE emulator: raw inputs to physical outputs, without guard and uncertainty",
        }
        .into(),
        opset_import: vec![OperatorSetIdProto {
            domain: Some(String::new()),
            version: OPERATORS,
        }],
        metadata_props: metadata::properties(emulator),
        graph: Some(GraphProto {
            name: "emulator".into(),
            input: vec![Named::number(INPUT).info(
                "Raw inputs, in the order and units of the property `inputs`",
                &[emulator.input_count()],
                batch,
            )],
            output: outputs,
            node: builder.nodes,
            initializer: builder.constants,
        }),
    })
}

/// The three outputs of the whole prediction. Mean and standard deviation of a row with an input
/// that is not finite are NaN, as in deployed code; `in_domain` is true where deployed code's
/// status is ok.
fn prediction(
    builder: &mut ModelBuilder<'_>,
    emulator: &Emulator,
    members: &[String],
    mean: &str,
) -> Vec<ValueInfoProto> {
    let (shape, batch) = (&emulator.outputs().shape, builder.batch());
    let deviation = statistics::deviation(builder, emulator, members, mean);
    let deviation = local::scaled(builder, emulator, deviation);
    let Guard { finite, in_domain } = guard::guard(builder, emulator);
    let (in_domain, about) = match &emulator.local().coverage {
        None => (
            in_domain,
            "Whether every input is finite and within its trained range, and every result is finite",
        ),
        Some(coverage) => {
            let near = local::near(builder, emulator, coverage);
            (
                builder.push("And", &[&in_domain, &near], Vec::new()),
                "Whether every input is finite and within its trained range, a training point is near, and every result is \
                 finite",
            )
        }
    };
    let nan = builder.number("nan", f32::NAN);
    let [mean, deviation] =
        [mean, &deviation].map(|value| builder.push("Where", &[&finite, value, &nan], Vec::new()));
    let in_domain = guard::and_no_overflow(builder, &in_domain, [&mean, &deviation]);
    let [mean, deviation] = [mean, deviation].map(|value| shaped(builder, emulator, value));
    let [of_mean, of_deviation] = units(emulator);
    vec![
        finish(builder, &mean, MEAN).info(&format!("The members' mean, {of_mean}"), shape, batch),
        finish(builder, &deviation, STD).info(
            &format!("The calibrated standard deviation, {of_deviation}"),
            shape,
            batch,
        ),
        finish(builder, &in_domain, IN_DOMAIN)
            .truth()
            .info(about, &[], batch),
    ]
}

/// The units of mean and standard deviation.
fn units(emulator: &Emulator) -> [&'static str; 2] {
    match emulator.outputs().relative {
        None => ["in physical units"; 2],
        Some(_) => [
            "before offset and scale (property `outputs`, float64): an output is offset + scale * mean",
            "before the scale (property `outputs`, float64)",
        ],
    }
}

fn member(emulator: &Emulator, index: usize) -> Result<&[NodeId]> {
    let members = emulator.members();
    members.get(index..=index).ok_or_else(|| Error::Emulator {
        part: "member to export".into(),
        expected: format!("an index below {}", members.len()),
        got: index.to_string(),
    })
}

/// A member's result in the order of the outputs: sequences and images are read position by
/// position.
fn row(builder: &mut ModelBuilder<'_>, member: NodeId) -> String {
    let value = builder.value(member);
    let shape = builder.graph.shape(member);
    let channels_last: &[usize] = match shape {
        Shape::Vector(_) => return value,
        Shape::Sequence { .. } => &[0, 2, 1],
        Shape::Image { .. } => &[0, 2, 3, 1],
    };
    let (positions, channels) = shape.positions_and_channels();
    let value = match positions.min(channels) {
        1 => value,
        _ => builder.push("Transpose", &[&value], vec![ints("perm", channels_last)]),
    };
    builder.reshape(&value, &[shape.size()])
}

/// A row's values in the shape of the outputs.
fn shaped(builder: &mut ModelBuilder<'_>, emulator: &Emulator, row: String) -> String {
    let shape = &emulator.outputs().shape;
    if **shape == [emulator.output_count()] {
        row
    } else {
        builder.reshape(&row, shape)
    }
}

/// Renames a value to an output's name.
fn finish<'a>(builder: &mut ModelBuilder<'_>, value: &str, output: &'a str) -> Named<'a> {
    builder.rename(value, output);
    Named::number(output)
}

/// An input or output of the model: its name, and the type of its elements.
struct Named<'a> {
    name: &'a str,
    element: i32,
}

impl<'a> Named<'a> {
    fn number(name: &'a str) -> Self {
        Self {
            name,
            element: TensorProto::FLOAT,
        }
    }

    fn truth(self) -> Self {
        Self {
            element: TensorProto::BOOL,
            ..self
        }
    }

    fn info(self, about: &str, row: &[usize], batch: Batch) -> ValueInfoProto {
        let rows = match batch {
            Batch::One => Length::DimValue(1),
            Batch::Any => Length::DimParam("n".into()),
        };
        let sizes = row.iter().map(|&size| Length::DimValue(size as i64));
        let dimension = |length| Dimension {
            value: Some(length),
        };
        ValueInfoProto {
            name: self.name.to_owned(),
            doc_string: about.to_owned(),
            r#type: Some(TypeProto {
                tensor_type: Some(TensorType {
                    elem_type: self.element,
                    shape: Some(TensorShapeProto {
                        dim: std::iter::once(rows).chain(sizes).map(dimension).collect(),
                    }),
                }),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Operation;
    use crate::testing;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn operations_are_written_with_the_operators_that_they_name() {
        let mut used: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let emulators = (0..200).map(testing::random_structure);
        for emulator in emulators.chain((0..3).map(testing::emulator)) {
            let graph = emulator.graph();
            let mut builder = ModelBuilder::new(graph, Batch::Any);
            for (id, node) in graph.named_nodes() {
                let before = builder.nodes.len();
                write(&mut builder, id);
                let written = builder.nodes[before..].iter();
                let kind = used.entry(node.operation().kind()).or_default();
                kind.extend(written.map(|node| node.op_type.clone()));
            }
        }
        let kinds = Operation::KINDS.iter().zip(Operation::ONNX_OPERATORS);
        for (kind, operators) in kinds {
            let named: BTreeSet<_> = operators.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(used.get(kind), Some(&named), "{kind}");
        }
    }

    #[test]
    fn the_document_has_the_operators_of_every_operation() {
        let document = include_str!("../../../docs/onnx.md");
        let kinds = Operation::KINDS.iter().zip(Operation::ONNX_OPERATORS);
        let rows = kinds.filter(|(_, operators)| !operators.is_empty());
        let row = |(kind, operators): (&&str, &&[&str])| {
            format!("| {kind} | {} |\n", operators.join(", "))
        };
        let table: String = rows.map(row).collect();
        let head = "| operation | operators |\n|---|---|\n";
        assert!(
            document.contains(&format!("{head}{table}\n")),
            "docs/onnx.md should have\n{head}{table}"
        );
    }
}
