//! The networks that speed is measured on, defined once: the same structure and the same seeded weights for every engine.
//!
//! Every one is a whole emulator, with the guard and the statistics of one member around it; inputs lie in -1 to 1.

use dense_codegen::emulator::{
    Calibration, Emulator, EmulatorParts, InputVariable, Layout, Outputs,
};
use dense_codegen::graph::{
    Activation, Conv1d, Dense, Function, Graph, NodeId, Operation, ParameterId, Resize, Shape,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// A network of the benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Dense 5-64-128-128-250 with ReLU: 56,896 multiply-accumulates, 222 KiB of weights.
    Mlp,
    /// Dense 5-64-256, then convolutions of width 3 at lengths 32 and 64: 104,256 multiply-accumulates, 72 KiB.
    Decoder,
    /// Dense 8-8 with ReLU.
    Tiny,
}

impl Network {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mlp, Self::Decoder, Self::Tiny];

    /// The name that benchmarks print.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mlp => "mlp",
            Self::Decoder => "decoder",
            Self::Tiny => "tiny",
        }
    }

    /// The network as an emulator of one member.
    #[must_use]
    pub fn emulator(self) -> Emulator {
        match self {
            Self::Mlp => mlp(),
            Self::Decoder => decoder(),
            Self::Tiny => tiny(),
        }
    }
}

fn mlp() -> Emulator {
    let mut draft = Draft::new(5);
    let mut node = Graph::INPUT;
    for outputs in [64, 128, 128] {
        node = draft.dense(node, Shape::Vector(outputs));
        node = draft.relu(node);
    }
    let end = draft.dense(node, Shape::Vector(250));
    draft.emulator(end)
}

fn decoder() -> Emulator {
    let mut draft = Draft::new(5);
    let node = draft.dense(Graph::INPUT, Shape::Vector(64));
    let node = draft.relu(node);
    let start = Shape::Sequence {
        length: 32,
        channels: 8,
    };
    let node = draft.dense(node, start);
    let node = draft.relu(node);
    let node = draft.convolution(node, 16);
    let node = draft.relu(node);
    let node = draft.push(Operation::Resize(Resize { length: 64 }), node);
    let node = draft.convolution(node, 16);
    let node = draft.relu(node);
    let node = draft.convolution(node, 8);
    let node = draft.relu(node);
    let end = draft.convolution(node, 1);
    draft.emulator(end)
}

fn tiny() -> Emulator {
    let mut draft = Draft::new(8);
    let node = draft.dense(Graph::INPUT, Shape::Vector(8));
    let end = draft.relu(node);
    draft.emulator(end)
}

/// A graph in the making, with its weights drawn in order.
struct Draft {
    graph: Graph,
    random: ChaCha8Rng,
    drawn: usize,
}

impl Draft {
    fn new(inputs: usize) -> Self {
        Self {
            graph: Graph::new(inputs),
            random: ChaCha8Rng::seed_from_u64(0),
            drawn: 0,
        }
    }

    /// Numbers of mean 0 and the given deviation.
    fn parameter(&mut self, shape: &[usize], deviation: f32) -> ParameterId {
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

    fn push(&mut self, operation: Operation, from: NodeId) -> NodeId {
        self.graph
            .push(operation, &[from])
            .expect("the network's shapes fit")
    }

    fn dense(&mut self, from: NodeId, output: Shape) -> NodeId {
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

    /// A convolution of three taps.
    fn convolution(&mut self, from: NodeId, outputs: usize) -> NodeId {
        let Shape::Sequence { channels, .. } = self.graph.shape(from) else {
            panic!("a convolution's operand is a sequence");
        };
        let deviation = (3.0 * channels as f32).sqrt().recip();
        let weight = self.parameter(&[3, channels, outputs], deviation);
        let bias = self.parameter(&[outputs], 0.1);
        self.push(Operation::Conv1d(Conv1d { weight, bias }), from)
    }

    fn relu(&mut self, from: NodeId) -> NodeId {
        let function = Function::Relu;
        self.push(Operation::Activation(Activation { function }), from)
    }

    fn emulator(self, end: NodeId) -> Emulator {
        let inputs = self.graph.shape(Graph::INPUT).size();
        let outputs = self.graph.shape(end).size();
        let input = |index| InputVariable {
            name: format!("x{index}"),
            low: -1.0,
            high: 1.0,
            logarithmic: false,
        };
        Emulator::new(EmulatorParts {
            graph: self.graph,
            members: vec![end],
            calibration: Calibration {
                gain: 1.0,
                unit: vec![1.0; outputs],
                floor: vec![0.01; outputs],
            },
            inputs: (0..inputs).map(input).collect(),
            outputs: Outputs {
                layout: Layout::Curve,
                shape: vec![outputs],
                names: Vec::new(),
                axes: Vec::new(),
            },
            provenance: BTreeMap::new(),
        })
        .expect("the network is a valid emulator")
    }
}
