//! Removes nodes and parameters that no root needs.

use super::{Graph, NodeId, ParameterId};

impl Graph {
    /// Returns the nodes and parameters that `roots` need, renumbered in the same order, and the
    /// roots' new ids.
    ///
    /// # Panics
    /// A root belongs to another, larger graph.
    #[must_use]
    pub fn pruned(&self, roots: &[NodeId]) -> (Self, Vec<NodeId>) {
        let needed = self.needed(roots);
        let kept = || {
            self.nodes
                .iter()
                .zip(&needed)
                .filter(|(_, needed)| **needed)
                .map(|(node, _)| node)
        };
        let mut used: Vec<_> = kept()
            .flat_map(|node| node.operation.parameters())
            .collect();
        used.sort();
        used.dedup();

        let parameter = |old: ParameterId| ParameterId(used.partition_point(|&id| id < old));
        let node = |old: NodeId| NodeId(needed[..old.0].iter().filter(|&&needed| needed).count());

        let mut graph = Self::new(self.nodes[Self::INPUT.0].shape.size());
        for &id in &used {
            let old = &self.parameters.0[id.0];
            graph.parameters.0.push(old.clone());
        }
        for old in kept().skip(1) {
            let mut new = old.clone();
            new.operation = old.operation.renamed(&parameter);
            new.inputs = old.inputs.iter().copied().map(node).collect();
            graph.known.insert(
                (new.operation.clone(), new.inputs.clone()),
                NodeId(graph.nodes.len()),
            );
            graph.nodes.push(new);
        }
        (graph, roots.iter().copied().map(node).collect())
    }
}
