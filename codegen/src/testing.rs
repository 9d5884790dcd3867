//! A small emulator that uses every operation, for this crate's tests.

use crate::emulator::{Calibration, Emulator, EmulatorParts, InputVariable, Layout, Outputs};
use crate::graph::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Draws parameters and names them in order.
struct Draft {
    graph: Graph,
    random: ChaCha8Rng,
    drawn: usize,
}

impl Draft {
    fn parameter(&mut self, shape: &[usize]) -> ParameterId {
        let values = (0..shape.iter().product())
            .map(|_| self.random.random_range(-0.5..0.5))
            .collect();
        self.drawn += 1;
        self.graph
            .parameter(&format!("p{}", self.drawn), shape, values)
            .unwrap()
    }

    fn push(&mut self, operation: Operation, inputs: &[NodeId]) -> NodeId {
        self.graph.push(operation, inputs).unwrap()
    }

    fn dense(&mut self, output: Shape, from: NodeId) -> NodeId {
        let (inputs, outputs) = (self.graph.shape(from).size(), output.size());
        let (weight, bias) = (
            self.parameter(&[inputs, outputs]),
            self.parameter(&[outputs]),
        );
        self.push(
            Operation::Dense(Dense {
                weight,
                bias,
                output,
            }),
            &[from],
        )
    }

    fn activation(&mut self, function: Function, from: NodeId) -> NodeId {
        self.push(Operation::Activation(Activation { function }), &[from])
    }

    fn member(&mut self, function: Function, from: NodeId) -> NodeId {
        let activated = self.activation(function, from);
        let output = self.dense(
            Shape::Sequence {
                length: 9,
                channels: 2,
            },
            activated,
        );
        let (scale, offset) = (self.parameter(&[18]), self.parameter(&[18]));
        let physical = self.push(Operation::Rescale(Rescale { scale, offset }), &[output]);
        let inverse = if function == Function::Tanh {
            Inverse::Exp
        } else {
            Inverse::Sinh
        };
        let physical = self.push(
            Operation::Transform(Transform { function: inverse }),
            &[physical],
        );
        self.push(Operation::Transpose(Transpose), &[physical])
    }
}

/// Three members on a shared beginning, three inputs (one logarithmic), outputs 2 x 9; every kind of operation.
pub(crate) fn emulator(seed: u64) -> Emulator {
    let random = ChaCha8Rng::seed_from_u64(seed);
    let mut draft = Draft {
        graph: Graph::new(3),
        random,
        drawn: 0,
    };
    let logarithm = Operation::Logarithm(Logarithm {
        mask: vec![false, true, false],
    });
    let logarithm = draft.push(logarithm, &[Graph::INPUT]);
    let (centre, scale) = (draft.parameter(&[3]), draft.parameter(&[3]));
    let standardised = draft.push(
        Operation::Standardise(Standardise { centre, scale }),
        &[logarithm],
    );
    let start = draft.dense(
        Shape::Sequence {
            length: 4,
            channels: 3,
        },
        standardised,
    );
    let start = draft.activation(Function::Silu, start);
    let (weight, bias) = (draft.parameter(&[3, 3, 5]), draft.parameter(&[5]));
    let convolved = draft.push(Operation::Conv1d(Conv1d { weight, bias }), &[start]);
    let resized = draft.push(Operation::Resize(Resize { length: 9 }), &[convolved]);
    let (weight, bias) = (draft.parameter(&[5, 3, 5]), draft.parameter(&[5]));
    let grown = TransposedConv1d {
        weight,
        bias,
        stride: 2,
        length: 9,
    };
    let grown = draft.push(Operation::TransposedConv1d(grown), &[start]);
    let sum = draft.push(Operation::Add(Add), &[resized, grown]);
    let members = [Function::Relu, Function::Silu, Function::Tanh]
        .map(|function| draft.member(function, sum));

    let input = |name: &str, low, high, logarithmic| InputVariable {
        name: name.into(),
        low,
        high,
        logarithmic,
    };
    Emulator::new(EmulatorParts {
        graph: draft.graph,
        members: members.into(),
        calibration: Calibration {
            gain: 1.7,
            unit: vec![0.25; 18],
            floor: vec![1e-4; 18],
        },
        inputs: vec![
            input("temperature_eV", -1.0, 1.1, false),
            input("density_m3", 0.1, 10.0, true),
            input("angle_deg", 0.0, 0.3, false),
        ],
        outputs: Outputs {
            layout: Layout::Curves,
            shape: vec![2, 9],
            names: vec!["thermal".into(), "non-thermal".into()],
            axes: Vec::new(),
        },
        provenance: BTreeMap::from([
            ("seed".into(), seed.into()),
            ("mse_z".into(), 0.1234567890123.into()),
        ]),
    })
    .unwrap()
}

/// Inputs within the box of [`emulator`], row-major.
pub(crate) fn rows(count: usize, seed: u64) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut row = || {
        [
            random.random_range(-1.0..1.1),
            random.random_range(0.1..10.0),
            random.random_range(0.0..0.3),
        ]
    };
    (0..count).flat_map(|_| row()).collect()
}

/// One to three members, each a chain of operations drawn at random on a shared beginning; inputs as in [`emulator`].
pub(crate) fn random_structure(seed: u64) -> Emulator {
    let mut parts = emulator(seed).into_parts();
    let mut draft = Draft {
        graph: Graph::new(3),
        random: ChaCha8Rng::seed_from_u64(seed),
        drawn: 0,
    };
    let sequence = Shape::Sequence {
        length: draft.random.random_range(1..8),
        channels: draft.random.random_range(1..5),
    };
    let start = draft.dense(sequence, Graph::INPUT);
    let start = draft.activation(Function::Tanh, start);
    let members = draft.random.random_range(1..=3);
    parts.members = (0..members)
        .map(|_| {
            let mut last = start;
            for _ in 0..draft.random.random_range(0..6) {
                last = draft.drawn_operation(last);
            }
            draft.dense(Shape::Vector(18), last)
        })
        .collect();
    parts.graph = draft.graph;
    Emulator::new(parts).unwrap()
}

impl Draft {
    /// One of the operations that take a sequence to a sequence, bounded so that values stay near one.
    fn drawn_operation(&mut self, from: NodeId) -> NodeId {
        let Shape::Sequence { length, channels } = self.graph.shape(from) else {
            unreachable!("chains are of sequences");
        };
        let kernel = 2 * self.random.random_range(0..4) + 1;
        let outputs = self.random.random_range(1..5);
        match self.random.random_range(0..5) {
            0 => {
                let weight = self.parameter(&[kernel, channels, outputs]);
                let bias = self.parameter(&[outputs]);
                self.push(Operation::Conv1d(Conv1d { weight, bias }), &[from])
            }
            1 => {
                let grown = TransposedConv1d {
                    weight: self.parameter(&[kernel, channels, outputs]),
                    bias: self.parameter(&[outputs]),
                    stride: self.random.random_range(1..4),
                    length: self.random.random_range(1..12),
                };
                self.push(Operation::TransposedConv1d(grown), &[from])
            }
            2 => {
                let length = self.random.random_range(1..12);
                self.push(Operation::Resize(Resize { length }), &[from])
            }
            3 => {
                let straight = self.dense(Shape::Sequence { length, channels }, from);
                let bent = self.activation(Function::Silu, straight);
                self.push(Operation::Add(Add), &[bent, from])
            }
            _ => self.activation(Function::Tanh, from),
        }
    }
}
