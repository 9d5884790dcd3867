//! The whole model: inputs, the nodes that are needed, and the members' mean in the shape of the outputs.

use super::draft::{Draft, INPUT, MEAN, MEMBER, ints};
use super::proto::{
    Dimension, GraphProto, Length, ModelProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TensorType, TypeProto, ValueInfoProto,
};
use super::{Batch, What, operation};
use crate::emulator::Emulator;
use crate::graph::{NodeId, Shape};
use crate::{Error, Result};

/// The version of the messages.
const INTERMEDIATE_REPRESENTATION: i64 = 8;
/// The version of the operators: the oldest that has all that are used here, for engines that lag behind.
const OPERATORS: i64 = 13;

/// The message that the file consists of.
pub(super) fn model(emulator: &Emulator, what: What, batch: Batch) -> Result<ModelProto> {
    let (members, output) = match what {
        What::Mean => (emulator.members(), MEAN),
        What::Member(index) => (member(emulator, index)?, MEMBER),
    };
    let graph = emulator.graph();
    let mut draft = Draft::new(graph, batch);
    for (index, needed) in graph.needed(members).into_iter().enumerate() {
        if needed {
            operation::write(&mut draft, NodeId(index));
        }
    }
    let rows: Vec<_> = members
        .iter()
        .map(|&member| row(&mut draft, member))
        .collect();
    let shape = &emulator.outputs().shape;
    let mut value = mean(&mut draft, &rows);
    if *shape != [emulator.output_count()] {
        value = draft.reshape(&value, shape);
    }
    finish(&mut draft, &value, output);
    let info = |name: &str, sizes: &[usize]| value_info(name, batch, sizes);
    Ok(ModelProto {
        ir_version: INTERMEDIATE_REPRESENTATION,
        producer_name: env!("CARGO_PKG_NAME").into(),
        producer_version: env!("CARGO_PKG_VERSION").into(),
        doc_string:
            "A DENSE emulator: raw inputs to physical outputs, without guard and uncertainty".into(),
        opset_import: vec![OperatorSetIdProto {
            domain: Some(String::new()),
            version: OPERATORS,
        }],
        metadata_props: vec![inputs(emulator)],
        graph: Some(GraphProto {
            name: "emulator".into(),
            input: vec![info(INPUT, &[emulator.input_count()])],
            output: vec![info(output, shape)],
            node: draft.nodes,
            initializer: draft.constants,
        }),
    })
}

fn member(emulator: &Emulator, index: usize) -> Result<&[NodeId]> {
    let members = emulator.members();
    members.get(index..=index).ok_or_else(|| Error::Emulator {
        part: "member to export".into(),
        expected: format!("an index below {}", members.len()),
        got: index.to_string(),
    })
}

/// A member's result in the order of the outputs: sequences and images are read position by position.
fn row(draft: &mut Draft<'_>, member: NodeId) -> String {
    let value = draft.value(member);
    let shape = draft.graph.shape(member);
    let channels_last: &[usize] = match shape {
        Shape::Vector(_) => return value,
        Shape::Sequence { .. } => &[0, 2, 1],
        Shape::Image { .. } => &[0, 2, 3, 1],
    };
    let (positions, channels) = shape.positions_and_channels();
    let value = match positions.min(channels) {
        1 => value,
        _ => draft.push("Transpose", &[&value], vec![ints("perm", channels_last)]),
    };
    draft.reshape(&value, &[shape.size()])
}

fn mean(draft: &mut Draft<'_>, rows: &[String]) -> String {
    let [first, others @ ..] = rows else {
        unreachable!("an emulator has a member");
    };
    if others.is_empty() {
        return first.clone();
    }
    let sum = others.iter().fold(first.clone(), |sum, row| {
        draft.push("Add", &[&sum, row], Vec::new())
    });
    let share = draft.number("share", 1.0 / rows.len() as f32);
    draft.push("Mul", &[&sum, &share], Vec::new())
}

/// Gives the value, which the last node has made unless it is the model's input, the output's name.
fn finish(draft: &mut Draft<'_>, value: &str, output: &str) {
    if draft.nodes.last().is_none_or(|node| node.output != [value]) {
        draft.push("Identity", &[value], Vec::new());
    }
    if let Some(node) = draft.nodes.last_mut() {
        node.output = vec![output.to_owned()];
    }
}

/// Names and trained ranges of the inputs: the model itself does not check them.
fn inputs(emulator: &Emulator) -> StringStringEntryProto {
    StringStringEntryProto {
        key: "inputs".into(),
        value: serde_json::to_string(emulator.inputs())
            .expect("names and finite numbers can be written as JSON"),
    }
}

fn value_info(name: &str, batch: Batch, row: &[usize]) -> ValueInfoProto {
    let rows = match batch {
        Batch::One => Length::DimValue(1),
        Batch::Any => Length::DimParam("n".into()),
    };
    let sizes = row.iter().map(|&size| Length::DimValue(size as i64));
    let dim = std::iter::once(rows).chain(sizes);
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorType {
                elem_type: TensorProto::FLOAT,
                shape: Some(TensorShapeProto {
                    dim: dim
                        .map(|length| Dimension {
                            value: Some(length),
                        })
                        .collect(),
                }),
            }),
        }),
    }
}
