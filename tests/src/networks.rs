//! The networks of the benchmarks, defined once: the same structure and the same seeded weights for
//! every engine.
//!
//! Each is a complete emulator, with the guard and the statistics of one member; inputs lie in -1
//! to 1.

use crate::repository;
use dense_codegen::emulator::{
    Calibration, Emulator, EmulatorParts, InputVariable, Layout, Outputs,
};
use dense_codegen::file;
use dense_codegen::graph::{
    Activation, Add, Conv1d, Dense, Function, Graph, NodeId, Operation, ParameterId, Rescale,
    Resize, Shape, TransposedConv1d,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// A network of the benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Dense 5-64-128-128-250 with ReLU: 56,896 multiply-accumulates, 222 KiB of weights.
    Mlp,
    /// Dense 5-64-256, then convolutions of width 3 at lengths 32 and 64: 104,256
    /// multiply-accumulates, 72 KiB.
    Decoder,
    /// Dense 8-8 with ReLU.
    Tiny,
    /// One architecture of the published space at 64 channels, for 5 inputs and a curve of 250
    /// points: [`PAPER`].
    Paper,
}

impl Network {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Mlp, Self::Decoder, Self::Tiny, Self::Paper];

    /// The name that benchmarks print.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mlp => "mlp",
            Self::Decoder => "decoder",
            Self::Tiny => "tiny",
            Self::Paper => "paper",
        }
    }

    /// The network as an emulator of one member.
    #[must_use]
    pub fn emulator(self) -> Emulator {
        match self {
            Self::Mlp => mlp(),
            Self::Decoder => decoder(),
            Self::Tiny => tiny(),
            Self::Paper => paper(),
        }
    }
}

/// The emulator of the firmware example, which was searched on the bundled spectra.
///
/// # Panics
/// The repository does not contain it.
#[must_use]
pub fn thomson() -> Emulator {
    file::load(&repository().join("examples/firmware/thomson.safetensors"))
        .expect("the example's emulator can be read")
}

/// Two members 5-16-16-8 with SiLU, and their statistics: 4 KB of constants, a typical size for a
/// control loop.
#[must_use]
pub fn small() -> Emulator {
    let mut builder = GraphBuilder::new(5);
    let members = [(); 2].map(|()| {
        let mut node = Graph::INPUT;
        for _ in 0..2 {
            node = builder.dense(node, Shape::Vector(16));
            node = builder.activation(node, Function::Silu);
        }
        builder.dense(node, Shape::Vector(8))
    });
    builder.ensemble(members.into())
}

/// Two members of one dense layer and three convolutions, with SiLU, whose 16 positions become 32:
/// 4 KB of constants too.
#[must_use]
pub fn small_convolutions() -> Emulator {
    let mut builder = GraphBuilder::new(5);
    let members = [(); 2].map(|()| {
        let start = Shape::Sequence {
            length: 16,
            channels: 4,
        };
        let node = builder.dense(Graph::INPUT, start);
        let node = builder.activation(node, Function::Silu);
        let node = builder.convolution(node, 3, 8);
        let node = builder.activation(node, Function::Silu);
        let node = builder.resized(node, 32);
        let node = builder.convolution(node, 3, 4);
        let node = builder.activation(node, Function::Silu);
        builder.convolution(node, 3, 1)
    });
    builder.ensemble(members.into())
}

/// The dense layer of `tiny`, with results scaled to either side of the smallest normal float.
///
/// # Panics
/// Never: the network is a valid one.
#[must_use]
pub fn near_underflow() -> Emulator {
    let mut builder = GraphBuilder::new(8);
    let node = builder.dense(Graph::INPUT, Shape::Vector(8));
    let mut constant = |name: &str, value: f32| {
        let parameter = builder.graph.parameter(name, &[8], vec![value; 8]);
        parameter.expect("finite numbers of a new name")
    };
    let (scale, offset) = (constant("scale", 3.0e-38), constant("offset", 0.0));
    let end = builder.push(Operation::Rescale(Rescale { scale, offset }), node);
    builder.emulator(end)
}

fn mlp() -> Emulator {
    let mut builder = GraphBuilder::new(5);
    let mut node = Graph::INPUT;
    for outputs in [64, 128, 128] {
        node = builder.dense(node, Shape::Vector(outputs));
        node = builder.relu(node);
    }
    let end = builder.dense(node, Shape::Vector(250));
    builder.emulator(end)
}

fn decoder() -> Emulator {
    let mut builder = GraphBuilder::new(5);
    let node = builder.dense(Graph::INPUT, Shape::Vector(64));
    let node = builder.relu(node);
    let start = Shape::Sequence {
        length: 32,
        channels: 8,
    };
    let node = builder.dense(node, start);
    let node = builder.relu(node);
    let node = builder.convolution(node, 3, 16);
    let node = builder.relu(node);
    let node = builder.resized(node, 64);
    let node = builder.convolution(node, 3, 16);
    let node = builder.relu(node);
    let node = builder.convolution(node, 3, 8);
    let node = builder.relu(node);
    let end = builder.convolution(node, 3, 1);
    builder.emulator(end)
}

fn tiny() -> Emulator {
    let mut builder = GraphBuilder::new(8);
    let node = builder.dense(Graph::INPUT, Shape::Vector(8));
    let end = builder.relu(node);
    builder.emulator(end)
}

/// The operation of one group of the published space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The identity.
    Zero,
    /// A convolution with this number of taps, on the value resized to the group's length.
    Conv(usize),
    /// A transposed convolution of stride 2 with this number of taps.
    Transposed(usize),
}

/// The random choice for each group of the preset `paper` between its two dense layers and its
/// output, with the length of the group's result.
pub const PAPER: [(&str, usize, Choice); 14] = [
    ("a1", 4, Choice::Conv(3)),
    ("b1", 8, Choice::Transposed(7)),
    ("a2", 8, Choice::Conv(3)),
    ("b2", 16, Choice::Zero),
    ("a3", 16, Choice::Conv(5)),
    ("b3", 32, Choice::Transposed(3)),
    ("a4", 32, Choice::Zero),
    ("b4", 64, Choice::Transposed(5)),
    ("a5", 64, Choice::Conv(3)),
    ("b5", 126, Choice::Transposed(7)),
    ("a6", 126, Choice::Zero),
    ("b6", 250, Choice::Transposed(1)),
    ("a7", 250, Choice::Zero),
    ("output", 250, Choice::Conv(3)),
];

/// Channels of every sequence of [`Network::Paper`] except the output.
const PAPER_CHANNELS: usize = 64;

fn paper() -> Emulator {
    let mut builder = GraphBuilder::new(5);
    let node = builder.dense(Graph::INPUT, Shape::Vector(256));
    let node = builder.activation(node, Function::Silu);
    let start = Shape::Sequence {
        length: PAPER[0].1,
        channels: PAPER_CHANNELS,
    };
    let node = builder.dense(node, start);
    let mut node = builder.activation(node, Function::Silu);
    let [groups @ .., (_, _, Choice::Conv(last))] = &PAPER else {
        panic!("the output is a convolution");
    };
    for &(_, length, choice) in groups {
        let identity = builder.resized(node, length);
        let branch = match choice {
            Choice::Zero => None,
            Choice::Conv(taps) => Some(builder.convolution(identity, taps, PAPER_CHANNELS)),
            Choice::Transposed(taps) => Some(builder.transposed(node, taps, length)),
        };
        let sum = branch.map_or(identity, |branch| {
            let sum = builder.graph.push(Operation::Add(Add), &[identity, branch]);
            sum.expect("a branch has its identity's shape")
        });
        node = builder.activation(sum, Function::Silu);
    }
    let end = builder.convolution(node, *last, 1);
    builder.emulator(end)
}

/// Builds a graph, drawing its weights in order.
pub(crate) struct GraphBuilder {
    pub(crate) graph: Graph,
    random: ChaCha8Rng,
    drawn: usize,
}

impl GraphBuilder {
    pub(crate) fn new(inputs: usize) -> Self {
        Self {
            graph: Graph::new(inputs),
            random: ChaCha8Rng::seed_from_u64(0),
            drawn: 0,
        }
    }

    /// Normal values of mean 0 and the given deviation.
    pub(crate) fn parameter(&mut self, shape: &[usize], deviation: f32) -> ParameterId {
        let limit = 3.0_f32.sqrt() * deviation;
        let count = shape.iter().product();
        let values = (0..count)
            .map(|_| self.random.random_range(-limit..limit))
            .collect();
        self.drawn += 1;
        self.graph
            .parameter(&format!("p{}", self.drawn), shape, values)
            .expect("drawn parameters are finite and differ in name")
    }

    pub(crate) fn push(&mut self, operation: Operation, from: NodeId) -> NodeId {
        self.graph
            .push(operation, &[from])
            .expect("the network's shapes fit")
    }

    pub(crate) fn dense(&mut self, from: NodeId, output: Shape) -> NodeId {
        let (inputs, outputs) = (self.graph.shape(from).size(), output.size());
        let weight = self.parameter(&[inputs, outputs], (inputs as f32).sqrt().recip());
        let bias = self.parameter(&[outputs], 0.1);
        let dense = Dense {
            weight,
            bias,
            output,
        };
        self.push(Operation::Dense(dense), from)
    }

    fn convolution(&mut self, from: NodeId, taps: usize, outputs: usize) -> NodeId {
        let (weight, bias) = self.kernel(from, &[taps], outputs);
        self.push(Operation::Conv1d(Conv1d { weight, bias }), from)
    }

    /// A transposed convolution of stride 2 that keeps the channels.
    fn transposed(&mut self, from: NodeId, taps: usize, length: usize) -> NodeId {
        let (_, channels) = self.sequence(from);
        let (weight, bias) = self.kernel(from, &[taps], channels);
        let operation = TransposedConv1d {
            weight,
            bias,
            stride: 2,
            length,
        };
        self.push(Operation::TransposedConv1d(operation), from)
    }

    /// Weight and bias of a convolution with this number of taps along each axis.
    pub(crate) fn kernel(
        &mut self,
        from: NodeId,
        taps: &[usize],
        outputs: usize,
    ) -> (ParameterId, ParameterId) {
        let channels = match self.graph.shape(from) {
            Shape::Sequence { channels, .. } | Shape::Image { channels, .. } => channels,
            Shape::Vector(_) => panic!("a convolution's operand has positions"),
        };
        let terms = taps.iter().product::<usize>() * channels;
        let deviation = (terms as f32).sqrt().recip();
        let weight = self.parameter(&[taps, &[channels, outputs]].concat(), deviation);
        (weight, self.parameter(&[outputs], 0.1))
    }

    /// The value resized to another length, unless it has that length.
    fn resized(&mut self, from: NodeId, length: usize) -> NodeId {
        match self.sequence(from) {
            (known, _) if known == length => from,
            _ => self.push(Operation::Resize(Resize { length }), from),
        }
    }

    /// Length and channels.
    fn sequence(&self, node: NodeId) -> (usize, usize) {
        match self.graph.shape(node) {
            Shape::Sequence { length, channels } => (length, channels),
            _ => panic!("a convolution's operand is a sequence"),
        }
    }

    fn relu(&mut self, from: NodeId) -> NodeId {
        self.activation(from, Function::Relu)
    }

    pub(crate) fn activation(&mut self, from: NodeId, function: Function) -> NodeId {
        self.push(Operation::Activation(Activation { function }), from)
    }

    /// The emulator whose only member ends at this node.
    pub(crate) fn emulator(self, end: NodeId) -> Emulator {
        self.ensemble(vec![end])
    }

    /// The emulator whose members end at these nodes.
    pub(crate) fn ensemble(self, members: Vec<NodeId>) -> Emulator {
        let inputs = self.graph.shape(Graph::INPUT).size();
        let outputs = self.graph.shape(members[0]).size();
        let input = |index| InputVariable {
            name: format!("x{index}"),
            low: -1.0,
            high: 1.0,
            logarithmic: false,
        };
        Emulator::new(EmulatorParts {
            graph: self.graph,
            members,
            calibration: Calibration {
                gain: 1.0,
                unit: vec![1.0; outputs],
                floor: vec![0.01; outputs],
                slope: None,
            },
            local: Default::default(),
            inputs: (0..inputs).map(input).collect(),
            outputs: Outputs {
                layout: Layout::Curve,
                shape: vec![outputs],
                names: Vec::new(),
                axes: Vec::new(),
                relative: None,
            },
            provenance: BTreeMap::new(),
        })
        .expect("the network is a valid emulator")
    }
}
