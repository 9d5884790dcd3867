//! Lowering: converts a member of a super-architecture to operations of an emulator's graph.
//!
//! ```text
//! raw inputs -> logarithm -> standardise -> group 0 -> ... -> group G-1 -> rescale [-> transpose]
//!               inputs()                    candidate()                    outputs()
//! ```
//!
//! Each part is a [`Fragment`]: operations whose parameters have names and shapes, but no values. A
//! [`Space`](crate::space::Space) holds the fragments of its candidates. Work, flash and time are
//! derived from fragments ([`crate::budget`], [`crate::cost_model`]), and [`crate::assemble`]
//! grafts them into the emulator's graph. The [super-network](crate::supernetwork) has the same
//! parameters and evaluates the same operations in fused form.

use crate::data;
use crate::space::{Candidate, Group, Identity, Placement};
use dense_codegen::Result;
use dense_codegen::graph::{
    Activation, Add, Conv1d, Conv2d, Dense, Fragment, Function, Logarithm, Multiply, NodeId,
    Operation, Rescale, Resize, Resize2d, Shape, Standardise, Transform, Transpose,
    TransposedConv1d, TransposedConv2d,
};

/// Returns the order of the network's outputs in the data, for a sequence (`[channels][length]`) or
/// an image (`[channels][height][width]`): element k of the network is element `order[k]` of the
/// data.
#[must_use]
pub fn data_order(output: Shape) -> Vec<usize> {
    match output {
        Shape::Vector(count) => (0..count).collect(),
        Shape::Sequence { length, channels } => (0..length)
            .flat_map(|p| (0..channels).map(move |c| c * length + p))
            .collect(),
        Shape::Image {
            height,
            width,
            channels,
        } => data_order(Shape::Sequence {
            length: height * width,
            channels,
        }),
    }
}

/// The centre that [`inputs`] subtracts from each input.
pub(crate) const INPUT_CENTRE: &str = "input centre";
/// The scale that [`inputs`] then multiplies by.
pub(crate) const INPUT_SCALE: &str = "input scale";
/// Scale and offset from the network's values to the learnt coordinate, if that is transformed.
pub(crate) const LEARNT: [&str; 2] = ["learnt scale", "learnt offset"];
/// Scale and offset that convert a `sinh` to units of the outputs' standard deviation.
pub(crate) const UNIT: [&str; 2] = ["unit scale", "unit offset"];
/// Scale and offset of the outputs; the scale is their standard deviation on the training rows.
pub(crate) const OUTPUT: [&str; 2] = ["output scale", "output offset"];

/// Returns a member's operations before its groups, applied to the raw inputs. `logarithmic` marks
/// the inputs whose logarithm is taken; it does not affect costs.
///
/// # Errors
/// If there are no inputs, or more values than a node may have.
pub(crate) fn inputs(logarithmic: &[bool]) -> Result<Fragment> {
    let mask = logarithmic.to_vec();
    let mut fragment = Fragment::new(Shape::Vector(mask.len()));
    let standardise = Standardise {
        centre: fragment.parameter(INPUT_CENTRE, &[mask.len()])?,
        scale: fragment.parameter(INPUT_SCALE, &[mask.len()])?,
    };
    let logarithm = Operation::Logarithm(Logarithm { mask });
    let logarithm = fragment.push(logarithm, &[Fragment::OPERAND])?;
    let standardised = fragment.push(Operation::Standardise(standardise), &[logarithm])?;
    Ok(fragment.ending_at(standardised))
}

/// Returns names and shapes of a candidate's trained weights and biases, in the order of its
/// layers.
///
/// *Shapes*: dense `[IN][OUT]`, convolutions `[K][CIN][COUT]` or `[K][K][CIN][COUT]`, biases
/// `[OUT]` or `[COUT]`.
pub(crate) fn parameters(
    candidate: Candidate,
    input: Shape,
    output: Shape,
) -> Vec<(&'static str, Vec<usize>)> {
    let (inputs, outputs) = (input.size(), output.size());
    let channels = |shape| match shape {
        Shape::Vector(channels)
        | Shape::Sequence { channels, .. }
        | Shape::Image { channels, .. } => channels,
    };
    let axes = match output {
        Shape::Image { .. } => 2,
        _ => 1,
    };
    match candidate {
        Candidate::Zero => Vec::new(),
        Candidate::Dense => vec![("weight", vec![inputs, outputs]), ("bias", vec![outputs])],
        Candidate::Gated => vec![
            ("gate weight", vec![inputs, outputs]),
            ("gate bias", vec![outputs]),
            ("weight", vec![inputs, outputs]),
            ("bias", vec![outputs]),
        ],
        Candidate::LowRank { rank } => vec![
            ("weight1", vec![inputs, rank]),
            ("weight2", vec![rank, outputs]),
            ("bias", vec![outputs]),
        ],
        Candidate::Fourier { frequencies } => {
            let waves = frequencies.saturating_mul(2).saturating_mul(inputs);
            vec![
                ("weight1", vec![inputs, waves]),
                ("bias1", vec![waves]),
                ("weight2", vec![waves, outputs]),
                ("bias", vec![outputs]),
            ]
        }
        Candidate::Conv { kernel } | Candidate::TransposedConv { kernel, .. } => {
            let mut weight = vec![kernel; axes];
            weight.extend([channels(input), channels(output)]);
            vec![("weight", weight), ("bias", vec![channels(output)])]
        }
    }
}

/// Returns all operations of `candidates[index]` of a group from a node of this shape to the next
/// node.
///
/// Its parameters are those of [`parameters`]. A low-rank candidate also has a bias of zeros for
/// its first matrix; candidates of equal rank share its name.
///
/// # Errors
/// If the candidate cannot map this shape to the group's output.
///
/// # Panics
/// If there is no such candidate.
pub(crate) fn candidate(group: &Group, index: usize, input: Shape) -> Result<Fragment> {
    let mut fragment = Fragment::new(input);
    let resized = resized(&mut fragment, group.output)?;
    let activation = match group.candidates[index] {
        // The activation applies to the gate.
        Candidate::Gated => None,
        _ => group.activation_of(index),
    };
    let (on_branch, after) = match group.placement {
        Placement::OnBranch => (activation, None),
        Placement::After => (None, activation),
    };
    let sum = match operation(&mut fragment, group, index, resized)? {
        None => resized,
        Some(operation) => {
            let branch = activated(&mut fragment, operation, on_branch)?;
            match group.identity {
                Identity::Absent => branch,
                Identity::Beside => fragment.push(Operation::Add(Add), &[resized, branch])?,
            }
        }
    };
    let node = activated(&mut fragment, sum, after)?;
    Ok(fragment.ending_at(node))
}

/// Returns the operand resized to the positions of the output, if both have positions.
fn resized(fragment: &mut Fragment, output: Shape) -> Result<NodeId> {
    let operation = match (fragment.shape(Fragment::OPERAND), output) {
        (Shape::Sequence { length: from, .. }, Shape::Sequence { length, .. })
            if from != length =>
        {
            Operation::Resize(Resize { length })
        }
        (
            Shape::Image {
                height: rows,
                width: columns,
                ..
            },
            Shape::Image { height, width, .. },
        ) if (rows, columns) != (height, width) => Operation::Resize2d(Resize2d { height, width }),
        _ => return Ok(Fragment::OPERAND),
    };
    fragment.push(operation, &[Fragment::OPERAND])
}

/// Returns the result of the candidate's operation alone; `None` for zero.
fn operation(
    fragment: &mut Fragment,
    group: &Group,
    index: usize,
    resized: NodeId,
) -> Result<Option<NodeId>> {
    let (candidate, output) = (group.candidates[index], group.output);
    let input = fragment.shape(Fragment::OPERAND);
    let parameters: Vec<_> = parameters(candidate, input, output)
        .into_iter()
        .map(|(role, shape)| fragment.parameter(role, &shape))
        .collect::<Result<_>>()?;
    let dense = |weight, bias, output| {
        Operation::Dense(Dense {
            weight,
            bias,
            output,
        })
    };
    let operand = Fragment::OPERAND;
    let result = match (candidate, &parameters[..]) {
        (Candidate::Dense, &[weight, bias]) => {
            fragment.push(dense(weight, bias, output), &[operand])?
        }
        (Candidate::Gated, &[gate_weight, gate_bias, weight, bias]) => {
            let gate = fragment.push(dense(gate_weight, gate_bias, output), &[operand])?;
            let carried = fragment.push(dense(weight, bias, output), &[operand])?;
            let gate = activated(fragment, gate, group.activation_of(index))?;
            fragment.push(Operation::Multiply(Multiply), &[gate, carried])?
        }
        (Candidate::LowRank { rank }, &[first, second, bias]) => {
            let none = fragment.parameter(&format!("no bias {rank}"), &[rank])?;
            let inner = dense(first, none, Shape::Vector(rank));
            let inner = fragment.push(inner, &[operand])?;
            fragment.push(dense(second, bias, output), &[inner])?
        }
        (Candidate::Fourier { frequencies }, &[weight, phases, second, bias]) => {
            let waves = Shape::Vector(2 * frequencies * input.size());
            let waves = fragment.push(dense(weight, phases, waves), &[operand])?;
            let waves = activated(fragment, waves, Some(Function::Sine))?;
            fragment.push(dense(second, bias, output), &[waves])?
        }
        (Candidate::Conv { .. }, &[weight, bias]) => {
            let operation = match output {
                Shape::Image { .. } => Operation::Conv2d(Conv2d { weight, bias }),
                _ => Operation::Conv1d(Conv1d { weight, bias }),
            };
            fragment.push(operation, &[resized])?
        }
        (Candidate::TransposedConv { stride, .. }, &[weight, bias]) => {
            let operation = match output {
                Shape::Vector(length) | Shape::Sequence { length, .. } => {
                    Operation::TransposedConv1d(TransposedConv1d {
                        weight,
                        bias,
                        stride,
                        length,
                    })
                }
                Shape::Image { height, width, .. } => {
                    Operation::TransposedConv2d(TransposedConv2d {
                        weight,
                        bias,
                        stride: [stride; 2],
                        height,
                        width,
                    })
                }
            };
            fragment.push(operation, &[operand])?
        }
        _ => return Ok(None),
    };
    Ok(Some(result))
}

fn activated(
    fragment: &mut Fragment,
    node: NodeId,
    activation: Option<Function>,
) -> Result<NodeId> {
    let Some(function) = activation else {
        return Ok(node);
    };
    fragment.push(Operation::Activation(Activation { function }), &[node])
}

/// Returns a member's operations after its groups: from the coordinate in which outputs were learnt
/// to physical units, in the order of the data. The last rescaling always multiplies by the
/// outputs' standard deviation.
///
/// # Errors
/// If the output is empty, or has more values than a node may have.
pub(crate) fn outputs(output: Shape, transform: data::Transform) -> Result<Fragment> {
    let mut fragment = Fragment::new(output);
    let mut node = Fragment::OPERAND;
    if let Some(function) = transform.inverse() {
        node = rescaled(&mut fragment, node, LEARNT)?;
        node = fragment.push(Operation::Transform(Transform { function }), &[node])?;
        if transform == data::Transform::Asinh {
            node = rescaled(&mut fragment, node, UNIT)?;
        }
    }
    node = rescaled(&mut fragment, node, OUTPUT)?;
    if let Shape::Sequence { channels, .. } | Shape::Image { channels, .. } = output
        && channels > 1
    {
        node = fragment.push(Operation::Transpose(Transpose), &[node])?;
    }
    Ok(fragment.ending_at(node))
}

fn rescaled(fragment: &mut Fragment, node: NodeId, names: [&str; 2]) -> Result<NodeId> {
    let size = fragment.shape(node).size();
    let [scale, offset] = names.map(|name| fragment.parameter(name, &[size]));
    let rescale = Rescale {
        scale: scale?,
        offset: offset?,
    };
    fragment.push(Operation::Rescale(rescale), &[node])
}
