//! The emulator: the result of a search, and the input of everything after it.

mod parts;
mod relative;

pub use parts::{Axis, Calibration, InputVariable, Layout, Outputs};
pub use relative::Relative;

use crate::Result;
use crate::domain::Range;
use crate::error::refuse;
use crate::graph::{Graph, NodeId, Shape};
use crate::local::Local;
use crate::pack;
use crate::plan::BufferPlan;
use std::collections::BTreeMap;

/// The largest number of inputs: the status has one bit for each.
pub const INPUTS_AT_MOST: usize = 64;

/// The parts of an emulator.
#[derive(Clone, Debug, PartialEq)]
pub struct EmulatorParts {
    /// The computation, from raw inputs to physical outputs.
    pub graph: Graph,
    /// The last node of each ensemble member, at least one.
    pub members: Vec<NodeId>,
    /// The uncertainty's calibration.
    pub calibration: Calibration,
    /// The estimates that depend on the position of the inputs.
    pub local: Local,
    /// The inputs, in the graph's order.
    pub inputs: Vec<InputVariable>,
    /// The outputs.
    pub outputs: Outputs,
    /// The origin of the emulator: tool version, settings, seed, data hash, metrics. No dates, no
    /// host names.
    pub provenance: BTreeMap<String, serde_json::Value>,
}

/// An emulator whose parts fit together and whose graph contains only nodes that some member needs.
///
/// # Example
/// An emulator made by hand instead of by a search: `2 x + 1` for x from 0 to 1, with a standard
/// deviation of 0.1.
/// ```
/// use dense_codegen::emulator::{InputVariable, Layout, Outputs};
/// use dense_codegen::graph::{Dense, Graph, Operation, Shape};
/// use dense_codegen::interpreter::interpret_f64;
/// use dense_codegen::{Calibration, Emulator, EmulatorParts, Local};
///
/// # fn main() -> dense_codegen::Result<()> {
/// let mut graph = Graph::new(1);
/// let layer = Dense {
///     weight: graph.parameter("weight", &[1, 1], vec![2.0])?,
///     bias: graph.parameter("bias", &[1], vec![1.0])?,
///     output: Shape::Vector(1),
/// };
/// let member = graph.push(Operation::Dense(layer), &[Graph::INPUT])?;
/// let emulator = Emulator::new(EmulatorParts {
///     graph,
///     members: vec![member],
///     calibration: Calibration { gain: 1.0, unit: vec![1.0], floor: vec![0.01], slope: None },
///     local: Local::default(),
///     inputs: vec![InputVariable { name: "x".into(), low: 0.0, high: 1.0, logarithmic: false }],
///     outputs: Outputs {
///         layout: Layout::Scalars,
///         shape: vec![],
///         names: vec!["y".into()],
///         axes: vec![],
///         relative: None,
///     },
///     provenance: Default::default(),
/// })?;
/// let prediction = interpret_f64(&emulator, &[0.25]);
/// assert_eq!(prediction.mean, [1.5]);
/// assert!((prediction.std[0] - 0.1).abs() < 1e-6);
/// assert!(interpret_f64(&emulator, &[1.25]).status.outside > 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Emulator(EmulatorParts);

impl Emulator {
    /// Returns the emulator of these parts, without nodes that no member needs.
    ///
    /// # Errors
    /// Counts or shapes disagree, a limit or a calibration value is out of range, or there are more
    /// than 64 inputs.
    pub fn new(mut parts: EmulatorParts) -> Result<Self> {
        check_inputs(&parts)?;
        check_outputs(&parts)?;
        check_calibration(&parts)?;
        parts.local.check(parts.inputs.len())?;
        (parts.graph, parts.members) = parts.graph.pruned(&parts.members);
        Ok(Self(parts))
    }

    /// Returns the parts, to make another emulator of them.
    #[must_use]
    pub fn into_parts(self) -> EmulatorParts {
        self.0
    }

    /// The computation.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.0.graph
    }

    /// The last node of each member.
    #[must_use]
    pub fn members(&self) -> &[NodeId] {
        &self.0.members
    }

    /// The uncertainty's calibration.
    #[must_use]
    pub fn calibration(&self) -> &Calibration {
        &self.0.calibration
    }

    /// The estimates that depend on the position of the inputs: the error scale, and the
    /// neighbourhood of the training points.
    #[must_use]
    pub fn local(&self) -> &Local {
        &self.0.local
    }

    /// The inputs and their trained ranges.
    #[must_use]
    pub fn inputs(&self) -> &[InputVariable] {
        &self.0.inputs
    }

    /// The trained range of each input, in the form of deployed code.
    #[must_use]
    pub fn domain(&self) -> Vec<Range> {
        self.0.inputs.iter().map(Range::of).collect()
    }

    /// The outputs.
    #[must_use]
    pub fn outputs(&self) -> &Outputs {
        &self.0.outputs
    }

    /// The origin of the emulator.
    #[must_use]
    pub fn provenance(&self) -> &BTreeMap<String, serde_json::Value> {
        &self.0.provenance
    }

    /// The number of inputs.
    #[must_use]
    pub fn input_count(&self) -> usize {
        self.0.inputs.len()
    }

    /// The number of outputs.
    #[must_use]
    pub fn output_count(&self) -> usize {
        self.0.calibration.unit.len()
    }

    /// Bytes of the constants that the shipped call reads: packed weights and calibration, each
    /// once. (A single member's standard deviation takes one constant for each output, several
    /// members' two; a slope takes one more.)
    #[must_use]
    pub fn flash_bytes(&self) -> usize {
        let parameters = self
            .0
            .graph
            .parameters()
            .iter()
            .map(|(_, parameter)| pack::stored_length(parameter));
        let calibration = match self.members().len() {
            1 => self.output_count(),
            _ => 2 * self.output_count(),
        };
        let slopes = self.calibration().slope.as_ref().map_or(0, Vec::len);
        4 * (parameters.sum::<usize>() + calibration + slopes + self.0.local.numbers())
    }

    /// Bytes that the shipped call writes: the buffers of its plan, mean and standard deviation.
    #[must_use]
    pub fn ram_bytes(&self) -> usize {
        4 * (BufferPlan::new(self.graph(), self.members())
            .sizes()
            .iter()
            .sum::<usize>()
            + 2 * self.output_count())
    }

    /// Multiply-accumulates of the shipped call; every node counts once.
    #[must_use]
    pub fn macs(&self) -> u64 {
        self.macs_for(&self.0.members) + self.0.local.macs()
    }

    /// Multiply-accumulates of the largest member alone.
    #[must_use]
    pub fn member_macs(&self) -> u64 {
        self.0
            .members
            .iter()
            .map(|&member| self.macs_for(&[member]))
            .max()
            .unwrap_or(0)
    }

    fn macs_for(&self, roots: &[NodeId]) -> u64 {
        let graph = &self.0.graph;
        let nodes = graph
            .needed(roots)
            .into_iter()
            .enumerate()
            .filter(|(_, needed)| *needed);
        nodes.map(|(index, _)| graph.macs(NodeId(index))).sum()
    }
}

fn check_inputs(parts: &EmulatorParts) -> Result<()> {
    let count = parts.inputs.len();
    if !(1..=INPUTS_AT_MOST).contains(&count) {
        return refuse("inputs", format!("1 to {INPUTS_AT_MOST}"), count);
    }
    let shape = parts.graph.shape(Graph::INPUT);
    if shape != Shape::Vector(count) {
        return refuse("inputs", format!("as many as the graph's {shape}"), count);
    }
    for InputVariable {
        name,
        low,
        high,
        logarithmic,
    } in &parts.inputs
    {
        let part = || format!("input {name:?}");
        let largest = f64::from(f32::MAX) / 4.0;
        if !(low < high && -largest < *low && *high < largest) {
            return refuse(
                part(),
                "limits low < high that single precision holds",
                format!("{low} to {high}"),
            );
        }
        if *logarithmic && *low < f64::from(f32::MIN_POSITIVE) {
            return refuse(part(), "a positive normal lower limit for a logarithm", low);
        }
    }
    Ok(())
}

fn check_outputs(parts: &EmulatorParts) -> Result<()> {
    let Outputs {
        layout,
        shape,
        axes,
        ..
    } = &parts.outputs;
    let dimensions: &[usize] = match layout {
        Layout::Scalars => &[0, 1],
        Layout::Curve => &[1],
        Layout::Curves | Layout::Image => &[2],
        Layout::Images => &[3],
    };
    if !dimensions.contains(&shape.len()) {
        return refuse(
            "outputs",
            format!("{dimensions:?} dimensions for {layout:?}"),
            format!("{shape:?}"),
        );
    }
    if let Some(axis) = axes
        .iter()
        .find(|axis| !axis.values.iter().all(|value| value.is_finite()))
    {
        return refuse(format!("axis {:?}", axis.name), "finite values", "others");
    }
    let known = parts.graph.nodes().len();
    if parts.members.is_empty() {
        return refuse("members", "at least one", 0);
    }
    if parts.members.len() > usize::from(u16::MAX) {
        return refuse("members", "at most 65535", parts.members.len());
    }
    for (index, member) in parts.members.iter().enumerate() {
        if member.index() >= known {
            return refuse(
                format!("member {index}"),
                format!("a node below {known}"),
                member.index(),
            );
        }
        let size = parts.graph.shape(*member).size();
        if parts.outputs.count() != Some(size) {
            return refuse(
                format!("member {index}"),
                format!("outputs of shape {shape:?}"),
                format!("{size} numbers"),
            );
        }
    }
    match &parts.outputs.relative {
        None => Ok(()),
        Some(relative) => relative.check(parts.outputs.count().unwrap_or_default()),
    }
}

fn check_calibration(parts: &EmulatorParts) -> Result<()> {
    let Calibration {
        gain,
        unit,
        floor,
        slope,
    } = &parts.calibration;
    let size = parts.graph.shape(parts.members[0]).size();
    let acceptable = |value: f32| value.is_finite() && value >= 0.0;
    if unit.len() != size || floor.len() != size {
        let got = format!("{} and {}", unit.len(), floor.len());
        return refuse("calibration", format!("{size} units and floors"), got);
    }
    if !acceptable(*gain) {
        return refuse("calibration", "a finite gain, at least 0", gain);
    }
    if let Some(value) = floor.iter().find(|&&value| !acceptable(value)) {
        return refuse("calibration", "finite floors, at least 0", value);
    }
    if let Some(slope) = slope {
        if slope.len() != size {
            return refuse("calibration", format!("{size} slopes"), slope.len());
        }
        if let Some(value) = slope.iter().find(|&&value| !acceptable(value)) {
            return refuse("calibration", "finite slopes, at least 0", value);
        }
    }
    if let Some(value) = unit.iter().find(|&&value| !is_power_of_two(value)) {
        return refuse(
            "calibration",
            "units that are powers of two between 2^-126 and 2^126",
            value,
        );
    }
    Ok(())
}

/// Whether `value` and its inverse are normal powers of two.
fn is_power_of_two(value: f32) -> bool {
    const FRACTION: u32 = 0x007F_FFFF;
    value > 0.0 && value.is_normal() && value.recip().is_normal() && value.to_bits() & FRACTION == 0
}

#[cfg(test)]
mod tests;
