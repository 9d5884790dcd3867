//! Random emulators: every operation, at sizes that divide nothing, in graphs whose members share a prefix.
//!
//! An emulator is drawn for a number as well as from a generator. The number decides two operations that are surely part
//! of it (`steps` and `image_steps`, each in turn), the count of members, the output transform and the layout; the
//! generator decides everything else. So consecutive numbers, as many as the longer list has steps, use every operation
//! whatever the seed. [`operations`] reads from a finished graph what it really uses.

use dense_codegen::emulator::{
    Calibration, Emulator, EmulatorParts, InputVariable, Layout, Outputs,
};
use dense_codegen::graph::{
    Activation, Add, Conv1d, Conv2d, Dense, Function, Graph, Inverse, Logarithm, Multiply, Node,
    NodeId, Operation, ParameterId, Rescale, Resize, Resize2d, Shape, Standardise, Transform,
    Transpose, TransposedConv1d, TransposedConv2d,
};
use dense_codegen::local::{Coordinates, Coverage, ErrorScale, Local};
use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Channels, widths and lengths: 1, whole vectors, and primes between.
const SIZES: [usize; 9] = [1, 2, 3, 5, 8, 11, 16, 17, 23];
/// Sequences that have grown longer than this are resized before the next convolution.
const LONGEST: usize = 40;
/// Channels of images, whose values are large without them.
const CHANNELS: [usize; 5] = [1, 2, 3, 8, 11];
/// The same for the rows and columns of images.
const LARGEST: usize = 6;

/// The length of a transposed convolution's result beside the one that follows from its input, along one axis.
#[derive(Clone, Copy, Debug)]
enum End {
    /// As it follows.
    Natural,
    /// Cut on the right.
    Cut,
    /// Filled with zeros on the right.
    Padded,
}

/// Every end.
const ENDS: [End; 3] = [End::Natural, End::Cut, End::Padded];

/// The length of a resized axis beside the one before.
#[derive(Clone, Copy, Debug)]
enum To {
    /// Longer.
    Longer,
    /// Shorter.
    Shorter,
}

/// One operation of the trunk, by what distinguishes it from its siblings.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Dense to a vector.
    DenseToVector,
    /// Dense to a sequence.
    DenseToSequence,
    /// Dense to an image.
    DenseToImage,
    /// Convolution.
    Conv1d { kernel: usize },
    /// Transposed convolution.
    TransposedConv1d {
        kernel: usize,
        stride: usize,
        end: End,
    },
    /// Convolution of an image.
    Conv2d { kernel: [usize; 2] },
    /// Transposed convolution of an image, each axis by itself.
    TransposedConv2d {
        kernel: [usize; 2],
        stride: [usize; 2],
        end: [End; 2],
    },
    /// Nearest neighbour to a length that is a whole multiple, or fraction, only by chance.
    Resize(To),
    /// The same for rows and columns.
    Resize2d([To; 2]),
    /// A second branch of the same shape, added.
    Add,
    /// A gate between -1 and 1 of the same shape, multiplied.
    Multiply,
    /// Elementwise function.
    Activation(Function),
}

/// Every step on vectors and sequences.
fn steps() -> Vec<Step> {
    const KERNELS: [usize; 4] = [1, 3, 5, 7];
    let mut steps = vec![
        Step::DenseToVector,
        Step::DenseToSequence,
        Step::Add,
        Step::Multiply,
    ];
    steps.extend([To::Longer, To::Shorter].map(Step::Resize));
    steps.extend([Function::Relu, Function::Silu, Function::Tanh].map(Step::Activation));
    for kernel in KERNELS {
        steps.push(Step::Conv1d { kernel });
        for stride in [1, 2, 3] {
            for end in ENDS {
                steps.push(Step::TransposedConv1d {
                    kernel,
                    stride,
                    end,
                });
            }
        }
    }
    steps
}

/// Every step on images.
fn image_steps() -> Vec<Step> {
    const KERNELS: [[usize; 2]; 4] = [[1, 1], [3, 3], [1, 5], [7, 3]];
    let mut steps = vec![Step::DenseToImage];
    steps.extend(KERNELS.map(|kernel| Step::Conv2d { kernel }));
    for rows in ENDS {
        for columns in ENDS {
            let transposed = |(kernel, stride)| Step::TransposedConv2d {
                kernel,
                stride,
                end: [rows, columns],
            };
            let settings = [([3, 3], [2, 2]), ([1, 7], [2, 2]), ([5, 1], [1, 3])];
            steps.extend(settings.map(transposed));
        }
    }
    for rows in [To::Longer, To::Shorter] {
        for columns in [To::Longer, To::Shorter] {
            steps.push(Step::Resize2d([rows, columns]));
        }
    }
    steps
}

/// The random emulator of this number.
pub fn random_emulator(number: usize, rng: &mut ChaCha8Rng) -> Emulator {
    let (steps, image_steps) = (steps(), image_steps());
    let inputs: Vec<_> = (0..rng.random_range(1..=8))
        .map(|index| input(index, rng))
        .collect();
    let mut draft = Draft {
        graph: Graph::new(inputs.len()),
        parameters: 0,
        rng,
    };
    let start = draft.normalised(&inputs);

    let both = [&steps[..], &image_steps].concat();
    let mut prefix = draft.some_of(&both);
    for sure in [&steps, &image_steps] {
        let place = draft.rng.random_range(0..=prefix.len());
        prefix.insert(place, sure[number % sure.len()]);
    }
    let trunk = prefix
        .into_iter()
        .fold(start, |node, step| draft.step(node, step));

    let head = Head::draw(number, draft.rng);
    let members: Vec<_> = (0..1 + number / 3 % 3)
        .map(|_| {
            let branch = draft
                .some_of(&both)
                .into_iter()
                .fold(trunk, |node, step| draft.step(node, step));
            draft.head(branch, head)
        })
        .collect();
    let calibration = draft.calibration(head.shape.size());
    let local = draft.local(number, &inputs);
    let outputs = head.outputs();
    Emulator::new(EmulatorParts {
        graph: draft.graph,
        members,
        calibration,
        local,
        inputs,
        outputs,
        provenance: Default::default(),
    })
    .expect("a drawn emulator is a valid one")
}

/// Positions of a transposed convolution's result that follow from its input.
fn natural_length(length: usize, stride: usize) -> usize {
    (length - 1) * stride + 1
}

/// The operations that a graph consists of, told apart as the list of steps does.
pub fn operations(emulator: &Emulator) -> BTreeSet<String> {
    let graph = emulator.graph();
    let size = |node: NodeId| match graph.shape(node) {
        Shape::Vector(_) => [1, 1],
        Shape::Sequence { length, .. } => [1, length],
        Shape::Image { height, width, .. } => [height, width],
    };
    let taps = |weight: ParameterId| {
        let weight = graph.parameters().get(weight);
        let shape = weight
            .expect("a graph has its operations' parameters")
            .shape();
        match *shape {
            [rows, columns, _, _] => [rows, columns],
            _ => [1, shape[0]],
        }
    };
    let end = |from: usize, stride, to: usize| match to.cmp(&natural_length(from, stride)) {
        Ordering::Less => End::Cut,
        Ordering::Equal => End::Natural,
        Ordering::Greater => End::Padded,
    };
    let to = |from: usize, to: usize| match to < from {
        true => To::Shorter,
        false => To::Longer,
    };
    let name = |node: &Node| {
        let from = || size(node.inputs()[0]);
        let step = match node.operation() {
            Operation::Dense(dense) => match dense.output {
                Shape::Vector(_) => Step::DenseToVector,
                Shape::Sequence { .. } => Step::DenseToSequence,
                Shape::Image { .. } => Step::DenseToImage,
            },
            Operation::Conv1d(conv) => Step::Conv1d {
                kernel: taps(conv.weight)[1],
            },
            Operation::Conv2d(conv) => Step::Conv2d {
                kernel: taps(conv.weight),
            },
            Operation::TransposedConv1d(conv) => Step::TransposedConv1d {
                kernel: taps(conv.weight)[1],
                stride: conv.stride,
                end: end(from()[1], conv.stride, conv.length),
            },
            Operation::TransposedConv2d(conv) => {
                let ([height, width], [rows, columns]) = (from(), conv.stride);
                Step::TransposedConv2d {
                    kernel: taps(conv.weight),
                    stride: conv.stride,
                    end: [
                        end(height, rows, conv.height),
                        end(width, columns, conv.width),
                    ],
                }
            }
            Operation::Resize(resize) => Step::Resize(to(from()[1], resize.length)),
            Operation::Resize2d(resize) => {
                let [height, width] = from();
                Step::Resize2d([to(height, resize.height), to(width, resize.width)])
            }
            Operation::Add(_) => Step::Add,
            Operation::Multiply(_) => Step::Multiply,
            Operation::Activation(activation) => Step::Activation(activation.function),
            Operation::Transform(transform) => return format!("{:?}", transform.function),
            other => return other.kind().to_owned(),
        };
        format!("{step:?}")
    };
    graph.nodes().iter().map(name).collect()
}

/// What [`operations`] can contain.
pub fn every_operation() -> BTreeSet<String> {
    let ends = [
        "input",
        "logarithm",
        "standardise",
        "rescale",
        "transpose",
        "Exp",
        "Sinh",
    ];
    let steps = [steps(), image_steps()].concat();
    steps
        .iter()
        .map(|step| format!("{step:?}"))
        .chain(ends.map(str::to_owned))
        .collect()
}

/// A linear box around 0, or a logarithmic one of some decades.
fn input(index: usize, rng: &mut ChaCha8Rng) -> InputVariable {
    let logarithmic = rng.random();
    let (low, high) = match logarithmic {
        true => (
            10_f64.powf(rng.random_range(-6.0..0.0)),
            10_f64.powf(rng.random_range(0.5..6.0)),
        ),
        false => (rng.random_range(-9.0..-0.1), rng.random_range(0.1..9.0)),
    };
    InputVariable {
        name: format!("x{index}"),
        low,
        high,
        logarithmic,
    }
}

/// What every member ends in.
#[derive(Clone, Copy)]
struct Head {
    shape: Shape,
    transform: Option<Inverse>,
}

impl Head {
    /// By turns: each transform, each shape.
    fn draw(number: usize, rng: &mut ChaCha8Rng) -> Self {
        let length = *SIZES.choose(rng).expect("there are sizes");
        let channels = rng.random_range(1..=5);
        let [height, width] = [0, 1].map(|_| rng.random_range(1..=LARGEST));
        let shape = match number % 4 {
            0 => Shape::Vector(length),
            1 => Shape::Sequence { length, channels },
            2 => Shape::Image {
                height,
                width,
                channels: 1,
            },
            _ => Shape::Image {
                height,
                width,
                channels,
            },
        };
        let transform = [None, Some(Inverse::Exp), Some(Inverse::Sinh)][number % 3];
        Self { shape, transform }
    }

    /// A sequence becomes curves, an image images, a vector scalars.
    fn outputs(self) -> Outputs {
        let (layout, shape) = match self.shape {
            Shape::Vector(length) => (Layout::Scalars, vec![length]),
            Shape::Sequence { length, channels } => (Layout::Curves, vec![channels, length]),
            Shape::Image {
                height,
                width,
                channels: 1,
            } => (Layout::Image, vec![height, width]),
            Shape::Image {
                height,
                width,
                channels,
            } => (Layout::Images, vec![channels, height, width]),
        };
        Outputs {
            layout,
            shape,
            names: Vec::new(),
            axes: Vec::new(),
        }
    }
}

/// A graph under construction.
struct Draft<'a> {
    graph: Graph,
    /// How many there are, for their names.
    parameters: usize,
    rng: &'a mut ChaCha8Rng,
}

impl Draft<'_> {
    fn size(&mut self) -> usize {
        *SIZES.choose(self.rng).expect("there are sizes")
    }

    /// Up to two random steps.
    fn some_of(&mut self, steps: &[Step]) -> Vec<Step> {
        let count = self.rng.random_range(0..=2);
        (0..count)
            .map(|_| *steps.choose(self.rng).expect("there are steps"))
            .collect()
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

    /// The input operations: every logarithmic input's logarithm, then centre and scale to about [-1.7, 1.7].
    fn normalised(&mut self, inputs: &[InputVariable]) -> NodeId {
        let mask: Vec<_> = inputs.iter().map(|input| input.logarithmic).collect();
        let node = match mask.contains(&true) {
            true => self.push(Operation::Logarithm(Logarithm { mask }), &[Graph::INPUT]),
            false => Graph::INPUT,
        };
        let limits = inputs.iter().map(|input| match input.logarithmic {
            true => (input.low.ln(), input.high.ln()),
            false => (input.low, input.high),
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

    /// `node` after one more step; what the step needs of its input is put before it.
    fn step(&mut self, node: NodeId, step: Step) -> NodeId {
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

    /// A branch of the value's shape: a convolution where there are positions.
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

    /// A branch, sometimes with a ReLU, is added to the value.
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

    /// A convolution's weight and bias, for a drawn number of channels.
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

    /// `node` itself or what has to be made of it to have a sequence of `at_least` to [`LONGEST`] positions; its length
    /// and channels.
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

    /// The same for an image whose rows and columns are `at_least` to [`LARGEST`]; its size and channels.
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

    /// From any value to the members' common shape, in physical units.
    fn head(&mut self, node: NodeId, head: Head) -> NodeId {
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

    /// What depends on where the inputs lie: nothing in a half of the emulators, else either or both.
    /// Coordinates are near one within the box, as those of trained emulators are.
    fn local(&mut self, number: usize, variables: &[InputVariable]) -> Local {
        let inputs = variables.len();
        let mut numbers = |count: usize, size: f32| -> Vec<f32> {
            (0..count)
                .map(|_| self.rng.random_range(-size..size))
                .collect()
        };
        let coordinates = |numbers: &mut dyn FnMut(usize, f32) -> Vec<f32>| {
            let mut coordinates = Coordinates {
                centre: numbers(inputs, 1.0),
                scale: numbers(inputs, 2.0),
            };
            for (j, variable) in variables.iter().enumerate() {
                let [low, high] =
                    [variable.low, variable.high].map(|limit| match variable.logarithmic {
                        true => limit.ln(),
                        false => limit,
                    });
                let half = ((high - low) / 2.0) as f32;
                let middle = (low + (high - low) / 2.0) as f32;
                coordinates.centre[j] = middle + half * coordinates.centre[j];
                coordinates.scale[j] /= half.max(1e-6);
            }
            coordinates
        };
        Local {
            error_scale: (number % 4 == 1 || number % 8 == 3).then(|| ErrorScale {
                coordinates: coordinates(&mut numbers),
                linear: numbers(inputs, 0.5),
                square: numbers(inputs, 0.3),
                constant: 0.2,
                limits: [-1.0, 1.5],
            }),
            coverage: (number % 4 == 3).then(|| Coverage {
                coordinates: coordinates(&mut numbers),
                whitening: numbers(inputs * inputs, 1.0),
                centres: numbers(inputs * (1 + number % 19), 3.0),
                square_radius: inputs as f32,
            }),
        }
    }

    fn calibration(&mut self, outputs: usize) -> Calibration {
        Calibration {
            gain: self.rng.random_range(0.0..3.0),
            unit: (0..outputs)
                .map(|_| 2_f32.powi(self.rng.random_range(-3..=3)))
                .collect(),
            floor: (0..outputs)
                .map(|_| self.rng.random_range(0.0..0.1))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn as_many_numbers_as_steps_use_every_operation() {
        for seed in 0..20 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mut used = BTreeSet::new();
            for number in 0..steps().len().max(image_steps().len()) {
                used.extend(operations(&random_emulator(number, &mut rng)));
            }
            assert_eq!(used, every_operation(), "seed {seed}");
        }
    }
}
