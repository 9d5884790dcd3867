//! The buffer plan: the order in which nodes are evaluated, and the buffers of their values.
//!
//! Members are evaluated one after the other, and each goes into the streaming statistics at once;
//! shared nodes are evaluated when the first member needs them. A value lives from its node to its
//! last reader, in a *slot*. A slot is reused when its value is dead, and is as large as the
//! largest value that it ever holds. Elementwise operations work in their operand's slot if the
//! operand dies there. Operations that a kernel can apply to its sums in registers (a ReLU, the
//! addition of another value, or both) are fused into it, if no other node reads the sums.
//! registers (a ReLU, the addition of another value, or both) is fused into it, where nobody else
//! reads the sums.

use crate::graph::{Graph, NodeId};
use crate::operation::rule::Fusion;
use dense_runtime::kernels::finish::Then;

/// One step of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Computes a node's value and the operations fused to it.
    Evaluate(Evaluation),
    /// Adds the value of a member's last node to the statistics.
    Member {
        /// The member's index.
        index: usize,
        /// The member's last node.
        node: NodeId,
    },
}

/// The computation of a node's value, and of the operations fused to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The node.
    pub node: NodeId,
    /// The node whose value results: the last one that is fused, else the node itself.
    pub result: NodeId,
    /// The fused operations.
    pub then: Then,
    /// The node whose value is added, if `then` adds one.
    pub residual: Option<NodeId>,
    /// The relation of the result's slot to those of the operands.
    pub place: Place,
}

impl Evaluation {
    /// The evaluation of a node without fused operations.
    fn of(node: NodeId) -> Self {
        Self {
            node,
            result: node,
            then: Then::Nothing,
            residual: None,
            place: Place::Apart,
        }
    }

    /// The nodes whose values are read.
    fn reads(&self, graph: &Graph) -> Vec<NodeId> {
        let operands = graph.nodes()[self.node.index()].inputs().iter();
        operands.chain(&self.residual).copied().collect()
    }
}

/// The place of an evaluation's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A slot that holds no operand.
    Apart,
    /// A copy of the operand, changed in place: elementwise, and the operand is still needed.
    Copied,
    /// The operand's own slot: elementwise, and the operand dies.
    InPlace,
}

/// Steps and slots for one emulator. At the start, slot 0 holds the raw inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferPlan {
    steps: Vec<Step>,
    slot_of: Vec<usize>,
    sizes: Vec<usize>,
}

impl Step {
    /// The nodes whose values are read.
    fn reads(&self, graph: &Graph) -> Vec<NodeId> {
        match self {
            Self::Member { node, .. } => vec![*node],
            Self::Evaluate(evaluation) => evaluation.reads(graph),
        }
    }
}

impl BufferPlan {
    /// Returns the plan for the shipped call of an emulator whose members end at these nodes of its
    /// graph.
    #[must_use]
    pub fn new(graph: &Graph, members: &[NodeId]) -> Self {
        let mut steps = fused(graph, order(graph, members));
        let last_use = last_use(graph, &steps);
        let mut slots = Slots::new(graph.shape(Graph::INPUT).size());
        let mut slot_of = vec![0; graph.nodes().len()];
        for (time, step) in steps.iter_mut().enumerate() {
            let reads = step.reads(graph);
            let dies = |node: NodeId| last_use[node.index()] == time;
            let mut written = None;
            if let Step::Evaluate(evaluation) = step {
                let operation = graph.nodes()[evaluation.node.index()].operation();
                if operation.is_in_place() {
                    evaluation.place = if dies(reads[0]) {
                        Place::InPlace
                    } else {
                        Place::Copied
                    };
                }
                let result = evaluation.result;
                let slot = match evaluation.place {
                    Place::InPlace => slot_of[reads[0].index()],
                    Place::Apart | Place::Copied => slots.take(graph.shape(result).size()),
                };
                slot_of[result.index()] = slot;
                written = Some(slot);
            }
            for read in reads {
                let slot = slot_of[read.index()];
                if dies(read) && written != Some(slot) {
                    slots.release(slot);
                }
            }
        }
        Self {
            steps,
            slot_of,
            sizes: slots.sizes,
        }
    }

    /// The steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The slot that holds a node's value while it lives.
    ///
    /// # Panics
    /// The node belongs to another, larger graph.
    #[must_use]
    pub fn slot(&self, node: NodeId) -> usize {
        self.slot_of[node.index()]
    }

    /// The number of samples that a batch computes at once: enough that each weight loaded from the
    /// second-level cache serves several tiles of them, few enough that their values stay there
    /// too.
    #[must_use]
    pub fn batch(&self) -> usize {
        const CACHE: usize = 1 << 15;
        let values: usize = self.sizes.iter().sum();
        [48, 24, 12, 6]
            .into_iter()
            .find(|samples| samples * values <= CACHE)
            .unwrap_or(1)
    }

    /// The size of each slot in floats. Slot 0 has exactly one for each input.
    #[must_use]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }
}

/// For each member, the nodes that no earlier member needed, in graph order, and then the member's
/// end.
fn order(graph: &Graph, members: &[NodeId]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut done = vec![false; graph.nodes().len()];
    done[Graph::INPUT.index()] = true;
    for (index, &member) in members.iter().enumerate() {
        for (place, needed) in graph.needed(&[member]).into_iter().enumerate() {
            if needed && !done[place] {
                steps.push(Step::Evaluate(Evaluation::of(NodeId(place))));
                done[place] = true;
            }
        }
        steps.push(Step::Member {
            index,
            node: member,
        });
    }
    steps
}

/// The steps, with ReLUs and additions fused into the layers before them if no other node reads the
/// layers' sums.
fn fused(graph: &Graph, steps: Vec<Step>) -> Vec<Step> {
    let mut readers = vec![0; graph.nodes().len()];
    for node in steps.iter().flat_map(|step| step.reads(graph)) {
        readers[node.index()] += 1;
    }
    let mut fused: Vec<Step> = Vec::with_capacity(steps.len());
    // For each node, the layer that computes its value and the layer's index in `fused`.
    let mut layer_of: Vec<Option<(usize, Evaluation)>> = vec![None; graph.nodes().len()];
    for step in steps {
        let Step::Evaluate(evaluation) = step else {
            fused.push(step);
            continue;
        };
        let node = evaluation.node;
        let about = &graph.nodes()[node.index()];
        let joined = about.inputs().iter().find_map(|&operand| {
            let (place, layer) =
                layer_of[operand.index()].filter(|_| readers[operand.index()] == 1)?;
            Some((place, joined(layer, graph, node, operand)?))
        });
        match joined {
            Some((place, layer)) => {
                // The layer moves behind everything that it reads.
                fused.remove(place);
                for (later, _) in layer_of.iter_mut().flatten() {
                    *later -= usize::from(*later > place);
                }
                layer_of[node.index()] = Some((fused.len(), layer));
                fused.push(Step::Evaluate(layer));
            }
            None => {
                if let Fusion::Layer { .. } = about.operation().fusion() {
                    layer_of[node.index()] = Some((fused.len(), evaluation));
                }
                fused.push(step);
            }
        }
    }
    fused
}

/// Returns the layer with `node` fused into it, if its kernel supports that; `operand` is the
/// layer's value so far.
fn joined(layer: Evaluation, graph: &Graph, node: NodeId, operand: NodeId) -> Option<Evaluation> {
    let about = &graph.nodes()[node.index()];
    let kernel = graph.nodes()[layer.node.index()].operation().fusion();
    let (then, residual) = match (about.operation().fusion(), layer.then, kernel) {
        (Fusion::Relu, Then::Nothing, _) => (Then::Relu, None),
        (Fusion::Relu, Then::Add, _) => (Then::AddRelu, layer.residual),
        (Fusion::Addition, Then::Nothing | Then::Relu, Fusion::Layer { adds: true }) => {
            let other = *about.inputs().iter().find(|&&other| other != operand)?;
            let then = if layer.then == Then::Relu {
                Then::ReluAdd
            } else {
                Then::Add
            };
            (then, Some(other))
        }
        _ => return None,
    };
    Some(Evaluation {
        result: node,
        then,
        residual,
        ..layer
    })
}

/// For every node, the index of the last step that reads it; every node but perhaps the input is
/// read.
fn last_use(graph: &Graph, steps: &[Step]) -> Vec<usize> {
    let mut last_use = vec![0; graph.nodes().len()];
    for (time, step) in steps.iter().enumerate() {
        for node in step.reads(graph) {
            last_use[node.index()] = time;
        }
    }
    last_use
}

/// Slots during the construction of a plan.
struct Slots {
    sizes: Vec<usize>,
    free: Vec<bool>,
}

impl Slots {
    /// Returns slot 0, which holds the inputs.
    fn new(inputs: usize) -> Self {
        Self {
            sizes: vec![inputs],
            free: vec![false],
        }
    }

    /// Returns the smallest free slot that is large enough, else the largest free one, enlarged,
    /// else a new one. Slot 0 keeps its size, so that the guard can write it as an array of all
    /// inputs.
    fn take(&mut self, size: usize) -> usize {
        let free = || (0..self.sizes.len()).filter(|&slot| self.free[slot]);
        let fitting = free()
            .filter(|&slot| self.sizes[slot] >= size)
            .min_by_key(|&slot| self.sizes[slot]);
        let largest = || {
            free()
                .filter(|&slot| slot != 0)
                .max_by_key(|&slot| self.sizes[slot])
        };
        let slot = fitting.or_else(largest).unwrap_or_else(|| {
            self.sizes.push(0);
            self.free.push(true);
            self.sizes.len() - 1
        });
        self.sizes[slot] = self.sizes[slot].max(size);
        self.free[slot] = false;
        slot
    }

    fn release(&mut self, slot: usize) {
        self.free[slot] = true;
    }
}

#[cfg(test)]
mod tests;
