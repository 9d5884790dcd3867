//! One small emulator for each operation, so that an engine's error can be measured for each.
//!
//! Each consists of its operation and the layer that makes its operand: a dense layer for a
//! sequence or an image, a rescaling for an operand of large range.

use crate::networks::GraphBuilder;
use dense_codegen::Emulator;
use dense_codegen::emulator::Layout;
use dense_codegen::graph::{
    Add, Clip, Conv1d, Conv2d, Dense, Function, Graph, Inverse, Logarithm, Multiply, NodeId,
    Operation, Rescale, Resize, Resize2d, Shape, Standardise, Transform, Transpose,
    TransposedConv1d, TransposedConv2d,
};
use dense_codegen::local::{Coordinates, Coverage, ErrorScale, Local};
use std::f64::consts::E;

const INPUTS: usize = 8;
const SEQUENCE: Shape = Shape::Sequence {
    length: 9,
    channels: 5,
};
const IMAGE: Shape = Shape::Image {
    height: 5,
    width: 4,
    channels: 3,
};
/// The largest exponent, in either direction.
const EXPONENT: f32 = 8.0;

/// Every operation's emulator with its name; the last has four members, for the statistics.
#[must_use]
pub fn operations() -> Vec<(&'static str, Emulator)> {
    let activation = |function| {
        move |builder: &mut GraphBuilder| {
            let node = builder.dense(Graph::INPUT, SEQUENCE);
            builder.activation(node, function)
        }
    };
    let transform = |function| {
        move |builder: &mut GraphBuilder| {
            let node = spread(builder);
            builder.push(Operation::Transform(Transform { function }), node)
        }
    };
    vec![
        ("logarithm", logarithmic()),
        ("standardise", one(standardise)),
        ("rescale", one(spread)),
        (
            "dense",
            one(|builder| builder.dense(Graph::INPUT, Shape::Vector(33))),
        ),
        ("conv1d", one(conv1d)),
        ("conv2d", one(conv2d)),
        ("transposed conv1d", one(transposed_conv1d)),
        ("transposed conv2d", one(transposed_conv2d)),
        (
            "resize",
            one(|builder| {
                let node = builder.dense(Graph::INPUT, SEQUENCE);
                builder.push(Operation::Resize(Resize { length: 14 }), node)
            }),
        ),
        (
            "resize2d",
            one(|builder| {
                let node = builder.dense(Graph::INPUT, IMAGE);
                let (height, width) = (10, 7);
                builder.push(Operation::Resize2d(Resize2d { height, width }), node)
            }),
        ),
        (
            "add",
            one(|builder| {
                let [a, b] = [0, 1].map(|_| builder.dense(Graph::INPUT, SEQUENCE));
                let sum = builder.graph.push(Operation::Add(Add), &[a, b]);
                sum.expect("both have one shape")
            }),
        ),
        (
            "multiply",
            one(|builder| {
                let [a, b] = [0, 1].map(|_| builder.dense(Graph::INPUT, SEQUENCE));
                let product = builder.graph.push(Operation::Multiply(Multiply), &[a, b]);
                product.expect("both have one shape")
            }),
        ),
        (
            "clip",
            one(|builder| {
                let node = builder.dense(Graph::INPUT, SEQUENCE);
                let size = SEQUENCE.size();
                let mut bounds = |name, bound| {
                    let values = (0..size).map(|k| bound * (1.0 + k as f32 / size as f32));
                    let bounds = builder.graph.parameter(name, &[size], values.collect());
                    bounds.expect("finite numbers of a new name")
                };
                let (low, high) = (bounds("low", -0.4), bounds("high", 0.4));
                builder.push(Operation::Clip(Clip { low, high }), node)
            }),
        ),
        (
            "transpose",
            one(|builder| {
                let node = builder.dense(Graph::INPUT, IMAGE);
                builder.push(Operation::Transpose(Transpose), node)
            }),
        ),
        ("ReLU", one(activation(Function::Relu))),
        ("SiLU", one(activation(Function::Silu))),
        ("tanh", one(activation(Function::Tanh))),
        ("sine", one(activation(Function::Sine))),
        ("exp", one(transform(Inverse::Exp))),
        ("sinh", one(transform(Inverse::Sinh))),
        (
            "error scale",
            local(Local {
                error_scale: Some(error_scale()),
                coverage: None,
            }),
        ),
        (
            "coverage",
            local(Local {
                error_scale: None,
                coverage: Some(coverage()),
            }),
        ),
        (
            "slopes of one member",
            sloped(one(transform(Inverse::Exp)), 0.3),
        ),
        ("slopes of several members", sloped(members(), 1e-5)),
        ("statistics", members()),
    ]
}

/// The emulator whose only member ends at the node that `end` returns.
fn one(end: impl Fn(&mut GraphBuilder) -> NodeId) -> Emulator {
    let mut builder = GraphBuilder::new(INPUTS);
    let end = end(&mut builder);
    builder.emulator(end)
}

/// An emulator whose errors are this share of its means, or more where the means are small.
fn sloped(emulator: Emulator, slope: f32) -> Emulator {
    let mut parts = emulator.into_parts();
    parts.calibration.floor.fill(0.0);
    parts.calibration.slope = Some(vec![slope; parts.calibration.unit.len()]);
    Emulator::new(parts).expect("a slope is not negative")
}

/// The inputs, scaled to [`EXPONENT`] in either direction.
fn spread(builder: &mut GraphBuilder) -> NodeId {
    let offset = builder.parameter(&[INPUTS], 0.1);
    let scale = builder
        .graph
        .parameter("spread", &[INPUTS], vec![EXPONENT; INPUTS]);
    let scale = scale.expect("finite numbers of a new name");
    builder.push(Operation::Rescale(Rescale { scale, offset }), Graph::INPUT)
}

/// Half of the inputs are logarithmic, over twelve decades.
fn logarithmic() -> Emulator {
    let emulator = one(|builder| {
        let mask = (0..INPUTS).map(|input| input % 2 == 0).collect();
        builder.push(Operation::Logarithm(Logarithm { mask }), Graph::INPUT)
    });
    let mut parts = emulator.into_parts();
    for input in parts.inputs.iter_mut().step_by(2) {
        (input.low, input.high, input.logarithmic) = (1e-6, 1e6, true);
    }
    Emulator::new(parts).expect("limits in order")
}

fn standardise(builder: &mut GraphBuilder) -> NodeId {
    let [centre, scale] = [0.5, 2.0].map(|deviation| builder.parameter(&[INPUTS], deviation));
    let standardise = Standardise { centre, scale };
    builder.push(Operation::Standardise(standardise), Graph::INPUT)
}

fn conv1d(builder: &mut GraphBuilder) -> NodeId {
    let node = builder.dense(Graph::INPUT, SEQUENCE);
    let (weight, bias) = builder.kernel(node, &[3], 7);
    builder.push(Operation::Conv1d(Conv1d { weight, bias }), node)
}

fn conv2d(builder: &mut GraphBuilder) -> NodeId {
    let node = builder.dense(Graph::INPUT, IMAGE);
    let (weight, bias) = builder.kernel(node, &[3, 5], 6);
    builder.push(Operation::Conv2d(Conv2d { weight, bias }), node)
}

fn transposed_conv1d(builder: &mut GraphBuilder) -> NodeId {
    let node = builder.dense(Graph::INPUT, SEQUENCE);
    let (weight, bias) = builder.kernel(node, &[5], 4);
    let operation = TransposedConv1d {
        weight,
        bias,
        stride: 2,
        length: 18,
    };
    builder.push(Operation::TransposedConv1d(operation), node)
}

/// Its rows are cut, its columns padded.
fn transposed_conv2d(builder: &mut GraphBuilder) -> NodeId {
    let node = builder.dense(Graph::INPUT, IMAGE);
    let (weight, bias) = builder.kernel(node, &[3, 3], 6);
    let operation = TransposedConv2d {
        weight,
        bias,
        stride: [2, 2],
        height: 8,
        width: 9,
    };
    builder.push(Operation::TransposedConv2d(operation), node)
}

/// A dense layer with the local estimates; every other input is logarithmic.
fn local(local: Local) -> Emulator {
    let mut parts = one(|builder| builder.dense(Graph::INPUT, Shape::Vector(7))).into_parts();
    for input in parts.inputs.iter_mut().step_by(2) {
        (input.low, input.high, input.logarithmic) = (E.recip(), E, true);
    }
    parts.local = local;
    Emulator::new(parts).expect("as many numbers as inputs")
}

/// Inputs or their logarithms, which lie in [-1, 1], with unit variance.
fn coordinates() -> Coordinates {
    Coordinates {
        centre: vec![0.0; INPUTS],
        scale: vec![3_f32.sqrt(); INPUTS],
    }
}

/// Its limits are reached on either side.
fn error_scale() -> ErrorScale {
    ErrorScale {
        coordinates: coordinates(),
        linear: (0..INPUTS).map(|input| 0.1 * input as f32 - 0.3).collect(),
        square: (0..INPUTS).map(|input| 0.2 - 0.05 * input as f32).collect(),
        constant: 0.1,
        limits: [-1.0, 1.0],
    }
}

/// Two centres beside the middle, with a radius that covers about half of the box.
fn coverage() -> Coverage {
    // A rotation of each pair of neighbours: its transpose would rotate the other way.
    let turned = |place: usize| match (place / INPUTS, place % INPUTS) {
        (row, column) if row == column => 0.8,
        (row, column) if row ^ 1 == column => {
            if row < column {
                0.6
            } else {
                -0.6
            }
        }
        _ => 0.0,
    };
    Coverage {
        coordinates: coordinates(),
        whitening: (0..INPUTS * INPUTS).map(turned).collect(),
        centres: (0..2 * INPUTS)
            .map(|place| if place < INPUTS { -0.5 } else { 0.5 })
            .collect(),
        square_radius: INPUTS as f32,
    }
}

/// Four members that differ little from their mean, with a scalar output without axes.
fn members() -> Emulator {
    let mut builder = GraphBuilder::new(INPUTS);
    let trunk = builder.dense(Graph::INPUT, Shape::Vector(16));
    let weight = builder.parameter(&[16, 1], 0.25);
    let members: Vec<_> = (0..4)
        .map(|member| {
            let bias = vec![100.0 + 1e-3 * member as f32];
            let bias = builder
                .graph
                .parameter(&format!("bias {member}"), &[1], bias);
            let dense = Dense {
                weight,
                bias: bias.expect("finite numbers of a new name"),
                output: Shape::Vector(1),
            };
            builder.push(Operation::Dense(dense), trunk)
        })
        .collect();
    let mut parts = builder.ensemble(members).into_parts();
    parts.outputs.layout = Layout::Scalars;
    parts.outputs.shape = Vec::new();
    parts.calibration.floor = vec![1e-8];
    Emulator::new(parts).expect("a single number")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_kind_of_operation_has_an_emulator() {
        let emulators = operations();
        let nodes = emulators
            .iter()
            .flat_map(|(_, emulator)| emulator.graph().nodes());
        let there: BTreeSet<_> = nodes.map(|node| node.operation().kind()).collect();
        let missing: Vec<_> = Operation::KINDS
            .iter()
            .filter(|kind| !there.contains(*kind))
            .collect();
        assert!(missing.is_empty(), "no emulator for {missing:?}");
    }
}
