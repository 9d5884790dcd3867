//! The buffer plan: in which order nodes are evaluated, and where their values live.
//!
//! Members are evaluated one after the other and given to the streaming statistics at once; what they share is evaluated
//! when the first of them needs it. A value lives from its node to its last reader. It is kept in a *slot*; slots are
//! taken up again when their value is dead, and are as large as the largest value that they ever hold. Elementwise
//! operations work in their operand's slot where it dies there. What a kernel can do to its sums while they are in
//! registers (a ReLU, the addition of another value, or both) is fused into it, where nobody else reads the sums.

use crate::graph::{Graph, NodeId};
use crate::operation::rule::Fusion;
use dense_runtime::kernels::finish::Then;

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A node's value is computed, and what is fused to it.
    Evaluate(Evaluation),
    /// The value of the node at which a member ends goes into the statistics.
    Member {
        /// The member's number.
        index: usize,
        /// The node at which it ends.
        node: NodeId,
    },
}

/// The computation of a node's value, and of what is fused to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The node.
    pub node: NodeId,
    /// The node whose value comes out: the last one that is fused, else the node itself.
    pub result: NodeId,
    /// What is fused.
    pub then: Then,
    /// The node whose value is added, where `then` adds one.
    pub residual: Option<NodeId>,
    /// How the result's slot relates to those of the operands.
    pub place: Place,
}

impl Evaluation {
    /// A node by itself.
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

/// Where an evaluation writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into a slot that no operand is in.
    Apart,
    /// The operand is copied there first and then changed: elementwise, and the operand lives on.
    Copied,
    /// Over the operand: elementwise, and the operand dies.
    InPlace,
}

/// Steps and slots for one emulator. The raw inputs stand in slot 0 at the beginning.
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
    /// The plan for the shipped call of an emulator whose members end at these nodes of its graph.
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

    /// What happens, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The slot that a node's value is in while it lives.
    ///
    /// # Panics
    /// The node belongs to another, larger graph.
    #[must_use]
    pub fn slot(&self, node: NodeId) -> usize {
        self.slot_of[node.index()]
    }

    /// How many samples a batch takes at once: enough that each weight that comes from the second cache serves several tiles of
    /// them, few enough that their values stay there too.
    #[must_use]
    pub fn batch(&self) -> usize {
        const CACHE: usize = 1 << 15;
        let values: usize = self.sizes.iter().sum();
        [48, 24, 12, 6]
            .into_iter()
            .find(|samples| samples * values <= CACHE)
            .unwrap_or(1)
    }

    /// How many numbers each slot holds. Slot 0 holds exactly as many as there are inputs.
    #[must_use]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }
}

/// Each member's nodes that no earlier member needed, in graph order, and then the member.
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

/// The steps with ReLUs and additions drawn into the layers before them, whose sums nobody else reads.
fn fused(graph: &Graph, steps: Vec<Step>) -> Vec<Step> {
    let mut readers = vec![0; graph.nodes().len()];
    for node in steps.iter().flat_map(|step| step.reads(graph)) {
        readers[node.index()] += 1;
    }
    let mut fused: Vec<Step> = Vec::with_capacity(steps.len());
    // Where in `fused` the layer is whose value a node is, and that layer.
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
                // It moves to where all that it reads has been computed.
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

/// The layer with `node` drawn into it, where its kernel can do that; `operand` is the layer's value until now.
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

/// For every node the number of the last step that reads it; every node but perhaps the input is read.
fn last_use(graph: &Graph, steps: &[Step]) -> Vec<usize> {
    let mut last_use = vec![0; graph.nodes().len()];
    for (time, step) in steps.iter().enumerate() {
        for node in step.reads(graph) {
            last_use[node.index()] = time;
        }
    }
    last_use
}

/// Slots while a plan is made.
struct Slots {
    sizes: Vec<usize>,
    free: Vec<bool>,
}

impl Slots {
    /// Slot 0, taken by the inputs.
    fn new(inputs: usize) -> Self {
        Self {
            sizes: vec![inputs],
            free: vec![false],
        }
    }

    /// The smallest free slot that is large enough, else the largest free one, enlarged, else a new one.
    /// Slot 0 keeps its size, so that the guard can write it as an array of all inputs.
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
