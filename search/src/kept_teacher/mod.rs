//! The teacher that a race leaves in its run: a stack of committees of networks and of Gaussian
//! processes, which answers at any inputs.
//!
//! A race stacks what it has trained, whether or not what ships learns from it. The stack has no
//! budget and is mostly the most accurate model of the run. [`Teacher`] has all that its answers
//! need, in the coordinates in which it was trained, and what maps inputs and outputs to these.
//!
//! Its standard deviation is honest, but plain: the root mean square of its errors on rows that
//! the models had not seen, for each output. It is the same everywhere in the coordinate in which
//! the outputs are learnt; in the units of the data it grows with outputs that are learnt by their
//! logarithm or their inverse hyperbolic sine.
//!
//! `file` defines the form of the file `teacher.safetensors`.

mod committee;
mod file;
#[cfg(test)]
mod tests;

pub(crate) use committee::Committee;

use crate::components::Components;
use crate::data::Normalisation;
use crate::error::{Result, ensure};
use crate::gaussian_process::Predictor;
use crate::stack::Weights;
use dense_codegen::emulator::Relative;
use rayon::prelude::*;

/// Rows that a thread answers at a time,
const BATCH: usize = 256;
/// fewer where there are many outputs: this number of values.
const BATCH_VALUES: usize = 1 << 17;
/// Outputs that a thread takes at a time where errors of components become those of outputs.
const CHUNK: usize = 1024;

/// A stack of models in a run.
#[derive(Debug)]
pub struct Teacher {
    parts: Parts,
    /// Of standardised outputs, `[outputs]`.
    deviation: Vec<f64>,
}

/// What a teacher consists of.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The models, each with a weight above zero.
    pub(crate) models: Vec<Model>,
    pub(crate) weights: Weights,
    pub(crate) normalisation: Normalisation,
    /// The basis, if components are learnt instead of outputs.
    pub(crate) components: Option<Components>,
    /// Offsets and scales of the outputs, if float32 cannot represent them.
    pub(crate) relative: Option<Relative>,
    /// Means over rows of the squared errors of targets, each by models that had not seen the row;
    /// with components, of the products of the errors of each pair: `[targets]`, `[targets][targets]`.
    pub(crate) squares: Vec<f64>,
    /// The mean squared error on rows that the models had not seen,
    pub(crate) error: f64,
    /// and the one that is expected on new rows.
    pub(crate) expected: f64,
}

/// A model of the stack.
#[derive(Debug)]
pub(crate) enum Model {
    /// The mean of networks.
    Committee(Committee),
    /// Processes.
    Processes(Predictor),
}

/// Answers of a teacher.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    /// The outputs, `[rows][outputs]`.
    pub mean: Vec<f64>,
    /// Their standard deviations, `[rows][outputs]`; 0 for an output that is constant.
    pub std: Vec<f64>,
}

impl Teacher {
    /// Returns the teacher of these parts.
    ///
    /// # Errors
    /// Their sizes do not fit each other.
    pub(crate) fn new(parts: Parts) -> Result<Self> {
        let inputs = parts.normalisation.centre().len();
        let targets = parts.targets();
        let is_fit = |model: &Model| match model {
            Model::Committee(networks) => networks.sizes() == (inputs, targets),
            Model::Processes(process) => (process.inputs(), process.outputs()) == (inputs, targets),
        };
        let squares = match parts.components {
            None => targets,
            Some(_) => targets * targets,
        };
        ensure!(
            Run,
            parts.models.iter().all(is_fit) && parts.squares.len() == squares,
            "damaged: a model is not of {inputs} inputs and {targets} targets"
        );
        let variance = match &parts.components {
            None => parts.squares.clone(),
            Some(components) => expanded(&parts.squares, components.basis(), targets),
        };
        Ok(Self {
            deviation: variance.into_iter().map(|v| v.max(0.0).sqrt()).collect(),
            parts,
        })
    }

    /// Returns the number of inputs.
    #[must_use]
    pub fn input_count(&self) -> usize {
        self.parts.normalisation.centre().len()
    }

    /// Returns the number of outputs.
    #[must_use]
    pub fn output_count(&self) -> usize {
        self.parts.normalisation.unit().len()
    }

    /// Returns the mean squared error of the stack on rows that its models had not seen, in training
    /// deviations, as the run's report has it.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.parts.error
    }

    /// Returns the mean squared error that is expected on new rows: a committee errs less than its
    /// networks, of which only one had not seen a row.
    #[must_use]
    pub fn expected_error(&self) -> f64 {
        self.parts.expected
    }

    /// Predicts the outputs at these inputs, in batches on the threads of the current rayon pool.
    /// The number of threads changes no bit.
    ///
    /// *Shapes*: `x: [rows][inputs]`, in the units of the data; the answers are in those units too.
    ///
    /// # Errors
    /// None that is known.
    ///
    /// # Panics
    /// `x` is not whole rows.
    pub fn predict(&self, x: &[f32]) -> Result<Answers> {
        let mut answers = self.computed(x)?;
        if let Some(Relative { offset, scale }) = &self.parts.relative {
            let columns = || offset.iter().zip(scale).cycle();
            for (mean, (offset, scale)) in answers.mean.iter_mut().zip(columns()) {
                *mean = offset + scale * *mean;
            }
            for (std, (_, scale)) in answers.std.iter_mut().zip(columns()) {
                *std *= scale;
            }
        }
        Ok(answers)
    }

    /// Predicts outputs as the emulator computes them: without the offsets and scales of
    /// [`Teacher::predict`].
    ///
    /// # Errors
    /// None that is known.
    pub(crate) fn computed(&self, x: &[f32]) -> Result<Answers> {
        let inputs = self.input_count();
        assert!(x.len().is_multiple_of(inputs), "rows of {inputs} inputs");
        let rows = (BATCH_VALUES / self.output_count()).clamp(1, BATCH);
        let batches = x.par_chunks(rows * inputs).map(|x| self.batch(x));
        let batches: Vec<Answers> = batches.collect::<Result<_>>()?;
        let mut all = Answers::default();
        for Answers { mean, std } in batches {
            all.mean.extend(mean);
            all.std.extend(std);
        }
        Ok(all)
    }

    fn batch(&self, x: &[f32]) -> Result<Answers> {
        let Parts {
            normalisation,
            components,
            ..
        } = &self.parts;
        let targets = self.targets(&normalisation.encode_inputs(x))?;
        let mut answers = Answers::default();
        for targets in targets.chunks_exact(self.parts.targets()) {
            let mut y = match components {
                None => normalisation.decode_y(targets),
                Some(components) => normalisation.decode_y(&components.expanded(targets)),
            };
            let constants = normalisation.output_constant().iter();
            let constants = constants.zip(normalisation.output_offset());
            for (y, (&is_constant, &constant)) in y.iter_mut().zip(constants) {
                if is_constant {
                    *y = constant;
                }
            }
            let std = normalisation.decode_deviation(&y, &self.deviation);
            answers.std.extend(std);
            answers.mean.extend(y);
        }
        Ok(answers)
    }

    /// Returns the stack's answers in the coordinates in which it was trained.
    ///
    /// *Shapes*: `x: [rows][inputs]`, encoded; result `[rows][targets]`.
    ///
    /// # Errors
    /// None that is known.
    pub(crate) fn targets(&self, x: &[f32]) -> Result<Vec<f32>> {
        let answers = self.parts.models.iter().map(|model| match model {
            Model::Committee(networks) => networks.predict(x),
            Model::Processes(processes) => Ok(processes.predict(x)),
        });
        let answers: Vec<Vec<f32>> = answers.collect::<Result<_>>()?;
        let answers: Vec<&[f32]> = answers.iter().map(Vec::as_slice).collect();
        Ok(self.parts.weights.combine(&answers, self.parts.targets()))
    }
}

impl Parts {
    /// The number of values that the models answer.
    fn targets(&self) -> usize {
        let outputs = || self.normalisation.unit().len();
        self.components
            .as_ref()
            .map_or_else(outputs, Components::count)
    }
}

/// Returns the diagonal of `B^T S B`: the mean squared errors of outputs, for the mean products of
/// errors of components.
///
/// *Shapes*: `squares: [count][count]`, `basis: [count][outputs]`; result `[outputs]`.
fn expanded(squares: &[f64], basis: &[f32], count: usize) -> Vec<f64> {
    let outputs = basis.len() / count;
    let mut variance = vec![0.0; outputs];
    let chunks = variance.par_chunks_mut(CHUNK).enumerate();
    chunks.for_each(|(chunk, variance)| {
        let row = |k: usize| &basis[k * outputs + chunk * CHUNK..][..variance.len()];
        let rows: Vec<&[f32]> = (0..count).map(row).collect();
        for (products, first) in squares.chunks_exact(count).zip(&rows) {
            let mut sum = vec![0.0; variance.len()];
            for (product, second) in products.iter().zip(&rows) {
                for (sum, second) in sum.iter_mut().zip(*second) {
                    *sum += product * f64::from(*second);
                }
            }
            for ((variance, sum), first) in variance.iter_mut().zip(sum).zip(*first) {
                *variance += sum * f64::from(*first);
            }
        }
    });
    variance
}
