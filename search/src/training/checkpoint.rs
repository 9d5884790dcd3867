//! The complete state of a training as one file: a resumed run takes the same steps.
//!
//! Weights and moments are tensors of a `.safetensors` file; everything else is JSON in its
//! metadata. A random stream is stored as its seed and its position.

use super::polish::{Polish, history};
use super::{History, Trainer, schedule::Schedule};
use crate::error::{Context, Error, Result, bail, ensure};
use crate::lbfgs::{Lbfgs, Pair, Point};
use crate::optimiser::Saved;
use crate::space::Architecture;
use crate::transfer;
use crate::variables::NetworkVariables;
use candle_core::{Device, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// The version of the format; files of other versions are rejected.
const VERSION: u32 = 8;

/// A training's state between two steps.
#[derive(Debug)]
pub struct Checkpoint {
    /// Seconds of the run so far.
    pub seconds: f64,
    state: State,
    weights: Vec<Tensor>,
    moments: Vec<Saved>,
    /// The values of each matrix's state of SOAP.
    soap: Vec<Vec<f32>>,
    polish: Option<PolishState>,
}

/// A polish of a cluster, between two iterations.
#[derive(Debug)]
struct PolishState {
    point: Point,
    pairs: VecDeque<Pair>,
    best: Vec<f64>,
    least: f64,
    is_stuck: bool,
}

/// The part of the state that is not stored as tensors.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    version: u32,
    step: usize,
    total: Option<usize>,
    variables: NetworkVariables,
    members: Vec<Architecture>,
    batches: Position,
    ranking: Position,
    /// Words read from the stream of sampled architectures.
    sampled: u64,
    /// Number of updates of each variable.
    updates: Vec<u32>,
    /// Number of updates of each matrix by SOAP.
    soap_updates: Vec<u32>,
    /// Number of evaluations of the polish.
    polished: usize,
    /// Number of pairs of the minimiser, if a polish is under way.
    polish_pairs: Option<usize>,
    /// The history so far.
    history: History,
}

/// The position of a training in its rows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Position {
    /// The remaining rows of the epoch.
    order: Vec<usize>,
    /// Words read from the stream that orders the rows.
    words: u64,
}

impl Trainer {
    /// Returns the state, with `seconds` as the duration of the run so far.
    ///
    /// # Errors
    /// If the device cannot be read.
    pub fn checkpoint(&self, seconds: f64) -> Result<Checkpoint> {
        let position = |batches: &super::Batches| Position {
            order: batches.order.clone(),
            words: batches.random.get_word_pos() as u64,
        };
        let moments = self.stepper.save()?;
        let (soap_updates, soap) = self.stepper.save_soap().into_iter().unzip();
        let weights = self.network().variables();
        let weights = weights.iter().map(|var| transfer::fetched(var.as_tensor()));
        Ok(Checkpoint {
            seconds,
            state: State {
                version: VERSION,
                step: self.step,
                total: self.schedule.total(),
                variables: self.variables.clone(),
                members: self.members.clone(),
                batches: position(&self.batches),
                ranking: position(&self.ranking),
                sampled: self.sampled.get_word_pos() as u64,
                updates: moments.iter().map(|saved| saved.steps).collect(),
                soap_updates,
                polished: self.polish.evaluations,
                polish_pairs: self
                    .polish
                    .work
                    .as_ref()
                    .map(|work| work.minimiser.pairs().len()),
                history: self.history.clone(),
            },
            polish: self.polish.work.as_ref().map(|work| PolishState {
                point: work.minimiser.point().clone(),
                pairs: work.minimiser.pairs().clone(),
                best: work.best.clone(),
                least: work.least,
                is_stuck: work.is_stuck,
            }),
            weights: weights.collect::<Result<_, _>>()?,
            moments,
            soap,
        })
    }

    /// Restores a state of a training with the same space, rows and settings.
    ///
    /// # Errors
    /// If the state belongs to another training.
    pub fn restore(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        let Checkpoint {
            state,
            weights,
            moments,
            soap,
            ..
        } = checkpoint;
        let space = self.network.space();
        for architecture in &state.members {
            space.check(architecture)?;
        }
        ensure!(
            Checkpoint,
            state.variables.fits(space),
            "the checkpoint's network variables are of another space than {:?}",
            space.name()
        );
        let variables = self.network().variables();
        ensure!(
            Checkpoint,
            weights.len() == variables.len(),
            "the checkpoint has {} weights, expected {}",
            weights.len(),
            variables.len()
        );
        for (variable, weight) in variables.iter().zip(weights) {
            ensure!(
                Checkpoint,
                variable.shape() == weight.shape(),
                "the checkpoint has weights of {:?}, expected {:?}",
                weight.shape(),
                variable.shape()
            );
            variable.set(&transfer::sent(weight, variable.device())?)?;
        }
        self.stepper.restore(moments)?;
        let soap = state.soap_updates.iter().copied().zip(soap.iter().cloned());
        let soap: Vec<(u32, Vec<f32>)> = soap.collect();
        ensure!(
            Checkpoint,
            self.stepper.restore_soap(&soap),
            "the checkpoint is of another optimiser, or of other weights"
        );
        for (batches, position) in [
            (&mut self.batches, &state.batches),
            (&mut self.ranking, &state.ranking),
        ] {
            batches.take_up(position.order.clone(), position.words)?;
        }
        self.schedule = Schedule::new(space, self.settings.choices, state.total);
        self.variables = state.variables.clone();
        self.members.clone_from(&state.members);
        self.sampled.set_word_pos(u128::from(state.sampled));
        self.step = state.step;
        self.history.clone_from(&state.history);
        self.polish = Polish {
            evaluations: state.polished,
            ..Polish::default()
        };
        if let Some(polish) = &checkpoint.polish {
            self.take_up_polish(polish)?;
        }
        Ok(())
    }

    fn take_up_polish(&mut self, saved: &PolishState) -> Result<()> {
        let task = super::polish::Task {
            network: &self.network,
            settings: &self.settings,
            members: &self.members,
            train: &self.train,
            selection: &self.selection,
            total: self.polish_evaluations(),
        };
        let mut work = task.work(self.polish.evaluations)?;
        let expected = work.best.len();
        let pairs = saved
            .pairs
            .iter()
            .flat_map(|pair| [&pair.step, &pair.change]);
        let mut all = pairs.chain([&saved.point.place, &saved.point.gradient, &saved.best]);
        ensure!(
            Checkpoint,
            all.all(|vector| vector.len() == expected),
            "the checkpoint's polish is of other weights than the {expected} of its members"
        );
        work.minimiser =
            Lbfgs::with_pairs(saved.point.clone(), history(expected), saved.pairs.clone());
        work.best.clone_from(&saved.best);
        (work.least, work.is_stuck) = (saved.least, saved.is_stuck);
        self.polish.work = Some(work);
        Ok(())
    }
}

impl Checkpoint {
    /// Returns the number of steps taken before the checkpoint.
    #[must_use]
    pub fn steps_taken(&self) -> usize {
        self.state.step
    }

    /// Serialises the checkpoint to the bytes of its file.
    ///
    /// # Errors
    /// If the state cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let moments = self.moments.iter().enumerate();
        let moments = moments.flat_map(|(k, saved)| {
            [
                (format!("mean/{k}"), &saved.mean),
                (format!("square/{k}"), &saved.square),
            ]
        });
        let weights = self.weights.iter().enumerate();
        let weights = weights.map(|(k, weight)| (format!("weight/{k}"), weight));
        let mut all: Vec<(String, Vec<usize>, Vec<u8>)> = weights
            .chain(moments)
            .map(|(name, tensor)| {
                let values: Vec<f32> = transfer::numbers(tensor)?;
                let bytes = values
                    .iter()
                    .flat_map(|value| value.to_le_bytes())
                    .collect();
                Ok((name, tensor.dims().to_vec(), bytes))
            })
            .collect::<candle_core::Result<_>>()?;
        all.extend(self.soap.iter().enumerate().map(|(k, values)| {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes());
            (format!("soap/{k}"), vec![values.len()], bytes.collect())
        }));
        let singles = all.len();
        all.extend(self.polish.iter().flat_map(PolishState::tensors));
        let views = all
            .iter()
            .enumerate()
            .map(|(k, (name, shape, bytes))| {
                let dtype = match k < singles {
                    true => Dtype::F32,
                    false => Dtype::F64,
                };
                Ok((name, TensorView::new(dtype, shape.clone(), bytes)?))
            })
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
        let metadata = HashMap::from([
            ("state".to_owned(), serde_json::to_string(&self.state)?),
            ("seconds".to_owned(), self.seconds.to_string()),
        ]);
        Ok(safetensors::serialize(views, Some(metadata))?)
    }

    /// Reads the bytes of [`Checkpoint::to_bytes`].
    ///
    /// # Errors
    /// If the file is damaged or has another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (_, metadata) =
            SafeTensors::read_metadata(bytes).context("the checkpoint is damaged")?;
        let field = |name| {
            let fields = metadata.metadata().as_ref();
            fields
                .and_then(|all| all.get(name))
                .ok_or_else(|| Error::Checkpoint("the file is no checkpoint".to_owned()))
        };
        let (state, seconds) = (field("state")?, field("seconds")?);
        let state: State = serde_json::from_str(state)
            .context("the checkpoint is damaged or of another version")?;
        if state.version != VERSION {
            bail!(
                Checkpoint,
                "the checkpoint is of version {}, expected {VERSION}",
                state.version
            );
        }
        let file = SafeTensors::deserialize(bytes)?;
        let tensor = |name: String| -> Result<Tensor> {
            let view = file
                .tensor(&name)
                .with_context(|| format!("the checkpoint lacks {name}"))?;
            ensure!(
                Checkpoint,
                view.dtype() == Dtype::F32,
                "the checkpoint's {name} is not of F32"
            );
            let numbers = view.data().chunks_exact(4);
            let values: Vec<f32> = numbers
                .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
                .collect();
            Ok(Tensor::from_vec(values, view.shape(), &Device::Cpu)?)
        };
        let double = |name: String| -> Result<Vec<f64>> {
            let view = file
                .tensor(&name)
                .with_context(|| format!("the checkpoint lacks {name}"))?;
            ensure!(
                Checkpoint,
                view.dtype() == Dtype::F64,
                "the checkpoint's {name} is not of F64"
            );
            let numbers = view.data().as_chunks::<8>().0.iter();
            Ok(numbers.map(|bytes| f64::from_le_bytes(*bytes)).collect())
        };
        let polish = state
            .polish_pairs
            .map(|pairs| PolishState::read(pairs, double));
        let count = state.updates.len();
        let moments = state.updates.iter().enumerate().map(|(k, &steps)| {
            Ok(Saved {
                steps,
                mean: tensor(format!("mean/{k}"))?,
                square: tensor(format!("square/{k}"))?,
            })
        });
        Ok(Self {
            seconds: seconds.parse().context("the checkpoint is damaged")?,
            weights: (0..count)
                .map(|k| tensor(format!("weight/{k}")))
                .collect::<Result<_>>()?,
            moments: moments.collect::<Result<_>>()?,
            soap: (0..state.soap_updates.len())
                .map(|k| Ok(transfer::numbers(&tensor(format!("soap/{k}"))?)?))
                .collect::<Result<_>>()?,
            polish: polish.transpose()?,
            state,
        })
    }
}

impl PolishState {
    /// Returns its values as F64 tensors: name, shape and bytes.
    fn tensors(&self) -> Vec<(String, Vec<usize>, Vec<u8>)> {
        let pairs = self.pairs.iter().enumerate().flat_map(|(k, pair)| {
            [
                (format!("polish/step/{k}"), pair.step.as_slice()),
                (format!("polish/change/{k}"), &pair.change),
            ]
        });
        let numbers = [
            self.point.value,
            self.least,
            f64::from(u8::from(self.is_stuck)),
        ];
        let rest = [
            ("polish/place".to_owned(), self.point.place.as_slice()),
            ("polish/gradient".to_owned(), &self.point.gradient),
            ("polish/best".to_owned(), &self.best),
            ("polish/numbers".to_owned(), &numbers),
        ];
        pairs
            .chain(rest)
            .map(|(name, values)| {
                let bytes = values.iter().flat_map(|value| value.to_le_bytes());
                (name, vec![values.len()], bytes.collect())
            })
            .collect()
    }

    fn read(pairs: usize, double: impl Fn(String) -> Result<Vec<f64>>) -> Result<Self> {
        let numbers = double("polish/numbers".into())?;
        let &[value, least, stuck] = numbers.as_slice() else {
            bail!(Checkpoint, "the checkpoint is damaged");
        };
        let pairs = (0..pairs).map(|k| {
            Ok(Pair {
                step: double(format!("polish/step/{k}"))?,
                change: double(format!("polish/change/{k}"))?,
            })
        });
        Ok(Self {
            pairs: pairs.collect::<Result<_>>()?,
            point: Point {
                place: double("polish/place".into())?,
                value,
                gradient: double("polish/gradient".into())?,
            },
            best: double("polish/best".into())?,
            least,
            is_stuck: stuck != 0.0,
        })
    }
}
