//! Builds an emulator from trained weights: it takes and returns physical units, its members share
//! operations, and its spread is calibrated.
//!
//! The `lowering` module defines a member's operations; this module fills in their weights. A graph
//! has only one node for equal operations on equal inputs, so members share what they have in
//! common.
//!
//! [`crate::calibration`] then fits the standard deviation.

use crate::calibration::calibrated;
use crate::data::{Dataset, Normalisation, Transform};
use crate::error::{Error, Result};
use crate::lowering;
pub use crate::lowering::data_order;
use crate::space::{Architecture, Shape};
use crate::supernetwork::SuperNetwork;
use crate::training::Trained;
use crate::transfer;
use crate::unseen::Evidence;
use dense_codegen::emulator::{Layout, Outputs};
use dense_codegen::graph::{Fragment, Graph, NodeId, ParameterId};
use dense_codegen::{Calibration, Emulator, EmulatorParts, Local};
use std::collections::{BTreeMap, HashMap};

/// Returns the emulator of the trained networks. Its standard deviation is calibrated on the
/// calibration rows of `evidence`; without it, or without such rows, it stays uncalibrated.
///
/// # Errors
/// The trained weights are not finite, or no emulator can have the data's box.
pub fn assemble(
    trained: &Trained,
    data: &Dataset,
    normalisation: &Normalisation,
    evidence: Option<Evidence<'_>>,
    provenance: BTreeMap<String, serde_json::Value>,
) -> Result<Emulator> {
    let output = trained.network.space().output();
    let constants = constants(normalisation, &data_order(output));
    let before = lowering::inputs(normalisation.logarithmic())?;
    let behind = lowering::outputs(output, normalisation.transform())?;
    let mut builder = GraphBuilder::new(data.input_count(), &trained.network);
    let start = builder.graft_constants(&before, Graph::INPUT, &constants)?;
    let mut members = Vec::new();
    for member in &trained.members {
        let node = builder.graft_groups(member, start)?;
        members.push(builder.graft_constants(&behind, node, &constants)?);
    }
    let scale = normalisation.output_scale().iter();
    let unit: Vec<f32> = scale
        .map(|scale| 2f32.powi(scale.log2().round().clamp(-100.0, 100.0) as i32))
        .collect();
    let parts = EmulatorParts {
        graph: builder.graph,
        members,
        calibration: Calibration {
            gain: 1.0,
            floor: vec![0.0; unit.len()],
            slope: None,
            unit,
        },
        local: Local::default(),
        inputs: data.inputs().to_vec(),
        outputs: outputs(data),
        provenance,
    };
    let emulator = Emulator::new(parts)?;
    let Some(evidence) = evidence.filter(|one| !one.calibration().is_empty()) else {
        return Ok(emulator);
    };
    let mut parts = emulator.clone().into_parts();
    (parts.calibration, parts.local.error_scale) =
        calibrated(&emulator, data, normalisation, evidence);
    Ok(Emulator::new(parts)?)
}

fn outputs(data: &Dataset) -> Outputs {
    Outputs {
        layout: data.layout(),
        shape: data.shape().to_vec(),
        names: data.output_names().to_vec(),
        axes: data.axes().to_vec(),
        relative: data.relative().cloned(),
    }
}

/// Values of a member's parameters outside its groups, by parameter name. Values per output are in
/// the network's order.
/// With scale s and offset o of the learnt coordinate, the outputs are
/// `exp(z s + o - ln scale) scale`, or
/// `sinh(z s + o) (unit / scale) scale`.
fn constants(normalisation: &Normalisation, order: &[usize]) -> HashMap<&'static str, Vec<f32>> {
    let scale = normalisation.output_scale();
    let deployed = normalisation.deployed_output_scale();
    let (learnt_offset, learnt_scale) = normalisation.learnt();
    let mut offset = normalisation.output_offset().to_vec();
    let mut constants = HashMap::from([
        (lowering::INPUT_CENTRE, normalisation.centre().to_vec()),
        (lowering::INPUT_SCALE, normalisation.scale().to_vec()),
    ]);
    let mut rescale = |names: [&'static str; 2], scale: &[f64], offset: &[f64]| {
        for (name, values) in names.into_iter().zip([scale, offset]) {
            let ordered = order.iter().map(|&place| values[place] as f32);
            constants.insert(name, ordered.collect());
        }
    };
    if normalisation.transform() != Transform::None {
        // A constant output keeps its constant as offset.
        for (offset, &scale) in offset.iter_mut().zip(&deployed) {
            *offset = if scale == 0.0 { *offset } else { 0.0 };
        }
    }
    match normalisation.transform() {
        Transform::None => {}
        Transform::Log => {
            let pairs = learnt_offset.iter().zip(scale);
            let start: Vec<f64> = pairs.map(|(o, scale)| o - scale.ln()).collect();
            rescale(lowering::LEARNT, learnt_scale, &start);
        }
        Transform::Asinh => {
            rescale(lowering::LEARNT, learnt_scale, learnt_offset);
            let pairs = normalisation.unit().iter().zip(scale);
            let ratio: Vec<f64> = pairs.map(|(unit, scale)| unit / scale).collect();
            rescale(lowering::UNIT, &ratio, &vec![0.0; ratio.len()]);
        }
    }
    rescale(lowering::OUTPUT, &deployed, &offset);
    constants
}

/// A graph that grows one fragment at a time.
struct GraphBuilder<'a> {
    graph: Graph,
    parameters: HashMap<String, ParameterId>,
    network: &'a SuperNetwork,
}

impl<'a> GraphBuilder<'a> {
    fn new(inputs: usize, network: &'a SuperNetwork) -> Self {
        Self {
            graph: Graph::new(inputs),
            parameters: HashMap::new(),
            network,
        }
    }

    /// The parameter of this name, added on first use.
    fn parameter(
        &mut self,
        name: String,
        shape: &[usize],
        values: impl FnOnce() -> Result<Vec<f32>>,
    ) -> Result<ParameterId> {
        if let Some(&known) = self.parameters.get(&name) {
            return Ok(known);
        }
        let id = self.graph.parameter(&name, shape, values()?)?;
        self.parameters.insert(name, id);
        Ok(id)
    }

    /// Adds a fragment whose parameters, by name, have these values.
    fn graft_constants(
        &mut self,
        fragment: &Fragment,
        operand: NodeId,
        constants: &HashMap<&'static str, Vec<f32>>,
    ) -> Result<NodeId> {
        let mut parameters = Vec::new();
        for (name, shape) in fragment.parameters() {
            parameters.push(self.parameter(name.to_owned(), shape, || {
                let values = constants.get(name);
                values
                    .cloned()
                    .ok_or_else(|| Error::Fault(format!("no values of {name:?}")))
            })?);
        }
        Ok(self.graph.graft(fragment, operand, &parameters)?)
    }

    /// Adds the groups of an architecture, with the weights of the network.
    fn graft_groups(&mut self, architecture: &Architecture, start: NodeId) -> Result<NodeId> {
        let mut node = start;
        for (group, &choice) in architecture.choices().iter().enumerate() {
            node = self.graft_candidate(group, choice, node)?;
        }
        Ok(node)
    }

    fn graft_candidate(&mut self, group: usize, choice: usize, operand: NodeId) -> Result<NodeId> {
        let network = self.network;
        let (space, weights) = (network.space(), network.parameters(group, choice));
        let fragment = &space.fragments()[group][choice];
        let prefix = format!("{}/{choice}", space.groups()[group].name);
        let mut parameters = Vec::new();
        for (role, shape) in fragment.parameters() {
            parameters.push(match weights.iter().find(|weight| weight.role == role) {
                Some(weight) => self.parameter(format!("{prefix}/{role}"), shape, || {
                    Ok(transfer::numbers(&weight.var)?)
                })?,
                // The untrained bias of zeros: all candidates of equal rank share it.
                None => self.parameter(role.to_owned(), shape, || {
                    Ok(vec![0.0; shape.iter().product()])
                })?,
            });
        }
        Ok(self.graph.graft(fragment, operand, &parameters)?)
    }
}

/// Returns each output's standard deviation on the training rows, as the emulator computes it, in
/// the data's order; 0.0 for a constant output.
#[must_use]
pub fn output_deviation(emulator: &Emulator) -> Vec<f64> {
    let mut parameters = emulator.graph().parameters().iter();
    let values = parameters
        .find(|(_, parameter)| parameter.name() == lowering::OUTPUT[0])
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
