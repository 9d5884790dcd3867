//! The executor: an emulator on the host, any number of rows, several threads, the bits of the frozen code.
//!
//! It calls the runtime's kernels with packed weights in the order and the slots of the [`Plan`], as frozen code does;
//! rows are independent, so that neither their number nor that of the threads can change a bit.

use crate::emulator::Emulator;
use crate::graph::{Activation, Function, Inverse, Operation, ParameterId, Transform};
use crate::pack;
use crate::plan::{Place, Plan, Step};
use dense_runtime::domain::{self, Range};
use dense_runtime::ensemble;
use dense_runtime::kernels::conv1d::{Conv1d, conv1d};
use dense_runtime::kernels::resize::{Resize, resize};
use dense_runtime::kernels::transposed_conv1d::{TransposedConv1d, transposed_conv1d};
use dense_runtime::kernels::{add::add, dense::dense, elementwise, transpose::transpose};
use dense_runtime::status::Status;

/// Runs one emulator.
#[derive(Clone, Debug)]
pub struct Executor {
    emulator: Emulator,
    plan: Plan,
    ranges: Vec<Range>,
    /// Every parameter as the kernels want it, in the graph's order.
    stored: Vec<Vec<f32>>,
}

/// The predictions of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// Means `[n][OUT]`, in physical units.
    pub mean: Vec<f32>,
    /// Calibrated standard deviations `[n][OUT]`, in physical units.
    pub std: Vec<f32>,
    /// What each call says about itself, `[n]`.
    pub status: Vec<Status>,
}

impl Executor {
    /// An executor with weights packed and buffers planned.
    #[must_use]
    pub fn new(emulator: &Emulator) -> Self {
        let range =
            |range: crate::domain::Range| Range::new(range.low, range.high, range.logarithmic);
        Self {
            plan: Plan::new(emulator),
            ranges: emulator.domain().into_iter().map(range).collect(),
            stored: emulator
                .graph()
                .parameters()
                .iter()
                .map(|(_, parameter)| pack::stored(parameter))
                .collect(),
            emulator: emulator.clone(),
        }
    }

    /// The predictions of all rows.
    ///
    /// *Shapes*: `rows: [n][IN]`, row-major, raw inputs; numbers past the last whole row are left out. `threads` of 0
    /// counts as 1.
    #[must_use]
    pub fn predict(&self, rows: &[f32], threads: usize) -> Predictions {
        let (inputs, outputs) = (self.emulator.input_count(), self.emulator.output_count());
        let count = rows.len() / inputs;
        let mut predictions = Predictions {
            mean: vec![0.0; count * outputs],
            std: vec![0.0; count * outputs],
            status: vec![Status::default(); count],
        };
        let share = count.div_ceil(threads.max(1)).max(1);
        let Predictions { mean, std, status } = &mut predictions;
        let parts = rows
            .chunks(share * inputs)
            .zip(mean.chunks_mut(share * outputs))
            .zip(std.chunks_mut(share * outputs))
            .zip(status.chunks_mut(share));
        std::thread::scope(|scope| {
            for (((rows, mean), std), status) in parts {
                let mut work = move || self.predict_rows(rows, mean, std, status);
                if share < count {
                    scope.spawn(work);
                } else {
                    work();
                }
            }
        });
        predictions
    }

    /// Row after row on this thread.
    fn predict_rows(&self, rows: &[f32], mean: &mut [f32], std: &mut [f32], status: &mut [Status]) {
        let (inputs, outputs) = (self.emulator.input_count(), self.emulator.output_count());
        let mut slots: Vec<_> = self
            .plan
            .sizes()
            .iter()
            .map(|&size| vec![0.0; size])
            .collect();
        let results = mean
            .chunks_exact_mut(outputs)
            .zip(std.chunks_exact_mut(outputs))
            .zip(status);
        for (x, ((mean, std), status)) in rows.chunks_exact(inputs).zip(results) {
            *status = self.predict_row(&mut slots, x, mean, std);
        }
    }

    /// One shipped call.
    fn predict_row(
        &self,
        slots: &mut [Vec<f32>],
        x: &[f32],
        mean: &mut [f32],
        std: &mut [f32],
    ) -> Status {
        let calibration = self.emulator.calibration();
        let mut status = domain::check(&self.ranges, x, &mut slots[0]);
        for step in self.plan.steps() {
            match *step {
                Step::Evaluate { node, place } => self.evaluate(slots, node.index(), place),
                Step::Member { index, node } => {
                    let member = &slots[self.plan.slot(node)][..mean.len()];
                    ensemble::accumulate(index as u16, member, &calibration.unit, mean, std);
                }
            }
        }
        let constants = ensemble::Calibration {
            gain: calibration.gain,
            unit: &calibration.unit,
            floor: &calibration.floor,
        };
        ensemble::finish(
            self.emulator.members().len() as u16,
            constants,
            mean,
            std,
            &mut status,
        );
        status
    }

    /// One node: its slot is taken out, so that the operands' can be read beside it.
    fn evaluate(&self, slots: &mut [Vec<f32>], node: usize, place: Place) {
        let graph = self.emulator.graph();
        let node_slot = self.plan.slot(crate::graph::NodeId(node));
        let node = &graph.nodes()[node];
        let mut result = std::mem::take(&mut slots[node_slot]);
        let y = &mut result[..node.shape().size()];
        let operand = |operand: usize| {
            let id = node.inputs()[operand];
            &slots[self.plan.slot(id)][..graph.shape(id).size()]
        };
        if place == Place::Copied {
            y.copy_from_slice(operand(0));
        }
        let stored = |parameter: ParameterId| &self.stored[parameter.index()][..];
        match node.operation() {
            Operation::Input(_) => {}
            Operation::Logarithm(logarithm) => elementwise::logarithm(&logarithm.mask, y),
            Operation::Standardise(node) => {
                elementwise::standardise(stored(node.centre), stored(node.scale), y)
            }
            Operation::Dense(node) => dense(operand(0), stored(node.weight), stored(node.bias), y),
            Operation::Conv1d(conv) => {
                let (length, _) = graph.shape(node.inputs()[0]).length_and_channels();
                let [kernel, inputs, outputs] = self.kernel(conv.weight);
                let sizes = Conv1d {
                    length,
                    inputs,
                    outputs,
                    kernel,
                };
                conv1d(operand(0), stored(conv.weight), stored(conv.bias), y, sizes);
            }
            Operation::TransposedConv1d(conv) => {
                let (length_in, _) = graph.shape(node.inputs()[0]).length_and_channels();
                let [kernel, inputs, outputs] = self.kernel(conv.weight);
                let (length_out, stride) = (conv.length, conv.stride);
                let sizes = TransposedConv1d {
                    length_in,
                    length_out,
                    inputs,
                    outputs,
                    kernel,
                    stride,
                };
                transposed_conv1d(operand(0), stored(conv.weight), stored(conv.bias), y, sizes);
            }
            Operation::Resize(to) => {
                let (length_in, channels) = graph.shape(node.inputs()[0]).length_and_channels();
                resize(
                    operand(0),
                    y,
                    Resize {
                        length_in,
                        length_out: to.length,
                        channels,
                    },
                );
            }
            Operation::Add(_) => add(operand(0), operand(1), y),
            Operation::Activation(Activation { function }) => {
                elementwise::activation(activation(*function), y)
            }
            Operation::Rescale(node) => {
                elementwise::rescale(stored(node.scale), stored(node.offset), y)
            }
            Operation::Transform(Transform { function }) => {
                elementwise::transform(transform(*function), y)
            }
            Operation::Transpose(_) => {
                let (length, channels) = graph.shape(node.inputs()[0]).length_and_channels();
                transpose(operand(0), y, length, channels);
            }
        }
        slots[node_slot] = result;
    }

    /// Kernel size, channels in and channels out of a convolution.
    fn kernel(&self, weight: ParameterId) -> [usize; 3] {
        let shape = self.emulator.graph().parameters().shape(weight);
        shape
            .try_into()
            .expect("a convolution's weight has three axes")
    }
}

fn activation(function: Function) -> elementwise::Activation {
    match function {
        Function::Relu => elementwise::Activation::Relu,
        Function::Silu => elementwise::Activation::Silu,
        Function::Tanh => elementwise::Activation::Tanh,
    }
}

fn transform(function: Inverse) -> elementwise::Transform {
    match function {
        Inverse::Exp => elementwise::Transform::Exp,
        Inverse::Sinh => elementwise::Transform::Sinh,
    }
}

#[cfg(test)]
mod tests;
