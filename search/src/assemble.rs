//! From trained weights to an emulator: physical units in and out, members that share operations, calibrated spread.
//!
//! Every member is `raw inputs -> logarithm -> standardise -> groups -> rescale [-> transpose]`; what members have in
//! common becomes one node, since equal operations on equal inputs are one node in a graph.
//!
//! [`crate::calibration`] then fits the standard deviation.

use crate::calibration::calibrated;
use crate::data::{self, Dataset, Normalisation, Split};
use crate::error::{Error, Result};
use crate::space::{self, Candidate, Group, Identity, Placement, Shape};
use crate::training::Trained;
use crate::transfer;
use dense_codegen::emulator::{Axis, InputVariable, Layout, Outputs};
use dense_codegen::graph::{
    self, Activation, Add, Conv1d, Conv2d, Dense, Function, Graph, Inverse, Logarithm, Multiply,
    NodeId, Operation, ParameterId, Rescale, Resize, Resize2d, Standardise, Transpose,
    TransposedConv1d, TransposedConv2d,
};
use dense_codegen::{Calibration, Emulator, EmulatorParts, Local};
use std::collections::{BTreeMap, HashMap};

/// The parameter that holds the outputs' standard deviations on the training rows, in the network's order.
const OUTPUT_SCALE: &str = "output scale";

/// Returns the order in which a sequence of the network's outputs stands in the data, `[channels][length]`, or an image,
/// `[channels][height][width]`: element k of the network is element `order[k]` of the data.
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

/// Returns the emulator of what was trained, its standard deviation calibrated on the rows of `split` that are for it; without
/// a split, or without such rows, not calibrated.
///
/// # Errors
/// The trained weights are not finite, or the data's box is none that an emulator can have.
pub fn assemble(
    trained: &Trained,
    data: &Dataset,
    normalisation: &Normalisation,
    split: Option<&Split>,
    provenance: BTreeMap<String, serde_json::Value>,
) -> Result<Emulator> {
    let mut draft = Draft {
        graph: Graph::new(data.input_count()),
        parameters: HashMap::new(),
        trained,
    };
    let start = draft.inputs(normalisation)?;
    let members: Result<Vec<_>, Error> = (0..trained.members.len())
        .map(|member| draft.member(member, start, normalisation))
        .collect();
    let scale = normalisation.output_scale().iter();
    let unit: Vec<f32> = scale
        .map(|scale| 2f32.powi(scale.log2().round().clamp(-100.0, 100.0) as i32))
        .collect();
    let parts = EmulatorParts {
        graph: draft.graph,
        members: members?,
        calibration: Calibration {
            gain: 1.0,
            floor: vec![0.0; unit.len()],
            slope: None,
            unit,
        },
        local: Local::default(),
        inputs: inputs(data),
        outputs: outputs(data),
        provenance,
    };
    let emulator = Emulator::new(parts)?;
    let Some(split) = split else {
        return Ok(emulator);
    };
    if split.calibration.is_empty() {
        return Ok(emulator);
    }
    let mut parts = emulator.clone().into_parts();
    (parts.calibration, parts.local.error_scale) =
        calibrated(&emulator, data, normalisation, split);
    Ok(Emulator::new(parts)?)
}

fn inputs(data: &Dataset) -> Vec<InputVariable> {
    let inputs = data.inputs().iter();
    inputs
        .map(|input| InputVariable {
            name: input.name.clone(),
            low: input.low,
            high: input.high,
            logarithmic: input.logarithmic,
        })
        .collect()
}

fn outputs(data: &Dataset) -> Outputs {
    use crate::data::Layout as Of;
    Outputs {
        layout: match data.layout() {
            Of::Scalars => Layout::Scalars,
            Of::Curve => Layout::Curve,
            Of::Curves => Layout::Curves,
            Of::Image => Layout::Image,
            Of::Images => Layout::Images,
        },
        shape: data.shape().to_vec(),
        names: data.output_names().to_vec(),
        axes: data
            .axes()
            .iter()
            .map(|axis| Axis {
                name: axis.name.clone(),
                values: axis.values.clone(),
            })
            .collect(),
        relative: data.relative().cloned(),
    }
}

/// A graph that grows by a member at a time.
struct Draft<'a> {
    graph: Graph,
    parameters: HashMap<String, ParameterId>,
    trained: &'a Trained,
}

impl Draft<'_> {
    /// The parameter of this name, taken in when it is first asked for.
    fn parameter(
        &mut self,
        name: String,
        shape: &[usize],
        values: impl FnOnce() -> candle_core::Result<Vec<f32>>,
    ) -> Result<ParameterId> {
        if let Some(&known) = self.parameters.get(&name) {
            return Ok(known);
        }
        let id = self.graph.parameter(&name, shape, values()?)?;
        self.parameters.insert(name, id);
        Ok(id)
    }

    fn inputs(&mut self, normalisation: &Normalisation) -> Result<NodeId> {
        let mask = normalisation.logarithmic().to_vec();
        let logarithm = self
            .graph
            .push(Operation::Logarithm(Logarithm { mask }), &[Graph::INPUT])?;
        let [centre, scale] = [
            ("input centre", normalisation.centre()),
            ("input scale", normalisation.scale()),
        ]
        .map(|(name, values)| {
            self.parameter(name.to_owned(), &[values.len()], || Ok(values.to_vec()))
        });
        let standardise = Standardise {
            centre: centre?,
            scale: scale?,
        };
        Ok(self
            .graph
            .push(Operation::Standardise(standardise), &[logarithm])?)
    }

    fn member(
        &mut self,
        member: usize,
        start: NodeId,
        normalisation: &Normalisation,
    ) -> Result<NodeId> {
        let trained = self.trained;
        let space = trained.network.space();
        let mut value = start;
        let choices = trained.members[member].choices().to_vec();
        for (index, (group, choice)) in space.groups().iter().zip(choices).enumerate() {
            value = self.node(index, group, choice, value)?;
        }
        let order = data_order(space.output());
        let ordered = |values: &[f64]| order.iter().map(|&place| values[place] as f32).collect();
        let physical = self.outputs(value, normalisation, ordered)?;
        match space.output() {
            Shape::Sequence { channels, .. } | Shape::Image { channels, .. } if channels > 1 => {
                Ok(self
                    .graph
                    .push(Operation::Transpose(Transpose), &[physical])?)
            }
            _ => Ok(physical),
        }
    }

    /// Back from the coordinate in which outputs were learnt to physical units.
    ///
    /// The last operation multiplies with the outputs' deviation, whatever comes before: with s, o of the learnt
    /// coordinate, `exp(z s + o - ln scale) scale`, or `sinh(z s + o) (unit / scale) scale`.
    fn outputs(
        &mut self,
        value: NodeId,
        normalisation: &Normalisation,
        ordered: impl Fn(&[f64]) -> Vec<f32>,
    ) -> Result<NodeId> {
        let scale = normalisation.output_scale();
        let deployed = normalisation.deployed_output_scale();
        let (learnt_offset, learnt_scale) = normalisation.learnt();
        let mut offset = normalisation.output_offset().to_vec();
        let mut value = value;
        if normalisation.transform() != data::Transform::None {
            // What is left of a constant output is its constant.
            for (offset, &scale) in offset.iter_mut().zip(&deployed) {
                *offset = if scale == 0.0 { *offset } else { 0.0 };
            }
        }
        match normalisation.transform() {
            data::Transform::None => {}
            data::Transform::Log => {
                let pairs = learnt_offset.iter().zip(scale);
                let start: Vec<f64> = pairs.map(|(o, scale)| o - scale.ln()).collect();
                value = self.rescale("learnt", value, ordered(learnt_scale), ordered(&start))?;
                value = self.inverse(value, Inverse::Exp)?;
            }
            data::Transform::Asinh => {
                let (s, o) = (ordered(learnt_scale), ordered(learnt_offset));
                value = self.rescale("learnt", value, s, o)?;
                value = self.inverse(value, Inverse::Sinh)?;
                let pairs = normalisation.unit().iter().zip(scale);
                let ratio: Vec<f64> = pairs.map(|(unit, scale)| unit / scale).collect();
                let none = vec![0.0; ratio.len()];
                value = self.rescale("unit", value, ordered(&ratio), none)?;
            }
        }
        self.rescale("output", value, ordered(&deployed), ordered(&offset))
    }

    fn rescale(
        &mut self,
        name: &str,
        value: NodeId,
        scale: Vec<f32>,
        offset: Vec<f32>,
    ) -> Result<NodeId> {
        let rescale = Rescale {
            scale: self.parameter(format!("{name} scale"), &[scale.len()], || Ok(scale))?,
            offset: self.parameter(format!("{name} offset"), &[offset.len()], || Ok(offset))?,
        };
        Ok(self.graph.push(Operation::Rescale(rescale), &[value])?)
    }

    fn inverse(&mut self, value: NodeId, function: Inverse) -> Result<NodeId> {
        let transform = Operation::Transform(graph::Transform { function });
        Ok(self.graph.push(transform, &[value])?)
    }

    /// A group's node, as the super-network evaluates it.
    fn node(
        &mut self,
        index: usize,
        group: &Group,
        choice: usize,
        value: NodeId,
    ) -> Result<NodeId> {
        let resized = self.resized(value, group.output)?;
        let mut operation = self.candidate(index, group, choice, value, resized)?;
        if group.placement == Placement::OnBranch {
            operation = operation
                .map(|node| self.activated(node, group.activation_after(choice)))
                .transpose()?;
        }
        let sum = match (group.identity, operation) {
            (Identity::Beside, Some(operation)) => self
                .graph
                .push(Operation::Add(Add), &[resized, operation])?,
            (Identity::Absent, Some(operation)) => operation,
            (_, None) => resized,
        };
        match group.placement {
            Placement::After => self.activated(sum, group.activation_after(choice)),
            Placement::OnBranch => Ok(sum),
        }
    }

    fn activated(&mut self, node: NodeId, function: Option<space::Activation>) -> Result<NodeId> {
        let Some(function) = function else {
            return Ok(node);
        };
        let function = match function {
            space::Activation::Relu => Function::Relu,
            space::Activation::Silu => Function::Silu,
            space::Activation::Tanh => Function::Tanh,
        };
        Ok(self
            .graph
            .push(Operation::Activation(Activation { function }), &[node])?)
    }

    /// The value at the output's positions, where both have some.
    fn resized(&mut self, value: NodeId, output: Shape) -> Result<NodeId> {
        let operation = match (self.graph.shape(value), output) {
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
            ) if (rows, columns) != (height, width) => {
                Operation::Resize2d(Resize2d { height, width })
            }
            _ => return Ok(value),
        };
        Ok(self.graph.push(operation, &[value])?)
    }

    /// The candidate's operations on the group's input; `None` for zero.
    fn candidate(
        &mut self,
        index: usize,
        group: &Group,
        choice: usize,
        value: NodeId,
        resized: NodeId,
    ) -> Result<Option<NodeId>> {
        let trained = self.trained;
        let mut parameters = Vec::new();
        for parameter in trained.network.parameters(index, choice) {
            let name = format!("{}/{choice}/{}", group.name, parameter.role);
            let shape = parameter.var.dims().to_vec();
            parameters.push(self.parameter(name, &shape, || transfer::numbers(&parameter.var))?);
        }
        let output = group.output;
        let pushed = match (group.candidates[choice], parameters[..].as_ref()) {
            (Candidate::Dense, &[weight, bias]) => self.graph.push(
                Operation::Dense(Dense {
                    weight,
                    bias,
                    output,
                }),
                &[value],
            )?,
            (Candidate::Gated, &[gate_weight, gate_bias, weight, bias]) => {
                let mut dense = |weight, bias| {
                    let dense = Dense {
                        weight,
                        bias,
                        output,
                    };
                    self.graph.push(Operation::Dense(dense), &[value])
                };
                let (gate, carried) = (dense(gate_weight, gate_bias)?, dense(weight, bias)?);
                let gate = self.activated(gate, group.activation_of(choice))?;
                self.graph
                    .push(Operation::Multiply(Multiply), &[gate, carried])?
            }
            (Candidate::LowRank { rank }, &[first, second, bias]) => {
                let none =
                    self.parameter(format!("no bias {rank}"), &[rank], || Ok(vec![0.0; rank]))?;
                let inner = Dense {
                    weight: first,
                    bias: none,
                    output: graph::Shape::Vector(rank),
                };
                let inner = self.graph.push(Operation::Dense(inner), &[value])?;
                self.graph.push(
                    Operation::Dense(Dense {
                        weight: second,
                        bias,
                        output,
                    }),
                    &[inner],
                )?
            }
            (Candidate::Conv { .. }, &[weight, bias]) => {
                let operation = match output {
                    Shape::Image { .. } => Operation::Conv2d(Conv2d { weight, bias }),
                    _ => Operation::Conv1d(Conv1d { weight, bias }),
                };
                self.graph.push(operation, &[resized])?
            }
            (Candidate::TransposedConv { stride, .. }, &[weight, bias]) => {
                let operation = match output {
                    Shape::Vector(_) => return Ok(None),
                    Shape::Sequence { length, .. } => {
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
                self.graph.push(operation, &[value])?
            }
            _ => return Ok(None),
        };
        Ok(Some(pushed))
    }
}

/// Returns each output's standard deviation on the training rows, as the emulator computes it, in the data's order; 0.0 where it was
/// constant.
#[must_use]
pub fn output_deviation(emulator: &Emulator) -> Vec<f64> {
    let mut parameters = emulator.graph().parameters().iter();
    let values = parameters
        .find(|(_, parameter)| parameter.name() == OUTPUT_SCALE)
        .map_or_else(
            || emulator.calibration().unit.clone(),
            |(_, parameter)| parameter.values().to_vec(),
        );
    let outputs = emulator.outputs();
    let order: Vec<usize> = match (outputs.layout, &outputs.shape[..]) {
        (Layout::Curves, &[channels, length]) => data_order(Shape::Sequence { length, channels }),
        (Layout::Images, &[channels, height, width]) => data_order(Shape::Image {
            height,
            width,
            channels,
        }),
        _ => (0..values.len()).collect(),
    };
    let mut deviation = vec![0.0; values.len()];
    for (&place, value) in order.iter().zip(values) {
        deviation[place] = f64::from(value);
    }
    deviation
}

#[cfg(test)]
mod tests;
