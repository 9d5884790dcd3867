//! The executor: evaluates an emulator on the host for any number of rows, on several threads, with
//! the bits of the frozen code.
//!
//! It calls the runtime's kernels with packed weights in the order and the slots of the
//! [`BufferPlan`], as frozen code does, a few rows at a time. Rows are independent, so neither
//! their number nor the number of threads changes a bit.

use crate::emulator::Emulator;
use crate::graph::{Graph, NodeId, ParameterId};
use crate::local::{Coordinates, Coverage};
use crate::operation::host::{Call, Operand};
use crate::pack;
use crate::plan::{BufferPlan, Evaluation, Place, Step};
use dense_runtime::domain::{self, Ranges};
use dense_runtime::ensemble;
use dense_runtime::local;
use dense_runtime::status::Status;

/// Runs one emulator.
///
/// # Example
/// ```
/// use dense_codegen::executor::Executor;
///
/// # fn main() -> dense_codegen::Result<()> {
/// # use dense_codegen::emulator::{InputVariable, Layout, Outputs};
/// # use dense_codegen::graph::{Dense, Graph, Operation, Shape};
/// # use dense_codegen::{Calibration, Emulator, EmulatorParts, Local};
/// # let mut graph = Graph::new(1);
/// # let layer = Dense {
/// #     weight: graph.parameter("weight", &[1, 1], vec![2.0])?,
/// #     bias: graph.parameter("bias", &[1], vec![1.0])?,
/// #     output: Shape::Vector(1),
/// # };
/// # let member = graph.push(Operation::Dense(layer), &[Graph::INPUT])?;
/// # let emulator = Emulator::new(EmulatorParts {
/// #     graph,
/// #     members: vec![member],
/// #     calibration: Calibration { gain: 1.0, unit: vec![1.0], floor: vec![0.01], slope: None },
/// #     local: Local::default(),
/// #     inputs: vec![InputVariable { name: "x".into(), low: 0.0, high: 1.0, logarithmic: false }],
/// #     outputs: Outputs { layout: Layout::Scalars, shape: vec![], names: vec![], axes: vec![], relative: None },
/// #     provenance: Default::default(),
/// # })?;
/// // `emulator` is 2 x + 1, from x = 0 to 1.
/// let answer = Executor::new(&emulator).predict(&[0.25, 0.5, 1.25], 1);
/// assert_eq!(answer.mean, [1.5, 2.0, 3.5]);
/// assert!(answer.status[0].is_ok() && !answer.status[2].is_ok());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Executor {
    emulator: Emulator,
    plan: BufferPlan,
    ranges: Vec<Ranges>,
    /// Every parameter in the kernels' packing, in the graph's order.
    stored: Vec<Aligned>,
    /// The standard deviation of a single member.
    deviation: Vec<f32>,
    /// Which inputs are logarithmic.
    logarithmic: Vec<bool>,
    /// The centres of the training points' neighbourhood, in blocks.
    centres: Vec<f32>,
}

/// The predictions of some rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Predictions {
    /// Means `[n][OUT]`, in physical units.
    pub mean: Vec<f32>,
    /// Calibrated standard deviations `[n][OUT]`, in physical units.
    pub std: Vec<f32>,
    /// The status of each call, `[n]`.
    pub status: Vec<Status>,
}

impl Executor {
    /// Returns an executor with weights packed and buffers planned.
    #[must_use]
    pub fn new(emulator: &Emulator) -> Self {
        let ranges: Vec<_> = emulator
            .domain()
            .iter()
            .map(|range| range.deployed())
            .collect();
        Self {
            plan: BufferPlan::new(emulator.graph(), emulator.members()),
            ranges: ranges.chunks(domain::LANES).map(Ranges::new).collect(),
            deviation: emulator.calibration().deviation_of_one(),
            logarithmic: emulator
                .inputs()
                .iter()
                .map(|input| input.logarithmic)
                .collect(),
            centres: emulator
                .local()
                .coverage
                .as_ref()
                .map_or_else(Vec::new, Coverage::blocks),
            stored: emulator
                .graph()
                .parameters()
                .iter()
                .map(|(_, parameter)| Aligned::new(&pack::stored(parameter)))
                .collect(),
            emulator: emulator.clone(),
        }
    }

    /// Predicts all rows.
    ///
    /// *Shapes*: `rows: [n][IN]`, row-major, raw inputs; values past the last complete row are
    /// ignored. `threads` of 0 counts as 1.
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

    /// Returns the factor of all standard deviations of each row, `[n]`: 1 if the emulator has no
    /// error scale.
    ///
    /// *Shapes*: as [`Executor::predict`].
    #[must_use]
    pub fn error_scales(&self, rows: &[f32]) -> Vec<f32> {
        let inputs = self.emulator.input_count();
        let mut checked = vec![0.0; inputs];
        let rows = rows.chunks_exact(inputs);
        let scales = rows.map(|x| match self.error_scale() {
            None => 1.0,
            Some(scale) => {
                domain::check(&self.ranges, x, &mut checked);
                local::error_scale(scale, &checked)
            }
        });
        scales.collect()
    }

    /// Predicts a few rows at a time on this thread.
    fn predict_rows(&self, rows: &[f32], mean: &mut [f32], std: &mut [f32], status: &mut [Status]) {
        let (inputs, outputs) = (self.emulator.input_count(), self.emulator.output_count());
        let samples = self.plan.batch().min(status.len()).max(1);
        let mut slots: Vec<_> = self
            .plan
            .sizes()
            .iter()
            .map(|&size| vec![0.0; samples * size])
            .collect();
        let results = mean
            .chunks_mut(samples * outputs)
            .zip(std.chunks_mut(samples * outputs))
            .zip(status.chunks_mut(samples));
        for (x, ((mean, std), status)) in rows.chunks(samples * inputs).zip(results) {
            self.predict_batch(&mut slots, x, mean, std, status);
        }
    }

    /// The shipped call, for `status.len()` rows.
    fn predict_batch(
        &self,
        slots: &mut [Vec<f32>],
        x: &[f32],
        mean: &mut [f32],
        std: &mut [f32],
        status: &mut [Status],
    ) {
        let (inputs, outputs) = (self.emulator.input_count(), self.emulator.output_count());
        let rows = x
            .chunks_exact(inputs)
            .zip(slots[0].chunks_exact_mut(inputs));
        for ((x, checked), status) in rows.zip(&mut *status) {
            *status = domain::check(&self.ranges, x, checked);
            if let Some(coverage) = self.coverage() {
                local::far_from_data(coverage, checked, status);
            }
        }
        let mut scales = vec![1.0; status.len()];
        if let Some(scale) = self.error_scale() {
            for (value, x) in scales.iter_mut().zip(slots[0].chunks_exact(inputs)) {
                *value = local::error_scale(scale, x);
            }
        }
        let calibration = self.emulator.calibration();
        let members = self.emulator.members().len() as u16;
        for step in self.plan.steps() {
            match *step {
                Step::Evaluate(ref evaluation) => {
                    self.evaluate(slots, evaluation, status.len());
                }
                Step::Member { index, node } => {
                    let values = self.values(slots, node).zip(
                        mean.chunks_exact_mut(outputs)
                            .zip(std.chunks_exact_mut(outputs)),
                    );
                    let rows = values.zip(&mut *status).zip(&scales);
                    let deviation = &self.deviation;
                    for (((member, (mean, std)), status), &scale) in rows {
                        if members == 1 {
                            match &calibration.slope {
                                None => {
                                    ensemble::single(member, deviation, scale, mean, std, status)
                                }
                                Some(slope) => ensemble::single_sloped(
                                    member, deviation, slope, scale, mean, std, status,
                                ),
                            }
                        } else {
                            let unit = &calibration.unit;
                            ensemble::accumulate(index as u16, member, unit, mean, std);
                        }
                    }
                }
            }
        }
        if members == 1 {
            return;
        }
        let constants = ensemble::Calibration {
            gain: calibration.gain,
            unit: &calibration.unit,
            floor: &calibration.floor,
        };
        let results = mean
            .chunks_exact_mut(outputs)
            .zip(std.chunks_exact_mut(outputs));
        for (((mean, std), status), scale) in results.zip(status).zip(scales) {
            match &calibration.slope {
                None => ensemble::finish(members, constants, scale, mean, std, status),
                Some(slope) => {
                    ensemble::finish_sloped(members, constants, slope, scale, mean, std, status)
                }
            }
        }
    }

    fn coordinates<'a>(&'a self, of: &'a Coordinates) -> local::Coordinates<'a> {
        local::Coordinates {
            logarithmic: &self.logarithmic,
            centre: &of.centre,
            scale: &of.scale,
        }
    }

    /// The error scale in the runtime's type.
    fn error_scale(&self) -> Option<local::ErrorScale<'_>> {
        let scale = self.emulator.local().error_scale.as_ref()?;
        let [least, most] = scale.limits;
        Some(local::ErrorScale {
            coordinates: self.coordinates(&scale.coordinates),
            linear: &scale.linear,
            square: &scale.square,
            constant: scale.constant,
            least,
            most,
        })
    }

    /// The neighbourhood of the training points in the runtime's type.
    fn coverage(&self) -> Option<local::Coverage<'_>> {
        let coverage = self.emulator.local().coverage.as_ref()?;
        Some(local::Coverage {
            coordinates: self.coordinates(&coverage.coordinates),
            whitening: &coverage.whitening,
            centres: &self.centres,
            square_radius: coverage.square_radius,
        })
    }

    /// A node's value in each sample.
    fn values<'a>(&self, slots: &'a [Vec<f32>], node: NodeId) -> impl Iterator<Item = &'a [f32]> {
        let (slot, size) = (self.plan.slot(node), self.graph().shape(node).size());
        slots[slot]
            .chunks_exact(self.plan.sizes()[slot])
            .map(move |value| &value[..size])
    }

    fn graph(&self) -> &Graph {
        self.emulator.graph()
    }

    /// One evaluation. Its slot is taken out, so that the operands' slots can be read meanwhile.
    fn evaluate(&self, slots: &mut [Vec<f32>], evaluation: &Evaluation, samples: usize) {
        let graph = self.graph();
        let node = &graph.nodes()[evaluation.node.index()];
        let Some(implementation) = node.operation().implementation() else {
            return;
        };
        let slot = self.plan.slot(evaluation.result);
        let mut taken = std::mem::take(&mut slots[slot]);
        let operand = |node: NodeId| {
            let slot = self.plan.slot(node);
            Operand {
                shape: graph.shape(node),
                values: &slots[slot],
                step: self.plan.sizes()[slot],
            }
        };
        // On the stack: most calls have one sample, and are short.
        let [first, last] = match *node.inputs() {
            [first, last] => [first, last],
            [only] => [only; 2],
            ref others => unreachable!("no operation has {} operands", others.len()),
        };
        let call = Call {
            samples,
            operands: &[operand(first), operand(last)][..node.inputs().len()],
            shape: node.shape(),
            step: self.plan.sizes()[slot],
            copies: evaluation.place == Place::Copied,
            then: evaluation.then,
            residual: evaluation.residual.map(operand),
            parameters: graph.parameters(),
            stored: &|parameter| self.stored(parameter),
        };
        implementation.execute(&call, &mut taken);
        slots[slot] = taken;
    }

    fn stored(&self, parameter: ParameterId) -> &[f32] {
        self.stored[parameter.index()].values()
    }
}

/// An array that starts at a cache line, as a frozen crate's statics do.
#[derive(Debug)]
struct Aligned {
    padded: Vec<f32>,
    start: usize,
}

impl Aligned {
    fn new(values: &[f32]) -> Self {
        const LINE: usize = 64;
        let mut padded: Vec<f32> = Vec::with_capacity(values.len() + LINE / size_of::<f32>());
        let start = padded.as_ptr().align_offset(LINE);
        padded.resize(start, 0.0);
        padded.extend_from_slice(values);
        Self { padded, start }
    }

    fn values(&self) -> &[f32] {
        &self.padded[self.start..]
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        Self::new(self.values())
    }
}

#[cfg(test)]
mod tests;
