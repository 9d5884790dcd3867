//! The buffer plan: in which order nodes are evaluated, and where their values live.
//!
//! Members are evaluated one after the other and given to the streaming statistics at once; what they share is evaluated
//! when the first of them needs it. A value lives from its node to its last reader. It is kept in a *slot*; slots are
//! taken up again when their value is dead, and are as large as the largest value that they ever hold. Elementwise
//! operations work in their operand's slot where it dies there.

use crate::emulator::Emulator;
use crate::graph::{Graph, NodeId, Operation};

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A node's value is computed into its slot.
    Evaluate {
        /// The node.
        node: NodeId,
        /// How its slot relates to those of its operands.
        place: Place,
    },
    /// The value of the node at which a member ends goes into the statistics.
    Member {
        /// The member's number.
        index: usize,
        /// The node at which it ends.
        node: NodeId,
    },
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
pub struct Plan {
    steps: Vec<Step>,
    slot_of: Vec<usize>,
    sizes: Vec<usize>,
}

impl Plan {
    /// The plan for an emulator's shipped call.
    #[must_use]
    pub fn new(emulator: &Emulator) -> Self {
        let graph = emulator.graph();
        let mut steps = order(emulator);
        let last_use = last_use(graph, &steps);
        let mut slots = Slots::new(graph.shape(Graph::INPUT).size());
        let mut slot_of = vec![0; graph.nodes().len()];
        for (time, step) in steps.iter_mut().enumerate() {
            let (operands, result) = match step {
                Step::Member { node, .. } => (std::slice::from_ref(node), None),
                Step::Evaluate { node, place } => {
                    let evaluated = &graph.nodes()[node.index()];
                    let operands = evaluated.inputs();
                    if is_elementwise(evaluated.operation()) {
                        let dies = last_use[operands[0].index()] == time;
                        *place = if dies { Place::InPlace } else { Place::Copied };
                    }
                    slot_of[node.index()] = match place {
                        Place::InPlace => slot_of[operands[0].index()],
                        Place::Apart | Place::Copied => slots.take(evaluated.shape().size()),
                    };
                    (operands, Some(slot_of[node.index()]))
                }
            };
            for operand in operands {
                let slot = slot_of[operand.index()];
                if last_use[operand.index()] == time && result != Some(slot) {
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

    /// How many numbers each slot holds. Slot 0 holds exactly as many as there are inputs.
    #[must_use]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }
}

/// Whether the operation's kernel works in place.
fn is_elementwise(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::Logarithm(_)
            | Operation::Standardise(_)
            | Operation::Activation(_)
            | Operation::Rescale(_)
            | Operation::Transform(_)
    )
}

/// Each member's nodes that no earlier member needed, in graph order, and then the member.
fn order(emulator: &Emulator) -> Vec<Step> {
    let graph = emulator.graph();
    let mut steps = Vec::new();
    let mut done = vec![false; graph.nodes().len()];
    done[Graph::INPUT.index()] = true;
    for (index, &member) in emulator.members().iter().enumerate() {
        for (place, needed) in graph.needed(&[member]).into_iter().enumerate() {
            if needed && !done[place] {
                steps.push(Step::Evaluate {
                    node: NodeId(place),
                    place: Place::Apart,
                });
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

/// For every node the number of the last step that reads it; every node but perhaps the input is read.
fn last_use(graph: &Graph, steps: &[Step]) -> Vec<usize> {
    let mut last_use = vec![0; graph.nodes().len()];
    for (time, step) in steps.iter().enumerate() {
        let read = match step {
            Step::Evaluate { node, .. } => graph.nodes()[node.index()].inputs(),
            Step::Member { node, .. } => std::slice::from_ref(node),
        };
        for node in read {
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
