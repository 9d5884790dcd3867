//! Fragments: a part of a graph whose parameters have names and shapes, but no values yet.
//!
//! The cost of an operation depends on shapes alone, so a fragment has the costs of the nodes that
//! [`Graph::graft`] makes of it once there are values.

use super::{Graph, Node, NodeId, Operation, ParameterId, Shape};
use crate::{Error, Result};

/// Operations on one operand of any shape, and the names and shapes of their parameters.
///
/// Operations are well-shaped, as in a [`Graph`], and equal operations on equal operands are one
/// node.
#[derive(Clone, Debug, PartialEq)]
pub struct Fragment {
    /// Its first node is the operand, and its parameters have no values.
    graph: Graph,
    result: NodeId,
}

impl Fragment {
    /// The node of the operand.
    pub const OPERAND: NodeId = Graph::INPUT;

    /// Returns a fragment with its operand alone, which is its result.
    #[must_use]
    pub fn new(operand: Shape) -> Self {
        let mut graph = Graph::new(operand.size());
        graph.nodes[Self::OPERAND.0].shape = operand;
        Self {
            graph,
            result: Self::OPERAND,
        }
    }

    /// Adds a parameter.
    ///
    /// # Errors
    /// The name is in use, or an array of this shape would be empty or too large.
    pub fn parameter(&mut self, name: &str, shape: &[usize]) -> Result<ParameterId> {
        self.graph.parameters.declare(name, shape)
    }

    /// Returns the node of this operation on these operands: the existing one, or a new one.
    ///
    /// # Errors
    /// An operand or a parameter does not belong to this fragment, or the shapes do not fit.
    pub fn push(&mut self, operation: Operation, inputs: &[NodeId]) -> Result<NodeId> {
        self.graph.push(operation, inputs)
    }

    /// Returns the fragment with this node as the result.
    ///
    /// # Panics
    /// The node belongs to another, larger fragment.
    #[must_use]
    pub fn ending_at(self, result: NodeId) -> Self {
        assert!(result.0 < self.graph.nodes.len(), "a node of this fragment");
        Self { result, ..self }
    }

    /// The shape of a node's value.
    ///
    /// # Panics
    /// The node belongs to another, larger fragment.
    #[must_use]
    pub fn shape(&self, node: NodeId) -> Shape {
        self.graph.shape(node)
    }

    /// Name and shape of every parameter, in the order in which they were added.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &[usize])> {
        let parameters = self.graph.parameters.iter();
        parameters.map(|(_, parameter)| (parameter.name(), parameter.shape()))
    }

    /// The nodes that the result needs, without the operand, in the order of evaluation.
    pub fn needed_nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        let needed = self.graph.needed(&[self.result]);
        let nodes = self.graph.named_nodes().skip(1);
        nodes.filter(move |(id, _)| needed[id.0])
    }

    /// Multiply-accumulates of one node, as [`Graph::macs`] counts them.
    ///
    /// # Panics
    /// The node belongs to another, larger fragment.
    #[must_use]
    pub fn macs(&self, node: NodeId) -> u64 {
        self.graph.macs(node)
    }

    /// Multiply-accumulates of all nodes that the result needs.
    #[must_use]
    pub fn total_macs(&self) -> u64 {
        self.needed_nodes().map(|(id, _)| self.macs(id)).sum()
    }

    /// Floats that one node reads and writes: its operands, its parameters and its result.
    ///
    /// # Panics
    /// The node belongs to another, larger fragment.
    #[must_use]
    pub fn floats(&self, node: NodeId) -> usize {
        self.graph.floats(node)
    }
}

impl Graph {
    /// Adds a fragment's operations on a node, and returns the node of the fragment's result.
    /// `parameters` replace the fragment's, in the same order.
    ///
    /// Nodes that the result does not need are added too: an emulator leaves out nodes that none of
    /// its members needs.
    ///
    /// # Errors
    /// The operand or a parameter does not belong to this graph, or does not have the fragment's
    /// shape.
    pub fn graft(
        &mut self,
        fragment: &Fragment,
        operand: NodeId,
        parameters: &[ParameterId],
    ) -> Result<NodeId> {
        self.check_graft(fragment, operand, parameters)?;
        let mut grafted = vec![operand];
        for node in fragment.graph.nodes.iter().skip(1) {
            let operation = node.operation.renamed(&|id| parameters[id.0]);
            let inputs: Vec<_> = node.inputs.iter().map(|input| grafted[input.0]).collect();
            grafted.push(self.push(operation, &inputs)?);
        }
        Ok(grafted[fragment.result.0])
    }

    fn check_graft(
        &self,
        fragment: &Fragment,
        operand: NodeId,
        parameters: &[ParameterId],
    ) -> Result<()> {
        let refuse = |expected: String, got: String| {
            Err(Error::Operation {
                node: self.nodes.len(),
                kind: "fragment",
                expected,
                got,
            })
        };
        let (known, expected) = (
            self.nodes.get(operand.0).map(|node| node.shape),
            fragment.shape(Fragment::OPERAND),
        );
        if known != Some(expected) {
            let got = known.map_or_else(|| "none".to_owned(), |shape| shape.to_string());
            return refuse(format!("an operand {expected} of this graph"), got);
        }
        let expected: Vec<_> = fragment.parameters().map(|(_, shape)| shape).collect();
        let known: Vec<_> = parameters
            .iter()
            .filter_map(|&id| self.parameters.get(id))
            .map(|parameter| parameter.shape())
            .collect();
        if known == expected && parameters.len() == expected.len() {
            Ok(())
        } else {
            refuse(
                format!("parameters {expected:?} of this graph"),
                format!("{known:?}"),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Activation, Add, Conv1d, Dense, Function, Resize};
    use super::*;
    use crate::interpreter::node_values;

    const SEQUENCE: Shape = Shape::Sequence {
        length: 2,
        channels: 3,
    };

    /// A resize, a convolution with a skip connection, and an activation that no node reads.
    fn refinement() -> Fragment {
        let mut fragment = Fragment::new(SEQUENCE);
        let [weight, bias] = [("weight", &[3, 3, 3][..]), ("bias", &[3])]
            .map(|(name, shape)| fragment.parameter(name, shape).unwrap());
        let mut push = |operation, inputs: &[NodeId]| fragment.push(operation, inputs).unwrap();
        let resize = Operation::Resize(Resize { length: 5 });
        let resized = push(resize, &[Fragment::OPERAND]);
        let conv = push(Operation::Conv1d(Conv1d { weight, bias }), &[resized]);
        let function = Function::Relu;
        push(Operation::Activation(Activation { function }), &[conv]);
        let sum = push(Operation::Add(Add), &[resized, conv]);
        fragment.ending_at(sum)
    }

    /// A graph that leads to a sequence, and its parameters for [`refinement`].
    fn graph() -> (Graph, NodeId, [ParameterId; 2]) {
        let mut graph = Graph::new(1);
        let mut array = |name: &str, shape: &[usize]| {
            let count = shape.iter().product::<usize>();
            let values = (0..count).map(|k| (k as f32 * 0.7).sin()).collect();
            graph.parameter(name, shape, values).unwrap()
        };
        let dense = Dense {
            weight: array("head", &[1, 6]),
            bias: array("head bias", &[6]),
            output: SEQUENCE,
        };
        let parameters = [array("weight", &[3, 3, 3]), array("bias", &[3])];
        let node = graph.push(Operation::Dense(dense), &[Graph::INPUT]);
        let node = node.unwrap();
        (graph, node, parameters)
    }

    #[test]
    fn a_fragment_costs_what_the_nodes_cost_that_are_grafted_and_needed() {
        let fragment = refinement();
        let (mut graph, operand, parameters) = graph();
        let before = graph.nodes().len();
        let result = graph.graft(&fragment, operand, &parameters).unwrap();
        assert_eq!(graph.nodes().len(), before + 4);
        let (pruned, _) = graph.pruned(&[result]);
        let grafted: Vec<_> = pruned.named_nodes().skip(before).collect();
        let needed: Vec<_> = fragment.needed_nodes().collect();
        assert_eq!(needed.len(), 3);
        for ((own, fragment_node), (id, node)) in needed.into_iter().zip(grafted) {
            assert_eq!(fragment_node.shape(), node.shape());
            assert_eq!(fragment.macs(own), pruned.macs(id));
            assert_eq!(fragment.floats(own), pruned.floats(id));
        }
        // Of 5 positions with 3 taps each, 2 taps fall outside.
        assert_eq!(fragment.total_macs(), 13 * 9);
    }

    #[test]
    fn a_fragment_grafted_twice_is_there_once_and_means_its_operations() {
        let fragment = refinement();
        let (mut graph, operand, parameters) = graph();
        let first = graph.graft(&fragment, operand, &parameters).unwrap();
        let nodes = graph.nodes().len();
        assert_eq!(graph.graft(&fragment, operand, &parameters).unwrap(), first);
        assert_eq!(graph.nodes().len(), nodes);
        let values = node_values::<f64>(&graph, &[0.5]);
        let resized = &values[operand.index() + 1];
        let conv = &values[operand.index() + 2];
        for ((sum, x), y) in values[first.index()].iter().zip(resized).zip(conv) {
            assert_eq!(*sum, x + y);
        }
    }

    #[test]
    fn only_a_node_and_parameters_of_the_fragments_shapes_are_taken() {
        let fragment = refinement();
        let (mut graph, operand, [weight, bias]) = graph();
        let nodes = graph.nodes().len();
        for (operand, parameters, reason) in [
            (Graph::INPUT, &[weight, bias][..], "an operand [2][3]"),
            (NodeId(99), &[weight, bias], "got none"),
            (operand, &[weight], "parameters [[3, 3, 3], [3]]"),
            (operand, &[bias, weight], "got [[3], [3, 3, 3]]"),
            (operand, &[weight, bias, bias], "got [[3, 3, 3], [3], [3]]"),
            (operand, &[weight, ParameterId(99)], "got [[3, 3, 3]]"),
        ] {
            let error = graph.graft(&fragment, operand, parameters);
            let error = error.unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
        }
        assert_eq!(graph.nodes().len(), nodes);
        let mut fragment = fragment;
        for (name, shape) in [
            ("bias", &[1][..]),
            ("none", &[0]),
            ("all", &[usize::MAX; 2]),
        ] {
            assert!(fragment.parameter(name, shape).is_err());
        }
    }
}
