//! Builds an ONNX graph.

use super::options::Batch;
use super::proto::{AttributeProto, NodeProto, TensorProto};
use crate::graph::{Graph, NodeId, ParameterId, Shape};
use std::collections::{HashMap, HashSet};

/// The name of the model's input.
pub(crate) const INPUT: &str = "x";
/// The names that the model's outputs may have.
pub(crate) const MEAN: &str = "mean";
pub(crate) const STD: &str = "std";
pub(crate) const IN_DOMAIN: &str = "in_domain";
pub(crate) const MEMBER: &str = "member";

/// The nodes and constants so far, and the name of every value of the emulator's graph.
pub(crate) struct ModelBuilder<'a> {
    pub(crate) graph: &'a Graph,
    batch: Batch,
    pub(crate) nodes: Vec<NodeProto>,
    pub(crate) constants: Vec<TensorProto>,
    /// The constants by sizes, type and bytes: each is stored once.
    known: HashMap<(Vec<i64>, i32, Vec<u8>), String>,
    names: HashSet<String>,
    values: HashMap<NodeId, String>,
}

impl<'a> ModelBuilder<'a> {
    pub(crate) fn new(graph: &'a Graph, batch: Batch) -> Self {
        Self {
            graph,
            batch,
            nodes: Vec::new(),
            constants: Vec::new(),
            known: HashMap::new(),
            names: HashSet::from([INPUT, MEAN, STD, IN_DOMAIN, MEMBER].map(str::to_owned)),
            values: HashMap::from([(Graph::INPUT, INPUT.to_owned())]),
        }
    }

    /// The number of rows in a call.
    pub(crate) fn batch(&self) -> Batch {
        self.batch
    }

    /// Renames a value to an output's name; the model's own input is copied.
    pub(crate) fn rename(&mut self, value: &str, output: &str) {
        let value = match value {
            INPUT => self.push("Identity", &[INPUT], Vec::new()),
            other => other.to_owned(),
        };
        let names = self
            .nodes
            .iter_mut()
            .flat_map(|node| node.input.iter_mut().chain(&mut node.output));
        for name in names.filter(|name| **name == value) {
            output.clone_into(name);
        }
    }

    /// The name of a value that was added before.
    pub(crate) fn value(&self, node: NodeId) -> String {
        self.values[&node].clone()
    }

    /// Sets the name of the value of `node`.
    pub(crate) fn name(&mut self, node: NodeId, value: String) {
        self.values.insert(node, value);
    }

    /// Adds an ONNX node; returns the name of its output.
    pub(crate) fn push(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let output = self.unused(&operator.to_lowercase());
        // Some engines keep nodes and values in one table: no node may have the name of a value.
        let name = self.unused(operator);
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![output.clone()],
            name,
            op_type: operator.to_owned(),
            attribute: attributes,
        });
        output
    }

    /// A parameter of the graph, reordered: element `i` of the constant with the sizes `dims` is
    /// element `place(i)` of the graph's array.
    pub(crate) fn parameter(
        &mut self,
        id: ParameterId,
        dims: &[usize],
        place: impl Fn(usize) -> usize,
    ) -> String {
        let values = self.graph.parameter_values(id);
        let arranged = (0..values.len()).map(|i| values[place(i)]);
        let bytes = arranged.flat_map(f32::to_le_bytes).collect();
        let name = self
            .graph
            .parameters()
            .get(id)
            .map_or("", |parameter| parameter.name());
        self.constant(name, dims, TensorProto::FLOAT, bytes)
    }

    /// A parameter with one element for each of a value's.
    pub(crate) fn one_each(&mut self, id: ParameterId, shape: Shape) -> String {
        self.parameter(id, &sizes(shape), |i| position_major(shape, i))
    }

    /// A scalar.
    pub(crate) fn number(&mut self, name: &str, value: f32) -> String {
        self.constant(name, &[], TensorProto::FLOAT, value.to_le_bytes().into())
    }

    /// A vector.
    pub(crate) fn numbers(&mut self, name: &str, values: &[f32]) -> String {
        self.array(name, &[values.len()], values)
    }

    /// An array of floats.
    pub(crate) fn array(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.constant(name, dims, TensorProto::FLOAT, bytes.collect())
    }

    /// A vector of integers: sizes and positions.
    pub(crate) fn integers(&mut self, name: &str, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes());
        self.constant(name, &[values.len()], TensorProto::INT64, bytes.collect())
    }

    /// A constant of the given bytes: the existing one, or a new one.
    pub(crate) fn constant(
        &mut self,
        name: &str,
        dims: &[usize],
        data_type: i32,
        bytes: Vec<u8>,
    ) -> String {
        let dims: Vec<i64> = dims.iter().map(|&size| size as i64).collect();
        let key = (dims, data_type, bytes);
        if let Some(name) = self.known.get(&key) {
            return name.clone();
        }
        let name = self.unused(name);
        self.known.insert(key.clone(), name.clone());
        let (dims, data_type, raw_data) = key;
        self.constants.push(TensorProto {
            dims,
            data_type,
            name: name.clone(),
            raw_data,
        });
        name
    }

    /// The value reshaped to `[n, ..]` with the given sizes of one row.
    pub(crate) fn reshape(&mut self, value: &str, row: &[usize]) -> String {
        let rows = match self.batch {
            Batch::One => 1,
            Batch::Any => -1,
        };
        let sizes: Vec<i64> = [rows]
            .into_iter()
            .chain(row.iter().map(|&size| size as i64))
            .collect();
        let sizes = self.integers("sizes", &sizes);
        self.push("Reshape", &[value, &sizes], Vec::new())
    }

    /// Returns `name`, with a number appended if it is taken.
    fn unused(&mut self, name: &str) -> String {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let mut candidates = std::iter::once(name.to_owned()).chain(numbered);
        let name = candidates
            .find(|candidate| !self.names.contains(candidate))
            .expect("there are more numbers than names");
        self.names.insert(name.clone());
        name
    }
}

/// The sizes of one row of a value in ONNX: sequences and images are channels-first.
pub(crate) fn sizes(shape: Shape) -> Vec<usize> {
    match shape {
        Shape::Vector(size) => vec![size],
        Shape::Sequence { length, channels } => vec![channels, length],
        Shape::Image {
            height,
            width,
            channels,
        } => vec![channels, height, width],
    }
}

/// The index in the graph's value of the element with index `place` in ONNX.
pub(crate) fn position_major(shape: Shape, place: usize) -> usize {
    match shape {
        Shape::Vector(_) => place,
        Shape::Sequence { .. } | Shape::Image { .. } => {
            let (positions, channels) = shape.positions_and_channels();
            place % positions * channels + place / positions
        }
    }
}

/// An attribute that is an integer.
pub(crate) fn int(name: &str, value: usize) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        i: Some(value as i64),
        r#type: AttributeProto::INT,
        ..AttributeProto::default()
    }
}

/// An attribute that is a list of integers.
pub(crate) fn ints(name: &str, values: &[usize]) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        ints: values.iter().map(|&value| value as i64).collect(),
        r#type: AttributeProto::INTS,
        ..AttributeProto::default()
    }
}

/// An attribute that is a string.
pub(crate) fn word(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.to_owned(),
        s: Some(value.as_bytes().to_vec()),
        r#type: AttributeProto::STRING,
        ..AttributeProto::default()
    }
}
