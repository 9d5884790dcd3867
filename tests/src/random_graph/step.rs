//! The steps of random graphs, and the list of those that a finished graph uses.

use dense_codegen::emulator::Emulator;
use dense_codegen::graph::{Function, Node, NodeId, Operation, ParameterId, Shape};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// The length of a transposed convolution's result, relative to its natural length, along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    /// The natural length.
    Natural,
    /// Cut on the right.
    Cut,
    /// Padded with zeros on the right.
    Padded,
}

/// Every end.
const ENDS: [End; 3] = [End::Natural, End::Cut, End::Padded];

/// The length of a resized axis, relative to its length before.
#[derive(Clone, Copy, Debug)]
pub(super) enum To {
    /// Longer.
    Longer,
    /// Shorter.
    Shorter,
}

/// One operation of the shared layers, by the properties that distinguish it from its siblings.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
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
    /// Nearest neighbour to a length that is a multiple or fraction of the old one only by chance.
    Resize(To),
    /// Nearest neighbour to other rows and columns.
    Resize2d([To; 2]),
    /// A second branch of the same shape, added.
    Add,
    /// A gate between -1 and 1 of the same shape, multiplied.
    Multiply,
    /// Elementwise function.
    Activation(Function),
    /// Bounds of each value.
    Clip,
}

/// Every step on vectors and sequences.
pub(super) fn steps() -> Vec<Step> {
    const KERNELS: [usize; 4] = [1, 3, 5, 7];
    let mut steps = vec![
        Step::DenseToVector,
        Step::DenseToSequence,
        Step::Add,
        Step::Multiply,
        Step::Clip,
    ];
    steps.extend([To::Longer, To::Shorter].map(Step::Resize));
    let functions = [
        Function::Relu,
        Function::Silu,
        Function::Tanh,
        Function::Sine,
    ];
    steps.extend(functions.map(Step::Activation));
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
pub(super) fn image_steps() -> Vec<Step> {
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

/// One step of each kind; transposed convolutions once for each end.
pub(super) fn one_of_each_kind(steps: &[Step], rng: &mut ChaCha8Rng) -> Vec<Step> {
    let kind = |step: &Step| match step {
        Step::Activation(function) => format!("{function:?}"),
        Step::TransposedConv1d { end, .. } => format!("{end:?}"),
        Step::TransposedConv2d { end, .. } => format!("{:?}", end[0]),
        other => format!("{:?}", std::mem::discriminant(other)),
    };
    let mut shuffled = steps.to_vec();
    shuffled.shuffle(rng);
    let mut seen = BTreeSet::new();
    shuffled.retain(|step| seen.insert(kind(step)));
    shuffled
}

/// The natural length of a transposed convolution's result.
pub(super) fn natural_length(length: usize, stride: usize) -> usize {
    (length - 1) * stride + 1
}

/// The operations of a graph, distinguished as in the list of steps.
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
    let to = |from: usize, to: usize| if to < from { To::Shorter } else { To::Longer };
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
            Operation::Clip(_) => Step::Clip,
            Operation::Activation(activation) => Step::Activation(activation.function),
            Operation::Transform(transform) => return format!("{:?}", transform.function),
            other => return other.kind().to_owned(),
        };
        format!("{step:?}")
    };
    graph.nodes().iter().map(name).collect()
}

/// All results that [`operations`] can contain.
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
