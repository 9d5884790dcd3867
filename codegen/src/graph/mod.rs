//! Graphs: the computation for one sample, as nodes in the order of evaluation.
//!
//! A [`Graph`] is always well-shaped and finite: nodes and parameters can only be added, and only
//! where they fit. Equal operations on equal operands are one node (hash-consing), so ensemble
//! members with equal first layers share them automatically. A [`Fragment`] is a part of a graph
//! before its weights are known: it has their shapes and the cost of the part, and is grafted into
//! a graph with the weights.
//!
//! The semantics of operations are defined in `operation`, whose reference evaluation consists of
//! plain loops over a [`Real`] in the documented order of summation.

mod dual;
mod fragment;
mod parameter;
mod prune;
mod real;
mod shape;
mod single;

pub use crate::operation::types::*;
pub use dual::Dual;
pub use fragment::Fragment;
pub use parameter::{Parameter, ParameterId, Parameters};
pub use real::Real;
pub use shape::Shape;
pub use single::Single;

use crate::operation::rule::Mismatch;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Identifies a node of a graph. Nodes read only nodes of lower index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub(crate) usize);

impl NodeId {
    /// The node's index in [`Graph::nodes`].
    #[must_use]
    pub fn index(self) -> usize {
        self.0
    }
}

/// An operation on the values of earlier nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    operation: Operation,
    inputs: Vec<NodeId>,
    shape: Shape,
}

impl Node {
    /// The operation of the node.
    #[must_use]
    pub fn operation(&self) -> &Operation {
        &self.operation
    }

    /// The nodes whose values it reads.
    #[must_use]
    pub fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }

    /// The shape of its value.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }
}

/// Nodes and the parameters that they read.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    nodes: Vec<Node>,
    parameters: Parameters,
    known: HashMap<(Operation, Vec<NodeId>), NodeId>,
}

impl Graph {
    /// The node of the raw inputs, which every graph has.
    pub const INPUT: NodeId = NodeId(0);

    /// Returns a graph with its inputs alone.
    #[must_use]
    pub fn new(inputs: usize) -> Self {
        let operation = Operation::Input(Input { size: inputs });
        let node = Node {
            operation: operation.clone(),
            inputs: Vec::new(),
            shape: Shape::Vector(inputs),
        };
        let known = HashMap::from([((operation, Vec::new()), Self::INPUT)]);
        Self {
            nodes: vec![node],
            parameters: Parameters::default(),
            known,
        }
    }

    /// Adds an array, row-major.
    ///
    /// # Errors
    /// The name is in use, the number of values is not the product of `shape`, or a value is not
    /// finite.
    pub fn parameter(
        &mut self,
        name: &str,
        shape: &[usize],
        values: Vec<f32>,
    ) -> Result<ParameterId> {
        self.parameters.add(name, shape, values)
    }

    /// Returns the node of this operation on these operands: the existing one, or a new one.
    ///
    /// # Errors
    /// An operand or a parameter does not belong to this graph, or the shapes do not fit.
    pub fn push(&mut self, operation: Operation, inputs: &[NodeId]) -> Result<NodeId> {
        let key = (operation, inputs.to_vec());
        if let Some(&node) = self.known.get(&key) {
            return Ok(node);
        }
        let (operation, inputs) = key.clone();
        let shape =
            self.resulting_shape(&operation, &inputs)
                .map_err(|Mismatch { expected, got }| Error::Operation {
                    node: self.nodes.len(),
                    kind: operation.kind(),
                    expected,
                    got,
                })?;
        let id = NodeId(self.nodes.len());
        self.nodes.push(Node {
            operation,
            inputs,
            shape,
        });
        self.known.insert(key, id);
        Ok(id)
    }

    fn resulting_shape(&self, operation: &Operation, inputs: &[NodeId]) -> Result<Shape, Mismatch> {
        if matches!(operation, Operation::Input(_)) {
            return Err(Mismatch::new(
                "the one input node that the graph begins with",
                "another",
            ));
        }
        if let Some(stranger) = inputs.iter().find(|input| input.0 >= self.nodes.len()) {
            return Err(Mismatch::new(
                format!("operands below node {}", self.nodes.len()),
                format!("node {}", stranger.0),
            ));
        }
        if let Some(stranger) = operation
            .parameters()
            .into_iter()
            .find(|&id| self.parameters.get(id).is_none())
        {
            return Err(Mismatch::new(
                "parameters of this graph",
                format!("parameter {}", stranger.index()),
            ));
        }
        let shapes: Vec<_> = inputs.iter().map(|&input| self.shape(input)).collect();
        let shape = operation.shape(&self.parameters, &shapes)?;
        match shape.size() {
            1..=Shape::LARGEST => Ok(shape),
            _ => Err(Mismatch::new(
                format!("a result of 1 to {} numbers", Shape::LARGEST),
                shape,
            )),
        }
    }

    /// All nodes in the order of evaluation; the first is the input.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// All nodes with their names, in the order of evaluation.
    pub fn named_nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes
            .iter()
            .enumerate()
            .map(|(k, node)| (NodeId(k), node))
    }

    /// The shape of a node's value.
    ///
    /// # Panics
    /// The node belongs to another, larger graph.
    #[must_use]
    pub fn shape(&self, node: NodeId) -> Shape {
        self.nodes[node.0].shape
    }

    /// All parameters in the order in which they were added.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The values of a parameter, row-major.
    ///
    /// # Panics
    /// The parameter belongs to another, larger graph.
    #[must_use]
    pub fn parameter_values(&self, parameter: ParameterId) -> &[f32] {
        self.parameters.values(parameter)
    }

    /// Multiply-accumulates of one node.
    ///
    /// Dense layers and convolutions count every product that they sum, without taps that fall
    /// outside; a rescaling counts one for each value; everything else counts zero.
    ///
    /// # Panics
    /// The node belongs to another, larger graph.
    #[must_use]
    pub fn macs(&self, node: NodeId) -> u64 {
        let Node {
            operation,
            inputs,
            shape,
        } = &self.nodes[node.0];
        let shapes: Vec<_> = inputs.iter().map(|&input| self.shape(input)).collect();
        operation.macs(&self.parameters, &shapes, *shape)
    }

    /// Floats that one node reads and writes: its operands, its parameters and its result.
    ///
    /// # Panics
    /// The node belongs to another, larger graph.
    #[must_use]
    pub fn floats(&self, node: NodeId) -> usize {
        let Node {
            operation,
            inputs,
            shape,
        } = &self.nodes[node.0];
        let operands = inputs.iter().map(|&input| self.shape(input).size());
        let parameters = operation.parameters().into_iter();
        let constants = parameters.map(|id| self.parameters.shape(id).iter().product::<usize>());
        operands.chain(constants).sum::<usize>() + shape.size()
    }

    /// For every node, whether a root is it or needs it; the input counts as needed.
    ///
    /// # Panics
    /// A root belongs to another, larger graph.
    #[must_use]
    pub fn needed(&self, roots: &[NodeId]) -> Vec<bool> {
        let mut needed = vec![false; self.nodes.len()];
        needed[Self::INPUT.0] = true;
        for root in roots {
            needed[root.0] = true;
        }
        for index in (0..self.nodes.len()).rev() {
            if needed[index] {
                for input in &self.nodes[index].inputs {
                    needed[input.0] = true;
                }
            }
        }
        needed
    }
}

#[cfg(test)]
mod tests;
