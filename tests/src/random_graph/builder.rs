//! Builds a random graph step by step, each step with the preparation that its input needs.

use super::step::{End, Step, To, natural_length};
use super::{Head, LARGEST, SIZES};
use dense_codegen::emulator::InputVariable;
use dense_codegen::graph::{
    Activation, Add, Clip, Conv1d, Conv2d, Dense, Function, Graph, Logarithm, Multiply, NodeId,
    Operation, ParameterId, Rescale, Resize, Resize2d, Shape, Standardise, Transform, Transpose,
    TransposedConv1d, TransposedConv2d,
};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

/// Sequences that have grown longer than this are resized before the next convolution.
const LONGEST: usize = 40;
/// Channels of images, whose values are large without them.
const CHANNELS: [usize; 5] = [1, 2, 3, 8, 11];

/// A graph under construction.
pub(super) struct GraphBuilder<'a> {
    pub(super) graph: Graph,
    /// The number of parameters so far, for their names.
    parameters: usize,
    pub(super) rng: &'a mut ChaCha8Rng,
}

impl<'a> GraphBuilder<'a> {
    /// A graph with its inputs alone.
    pub(super) fn new(inputs: usize, rng: &'a mut ChaCha8Rng) -> Self {
        Self {
            graph: Graph::new(inputs),
            parameters: 0,
            rng,
        }
    }

    fn size(&mut self) -> usize {
        *SIZES.choose(self.rng).expect("there are sizes")
    }

    fn push(&mut self, operation: Operation, inputs: &[NodeId]) -> NodeId {
        self.graph
            .push(operation, inputs)
            .expect("drawn shapes agree")
    }

    fn values(&mut self, count: usize, largest: f32) -> Vec<f32> {
        (0..count)
            .map(|_| self.rng.random_range(-largest..=largest))
            .collect()
    }

    fn parameter(&mut self, shape: &[usize], values: Vec<f32>) -> ParameterId {
        let name = format!("parameter{}", self.parameters);
        self.parameters += 1;
        self.graph
            .parameter(&name, shape, values)
            .expect("drawn parameters are valid")
    }

    /// Uniform in +-sqrt(3 / `terms`), which keeps the variance of a sum of that many terms.
    fn weight(&mut self, shape: &[usize], terms: usize) -> ParameterId {
        let values = self.values(shape.iter().product(), (3.0 / terms as f32).sqrt());
        self.parameter(shape, values)
    }

    fn vector(&mut self, length: usize, largest: f32) -> ParameterId {
        let values = self.values(length, largest);
        self.parameter(&[length], values)
    }

    /// The input operations: the logarithm of every logarithmic input, then standardisation to
    /// about [-1.7, 1.7].
    pub(super) fn normalised(&mut self, inputs: &[InputVariable]) -> NodeId {
        let mask: Vec<_> = inputs.iter().map(|input| input.logarithmic).collect();
        let node = if mask.contains(&true) {
            self.push(Operation::Logarithm(Logarithm { mask }), &[Graph::INPUT])
        } else {
            Graph::INPUT
        };
        let limits = inputs.iter().map(|input| {
            if input.logarithmic {
                (input.low.ln(), input.high.ln())
            } else {
                (input.low, input.high)
            }
        });
        let (centre, scale) = limits
            .map(|(low, high)| (((low + high) / 2.0) as f32, (3.4 / (high - low)) as f32))
            .unzip();
        let (centre, scale) = (
            self.parameter(&[inputs.len()], centre),
            self.parameter(&[inputs.len()], scale),
        );
        self.push(
            Operation::Standardise(Standardise { centre, scale }),
            &[node],
        )
    }

    /// Applies one more step to `node`, after the preparation that the step needs.
    pub(super) fn step(&mut self, node: NodeId, step: Step) -> NodeId {
        match step {
            Step::DenseToVector => {
                let length = self.size();
                self.dense(node, Shape::Vector(length))
            }
            Step::DenseToSequence => {
                let shape = self.short_sequence();
                self.dense(node, shape)
            }
            Step::DenseToImage => {
                let shape = self.small_image();
                self.dense(node, shape)
            }
            Step::Conv1d { kernel } => {
                let (node, _, channels) = self.sequence(node, 1);
                let (weight, bias) = self.convolution(&[kernel], channels);
                self.push(Operation::Conv1d(Conv1d { weight, bias }), &[node])
            }
            Step::TransposedConv1d {
                kernel,
                stride,
                end,
            } => {
                let (node, length, channels) = self.sequence(node, 2);
                let (weight, bias) = self.convolution(&[kernel], channels);
                let length = self.ended(length, stride, end);
                let operation = TransposedConv1d {
                    weight,
                    bias,
                    stride,
                    length,
                };
                self.push(Operation::TransposedConv1d(operation), &[node])
            }
            Step::Resize(to) => {
                let (node, length, _) = self.sequence(node, 2);
                let length = self.other_length(length, to);
                self.push(Operation::Resize(Resize { length }), &[node])
            }
            Step::Conv2d { kernel } => {
                let (node, _, channels) = self.image(node, 1);
                let (weight, bias) = self.convolution(&kernel, channels);
                self.push(Operation::Conv2d(Conv2d { weight, bias }), &[node])
            }
            Step::TransposedConv2d {
                kernel,
                stride,
                end,
            } => {
                let (node, size, channels) = self.image(node, 2);
                let (weight, bias) = self.convolution(&kernel, channels);
                let [height, width] =
                    [0, 1].map(|axis| self.ended(size[axis], stride[axis], end[axis]));
                let operation = TransposedConv2d {
                    weight,
                    bias,
                    stride,
                    height,
                    width,
                };
                self.push(Operation::TransposedConv2d(operation), &[node])
            }
            Step::Resize2d(to) => {
                let (node, size, _) = self.image(node, 2);
                let [height, width] = [0, 1].map(|axis| self.other_length(size[axis], to[axis]));
                self.push(Operation::Resize2d(Resize2d { height, width }), &[node])
            }
            Step::Add => self.residual(node),
            Step::Multiply => {
                let gate = self.branch(node);
                let gate = self.push(
                    Operation::Activation(Activation {
                        function: Function::Tanh,
                    }),
                    &[gate],
                );
                self.push(Operation::Multiply(Multiply), &[gate, node])
            }
            Step::Clip => {
                let size = self.graph.shape(node).size();
                let mut bounds = |[least, most]: [f32; 2]| {
                    let values = (0..size).map(|_| self.rng.random_range(least..most));
                    let values = values.collect();
                    self.parameter(&[size], values)
                };
                let (low, high) = (bounds([-1.0, -0.1]), bounds([0.1, 1.0]));
                self.push(Operation::Clip(Clip { low, high }), &[node])
            }
            Step::Activation(function) => {
                self.push(Operation::Activation(Activation { function }), &[node])
            }
        }
    }

    fn dense(&mut self, node: NodeId, output: Shape) -> NodeId {
        let terms = self.graph.shape(node).size();
        let weight = self.weight(&[terms, output.size()], terms);
        let bias = self.vector(output.size(), 0.5);
        self.push(
            Operation::Dense(Dense {
                weight,
                bias,
                output,
            }),
            &[node],
        )
    }

    /// A branch of the value's shape: a convolution if there are positions.
    fn branch(&mut self, node: NodeId) -> NodeId {
        let shape = self.graph.shape(node);
        match shape {
            Shape::Vector(_) => self.dense(node, shape),
            Shape::Sequence { channels, .. } => {
                let (weight, bias) = self.kernel(&[3], channels, channels);
                self.push(Operation::Conv1d(Conv1d { weight, bias }), &[node])
            }
            Shape::Image { channels, .. } => {
                let (weight, bias) = self.kernel(&[3, 3], channels, channels);
                self.push(Operation::Conv2d(Conv2d { weight, bias }), &[node])
            }
        }
    }

    /// Adds a branch, sometimes with a ReLU, to the value.
    fn residual(&mut self, node: NodeId) -> NodeId {
        let mut branch = self.branch(node);
        if self.rng.random() {
            let relu = Activation {
                function: Function::Relu,
            };
            branch = self.push(Operation::Activation(relu), &[branch]);
        }
        self.push(Operation::Add(Add), &[node, branch])
    }

    /// A convolution's weight and bias, with a random number of channels.
    fn convolution(&mut self, kernel: &[usize], channels: usize) -> (ParameterId, ParameterId) {
        let outputs = match kernel {
            [_] => self.size(),
            _ => *CHANNELS.choose(self.rng).expect("there are sizes"),
        };
        self.kernel(kernel, channels, outputs)
    }

    fn kernel(
        &mut self,
        kernel: &[usize],
        channels: usize,
        outputs: usize,
    ) -> (ParameterId, ParameterId) {
        let taps: usize = kernel.iter().product();
        let shape = [kernel, &[channels, outputs]].concat();
        (
            self.weight(&shape, taps * channels),
            self.vector(outputs, 0.5),
        )
    }

    /// The length of a transposed convolution's result along one axis.
    fn ended(&mut self, length: usize, stride: usize, end: End) -> usize {
        let natural = natural_length(length, stride);
        match end {
            End::Natural => natural,
            End::Cut => natural.div_ceil(2),
            End::Padded => natural + self.rng.random_range(1..4),
        }
    }

    /// Another length of an axis.
    fn other_length(&mut self, length: usize, to: To) -> usize {
        match to {
            To::Longer => self.rng.random_range(length + 1..=2 * length + 1),
            To::Shorter => self.rng.random_range(1..length),
        }
    }

    /// Returns `node`, transformed if necessary to a sequence of `at_least` to [`LONGEST`]
    /// positions, with its length and channels.
    fn sequence(&mut self, node: NodeId, at_least: usize) -> (NodeId, usize, usize) {
        match self.graph.shape(node) {
            Shape::Sequence { length, channels } if (at_least..=LONGEST).contains(&length) => {
                (node, length, channels)
            }
            Shape::Sequence { channels, .. } => {
                let length = self.rng.random_range(2..=LONGEST);
                (
                    self.push(Operation::Resize(Resize { length }), &[node]),
                    length,
                    channels,
                )
            }
            Shape::Vector(_) | Shape::Image { .. } => {
                let shape = self.short_sequence();
                let node = self.dense(node, shape);
                self.sequence(node, at_least)
            }
        }
    }

    /// Returns `node`, transformed if necessary to an image whose rows and columns are `at_least`
    /// to [`LARGEST`], with its size and channels.
    fn image(&mut self, node: NodeId, at_least: usize) -> (NodeId, [usize; 2], usize) {
        match self.graph.shape(node) {
            Shape::Image {
                height,
                width,
                channels,
            } => {
                let size = [height, width];
                let fits = |length| (at_least..=LARGEST).contains(length);
                if size.iter().all(fits) {
                    return (node, size, channels);
                }
                let [height, width] = size.map(|_| self.rng.random_range(2..=LARGEST));
                let resized = self.push(Operation::Resize2d(Resize2d { height, width }), &[node]);
                (resized, [height, width], channels)
            }
            Shape::Vector(_) | Shape::Sequence { .. } => {
                let shape = self.small_image();
                let node = self.dense(node, shape);
                self.image(node, at_least)
            }
        }
    }

    fn short_sequence(&mut self) -> Shape {
        Shape::Sequence {
            length: self.rng.random_range(1..=11),
            channels: self.rng.random_range(1..=9),
        }
    }

    fn small_image(&mut self) -> Shape {
        Shape::Image {
            height: self.rng.random_range(1..=LARGEST),
            width: self.rng.random_range(1..=LARGEST),
            channels: *CHANNELS.choose(self.rng).expect("there are sizes"),
        }
    }

    /// Transforms any value to the members' common shape, in physical units.
    pub(super) fn head(&mut self, node: NodeId, head: Head) -> NodeId {
        let node = self.dense(node, head.shape);
        let length = head.shape.size();
        let (scale, offset) = (self.vector(length, 1.0), self.vector(length, 1.0));
        let node = self.push(Operation::Rescale(Rescale { scale, offset }), &[node]);
        let node = match head.transform {
            Some(function) => self.push(Operation::Transform(Transform { function }), &[node]),
            None => node,
        };
        match head.shape {
            Shape::Vector(_) => node,
            Shape::Sequence { .. } | Shape::Image { .. } => {
                self.push(Operation::Transpose(Transpose), &[node])
            }
        }
    }
}
