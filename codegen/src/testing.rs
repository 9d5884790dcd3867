//! A small emulator that uses every operation, for this crate's tests.

use crate::emulator::{
    Calibration, Emulator, EmulatorParts, InputVariable, Layout, Outputs, Relative,
};
use crate::graph::*;
use crate::local::{Coordinates, Coverage, ErrorScale, Local};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// Draws random parameters and names them in order.
struct GraphBuilder {
    graph: Graph,
    random: ChaCha8Rng,
    drawn: usize,
}

impl GraphBuilder {
    fn parameter(&mut self, shape: &[usize]) -> ParameterId {
        let values = (0..shape.iter().product())
            .map(|_| self.random.random_range(-0.5..0.5))
            .collect();
        self.drawn += 1;
        self.graph
            .parameter(&format!("p{}", self.drawn), shape, values)
            .unwrap()
    }

    /// Bounds of 18 values.
    fn bounds(&mut self, least: f32, most: f32) -> ParameterId {
        let values = (0..18).map(|_| self.random.random_range(least..most));
        let values = values.collect();
        self.drawn += 1;
        let name = format!("p{}", self.drawn);
        self.graph.parameter(&name, &[18], values).unwrap()
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

    /// An image that is convolved, resized and added to its transposed convolution: `[5][4][2]`.
    fn image(&mut self, from: NodeId) -> NodeId {
        let start = Shape::Image {
            height: 2,
            width: 3,
            channels: 3,
        };
        let start = self.dense(start, from);
        let (weight, bias) = (self.parameter(&[1, 3, 3, 2]), self.parameter(&[2]));
        let convolved = self.push(Operation::Conv2d(Conv2d { weight, bias }), &[start]);
        let (height, width) = (5, 4);
        let resized = self.push(
            Operation::Resize2d(Resize2d { height, width }),
            &[convolved],
        );
        let grown = TransposedConv2d {
            weight: self.parameter(&[5, 3, 3, 2]),
            bias: self.parameter(&[2]),
            stride: [2, 2],
            height,
            width,
        };
        let grown = self.push(Operation::TransposedConv2d(grown), &[start]);
        let sum = self.push(Operation::Add(Add), &[resized, grown]);
        self.push(Operation::Multiply(Multiply), &[sum, grown])
    }

    fn member(&mut self, function: Function, from: NodeId) -> NodeId {
        let activated = self.activation(function, from);
        let output = match function {
            Function::Silu => Shape::Image {
                height: 3,
                width: 3,
                channels: 2,
            },
            _ => Shape::Sequence {
                length: 9,
                channels: 2,
            },
        };
        let output = self.dense(output, activated);
        let (scale, offset) = (self.parameter(&[18]), self.parameter(&[18]));
        let physical = self.push(Operation::Rescale(Rescale { scale, offset }), &[output]);
        let (low, high) = (self.bounds(-1.5, -0.5), self.bounds(0.5, 1.5));
        let physical = self.push(Operation::Clip(Clip { low, high }), &[physical]);
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

/// An emulator with every kind of operation: three members with shared first layers, three inputs
/// (one logarithmic), outputs 2 x 9. Seeds 4, 9 and 14 add slopes.
pub(crate) fn emulator(seed: u64) -> Emulator {
    let random = ChaCha8Rng::seed_from_u64(seed);
    let mut builder = GraphBuilder {
        graph: Graph::new(3),
        random,
        drawn: 0,
    };
    let logarithm = Operation::Logarithm(Logarithm {
        mask: vec![false, true, false],
    });
    let logarithm = builder.push(logarithm, &[Graph::INPUT]);
    let (centre, scale) = (builder.parameter(&[3]), builder.parameter(&[3]));
    let standardised = builder.push(
        Operation::Standardise(Standardise { centre, scale }),
        &[logarithm],
    );
    let start = builder.dense(
        Shape::Sequence {
            length: 4,
            channels: 3,
        },
        standardised,
    );
    let start = builder.activation(Function::Silu, start);
    let (weight, bias) = (builder.parameter(&[3, 3, 5]), builder.parameter(&[5]));
    let convolved = builder.push(Operation::Conv1d(Conv1d { weight, bias }), &[start]);
    let resized = builder.push(Operation::Resize(Resize { length: 9 }), &[convolved]);
    let (weight, bias) = (builder.parameter(&[5, 3, 5]), builder.parameter(&[5]));
    let grown = TransposedConv1d {
        weight,
        bias,
        stride: 2,
        length: 9,
    };
    let grown = builder.push(Operation::TransposedConv1d(grown), &[start]);
    let sum = builder.push(Operation::Add(Add), &[resized, grown]);
    let image = builder.image(standardised);
    let image = builder.dense(builder.graph.shape(sum), image);
    let image = builder.activation(Function::Sine, image);
    let sum = builder.push(Operation::Add(Add), &[sum, image]);
    let members = [Function::Relu, Function::Silu, Function::Tanh]
        .map(|function| builder.member(function, sum));

    let input = |name: &str, low, high, logarithmic| InputVariable {
        name: name.into(),
        low,
        high,
        logarithmic,
    };
    Emulator::new(EmulatorParts {
        graph: builder.graph,
        members: members.into(),
        calibration: Calibration {
            gain: 1.7,
            unit: vec![0.25; 18],
            floor: vec![1e-4; 18],
            slope: (seed % 5 == 4).then(|| (0..18).map(|output| 0.01 * output as f32).collect()),
        },
        local: local(seed),
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
            relative: None,
        },
        provenance: BTreeMap::from([
            ("seed".into(), seed.into()),
            ("mse_z".into(), 0.1234567890123.into()),
        ]),
    })
    .unwrap()
}

/// [`emulator`] with outputs that are relative to offsets and scales.
pub(crate) fn relative_emulator(seed: u64) -> Emulator {
    let mut parts = emulator(seed).into_parts();
    parts.outputs.relative = Some(Relative {
        offset: (0..18).map(|j| 101_325.0 + f64::from(j)).collect(),
        scale: (0..18).map(|j| 2f64.powi(j - 150)).collect(),
    });
    Emulator::new(parts).unwrap()
}

/// The local estimates for the three inputs: none, either, or both, depending on the seed.
fn local(seed: u64) -> Local {
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x10CA1);
    let mut numbers = |count: usize| {
        (0..count)
            .map(|_| random.random_range(-1.0..1.0))
            .collect::<Vec<f32>>()
    };
    let mut coordinates = || Coordinates {
        centre: numbers(3),
        scale: numbers(3),
    };
    let places = [coordinates(), coordinates()];
    let [scale, coverage] = places;
    Local {
        error_scale: (seed % 2 == 1).then(|| ErrorScale {
            coordinates: scale,
            linear: numbers(3),
            square: numbers(3),
            constant: 0.1,
            limits: [-0.5, 0.75],
        }),
        coverage: seed.is_multiple_of(3).then(|| Coverage {
            coordinates: coverage,
            whitening: numbers(9),
            centres: numbers(3 * 11),
            square_radius: 0.25,
        }),
    }
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

/// One to three members, each a random chain of operations after shared first layers; inputs as in
/// [`emulator`].
pub(crate) fn random_structure(seed: u64) -> Emulator {
    let mut parts = emulator(seed).into_parts();
    let mut builder = GraphBuilder {
        graph: Graph::new(3),
        random: ChaCha8Rng::seed_from_u64(seed),
        drawn: 0,
    };
    let start = builder.drawn_shape();
    let start = builder.dense(start, Graph::INPUT);
    let start = builder.activation(Function::Tanh, start);
    let members = builder.random.random_range(1..=3);
    parts.members = (0..members)
        .map(|_| {
            let mut last = start;
            for _ in 0..builder.random.random_range(0..6) {
                last = builder.drawn_operation(last);
            }
            builder.dense(Shape::Vector(18), last)
        })
        .collect();
    parts.graph = builder.graph;
    Emulator::new(parts).unwrap()
}

impl GraphBuilder {
    /// A short sequence or a small image.
    fn drawn_shape(&mut self) -> Shape {
        let channels = self.random.random_range(1..5);
        if self.random.random() {
            Shape::Sequence {
                length: self.random.random_range(1..8),
                channels,
            }
        } else {
            Shape::Image {
                height: self.random.random_range(1..5),
                width: self.random.random_range(1..5),
                channels,
            }
        }
    }

    /// A random operation on a sequence or an image, bounded so that values stay near one.
    fn drawn_operation(&mut self, from: NodeId) -> NodeId {
        let shape = self.graph.shape(from);
        match self.random.random_range(0..8) {
            0 => self.convolution(from),
            1 => self.transposed(from),
            2 => self.resized(from),
            3 => {
                let straight = self.dense(shape, from);
                let bent = self.activation(Function::Silu, straight);
                self.push(Operation::Add(Add), &[bent, from])
            }
            4 => self.activation(Function::Tanh, from),
            5 => self.residual(from),
            6 => {
                let gate = self.dense(shape, from);
                let gate = self.activation(Function::Tanh, gate);
                self.push(Operation::Multiply(Multiply), &[gate, from])
            }
            _ => {
                let other = self.drawn_shape();
                self.dense(other, from)
            }
        }
    }

    /// A convolution or a transposed one, with a ReLU and an addition fused into it in every
    /// supported way.
    fn residual(&mut self, from: NodeId) -> NodeId {
        let mut last = if self.random.random() {
            self.convolution(from)
        } else {
            self.transposed(from)
        };
        if self.random.random() {
            last = self.activation(Function::Relu, last);
        }
        if self.random.random() {
            let beside = self.dense(self.graph.shape(last), from);
            last = self.push(Operation::Add(Add), &[last, beside]);
        }
        let end = [Function::Relu, Function::Tanh][self.random.random_range(0..2)];
        self.activation(end, last)
    }

    fn odd(&mut self) -> usize {
        2 * self.random.random_range(0..3) + 1
    }

    /// Weight and bias of a convolution; an image's has two axes of taps.
    fn kernel(&mut self, from: NodeId) -> [ParameterId; 2] {
        let outputs = self.random.random_range(1..5);
        let mut shape = vec![self.odd()];
        let channels = match self.graph.shape(from) {
            Shape::Sequence { channels, .. } => channels,
            Shape::Image { channels, .. } => {
                shape.push(self.odd());
                channels
            }
            Shape::Vector(_) => unreachable!("chains are of sequences and images"),
        };
        shape.extend([channels, outputs]);
        [self.parameter(&shape), self.parameter(&[outputs])]
    }

    fn convolution(&mut self, from: NodeId) -> NodeId {
        let [weight, bias] = self.kernel(from);
        let convolution = match self.graph.shape(from) {
            Shape::Image { .. } => Operation::Conv2d(Conv2d { weight, bias }),
            _ => Operation::Conv1d(Conv1d { weight, bias }),
        };
        self.push(convolution, &[from])
    }

    fn transposed(&mut self, from: NodeId) -> NodeId {
        let [weight, bias] = self.kernel(from);
        let transposed = match self.graph.shape(from) {
            Shape::Image { .. } => Operation::TransposedConv2d(TransposedConv2d {
                weight,
                bias,
                stride: [
                    self.random.random_range(1..4),
                    self.random.random_range(1..4),
                ],
                height: self.random.random_range(1..8),
                width: self.random.random_range(1..8),
            }),
            _ => Operation::TransposedConv1d(TransposedConv1d {
                weight,
                bias,
                stride: self.random.random_range(1..4),
                length: self.random.random_range(1..12),
            }),
        };
        self.push(transposed, &[from])
    }

    fn resized(&mut self, from: NodeId) -> NodeId {
        let resized = match self.graph.shape(from) {
            Shape::Image { .. } => Operation::Resize2d(Resize2d {
                height: self.random.random_range(1..8),
                width: self.random.random_range(1..8),
            }),
            _ => Operation::Resize(Resize {
                length: self.random.random_range(1..12),
            }),
        };
        self.push(resized, &[from])
    }
}

#[test]
fn the_emulator_has_every_kind_of_operation() {
    let emulator = emulator(1);
    let nodes = emulator.graph().nodes().iter();
    let there: std::collections::BTreeSet<_> = nodes.map(|node| node.operation().kind()).collect();
    assert!(
        Operation::KINDS.iter().all(|kind| there.contains(kind)),
        "{there:?}"
    );
}
