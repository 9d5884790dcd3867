//! The file of a teacher: [`crate::arrays`], version [`VERSION`].
//!
//! | array | type | what |
//! |---|---|---|
//! | `input/...`, `output/...` | u8, f32, f64 | the normalisation |
//! | `components` | f32 | `[targets][outputs]`, the basis; absent without |
//! | `relative` | f64 | `[2][outputs]`, offsets and scales; absent without |
//! | `weights` | f64 | `[models]` or `[targets][models]` |
//! | `squares` | f64 | of errors, `[targets]` or, with components, `[targets][targets]` |
//! | `errors` | f64 | on rows that were not seen, and the one expected on new rows |
//! | `MODEL/NETWORK/VARIABLE` | f32 | weights of the networks of a committee |
//! | `MODEL/...` | f32, f64 | points and solved coefficients of processes |
//!
//! The head has the sizes, the transform, and the architecture of each committee.

use super::{Committee, Model, Parts, Teacher};
use crate::arrays::{ArraysIn, ArraysOut};
use crate::components::Components;
use crate::data::{Normalisation, Transform};
use crate::error::{Error, Result, ensure};
use crate::gaussian_process::{Predictor, PredictorSizes};
use crate::provenance::TOOL;
use crate::space::Space;
use crate::stack::Weights;
use dense_codegen::emulator::Relative;
use serde::{Deserialize, Serialize};

/// The version of the form of the file; no other one is read.
const VERSION: u32 = 1;

/// What the file has beside its arrays.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    tool: String,
    inputs: usize,
    outputs: usize,
    targets: usize,
    transform: Transform,
    has_components: bool,
    is_relative: bool,
    models: Vec<ModelSizes>,
}

/// What a model has beside its arrays.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ModelSizes {
    Committee { networks: usize, space: Space },
    Processes(PredictorSizes),
}

impl Parts {
    /// Returns the bytes of the teacher's file; `None` if its arrays have more than `most` bytes.
    ///
    /// # Errors
    /// None that is known.
    pub(crate) fn to_bytes(&self, most: usize) -> Result<Option<Vec<u8>>> {
        let (inputs, outputs) = (
            self.normalisation.centre().len(),
            self.normalisation.unit().len(),
        );
        let targets = self.targets();
        let mut arrays = ArraysOut::default();
        self.normalisation.save(&mut arrays);
        if let Some(components) = &self.components {
            let basis = components.basis().iter().copied();
            arrays.add("components", &[targets, outputs], basis);
        }
        if let Some(Relative { offset, scale }) = &self.relative {
            let both = offset.iter().chain(scale).copied();
            arrays.add("relative", &[2, outputs], both);
        }
        self.weights.save("weights", &mut arrays);
        let shape = squares_shape(self.components.is_some(), targets);
        arrays.add("squares", &shape, self.squares.iter().copied());
        arrays.add("errors", &[2], [self.error, self.expected]);
        let mut models = Vec::new();
        for (k, model) in self.models.iter().enumerate() {
            let prefix = k.to_string();
            models.push(match model {
                Model::Committee(committee) => {
                    committee.save(&prefix, &mut arrays)?;
                    ModelSizes::Committee {
                        networks: committee.count(),
                        space: committee.space().clone(),
                    }
                }
                Model::Processes(one) => ModelSizes::Processes(one.save(&prefix, &mut arrays)),
            });
        }
        if arrays.size() > most {
            return Ok(None);
        }
        let contents = Contents {
            tool: TOOL.to_owned(),
            inputs,
            outputs,
            targets,
            transform: self.normalisation.transform(),
            has_components: self.components.is_some(),
            is_relative: self.relative.is_some(),
            models,
        };
        arrays.to_bytes(VERSION, &contents).map(Some)
    }
}

impl Teacher {
    /// Reads the bytes of [`Parts::to_bytes`].
    ///
    /// # Errors
    /// They are those of another version, or damaged.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (contents, arrays) = ArraysIn::read::<Contents>(bytes, VERSION)?;
        let Contents {
            inputs,
            outputs,
            targets,
            ..
        } = contents;
        ensure!(
            Run,
            inputs > 0 && outputs > 0 && targets > 0,
            "damaged: there are no inputs or no outputs"
        );
        let normalisation = Normalisation::load(&arrays, (inputs, outputs), contents.transform)?;
        let mut components = None;
        if contents.has_components {
            let basis = arrays.take("components", &[targets, outputs])?;
            components = Components::with_basis(basis, outputs);
        }
        let mut relative = None;
        if contents.is_relative {
            let mut offset: Vec<f64> = arrays.take("relative", &[2, outputs])?;
            let scale = offset.split_off(outputs);
            relative = Some(Relative { offset, scale });
        }
        let count = contents.models.len();
        let mut models = Vec::new();
        for (k, model) in contents.models.into_iter().enumerate() {
            let prefix = k.to_string();
            models.push(match model {
                ModelSizes::Committee { networks, space } => {
                    Model::Committee(Committee::load(&prefix, (space, networks), &arrays)?)
                }
                ModelSizes::Processes(sizes) => {
                    Model::Processes(Predictor::load(&prefix, &sizes, &arrays)?)
                }
            });
        }
        let errors: Vec<f64> = arrays.take("errors", &[2])?;
        let &[error, expected] = errors.as_slice() else {
            return Err(Error::Fault("an array of two has two numbers".to_owned()));
        };
        Self::new(Parts {
            models,
            weights: Weights::load("weights", (count, targets), &arrays)?,
            normalisation,
            components,
            relative,
            squares: arrays.take("squares", &squares_shape(contents.has_components, targets))?,
            error,
            expected,
        })
    }
}

/// Returns the shape of [`Parts::squares`].
fn squares_shape(has_components: bool, targets: usize) -> Vec<usize> {
    match has_components {
        true => vec![targets, targets],
        false => vec![targets],
    }
}
