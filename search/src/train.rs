//! Training: the two alternating updates of DENSE, and then the chosen members together.
//!
//! 1. *Search*, the first 60 % of the steps. Each step samples an architecture and takes a gradient step on its weights.
//!    After a tenth of all steps under uniform probabilities, every tenth step is followed by an update of the network
//!    variables: several architectures are ranked by their loss on rows kept for that.
//! 2. *Fine-tuning*, the rest: the most probable architecture and others drawn from the probabilities, pairwise different
//!    where the space has so many, each in turn.
//!
//! The rate rises over 200 steps and falls to zero along a cosine over all steps.

use crate::nodes::Pass;
use crate::optimiser::AdamW;
use crate::space::{Architecture, Space};
use crate::streams::{permutation, stream};
use crate::supernetwork::{self, SuperNetwork};
use crate::variables::{NetworkVariables, Trial};
use candle_core::{DType, Device, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// The share of all steps that search.
const SEARCH: f64 = 0.6;
/// The share of all steps under uniform probabilities.
const WARM_UP: f64 = 0.1;
/// Weight steps an update of the network variables.
const UPDATE_EVERY: usize = 10;
/// Architectures ranked in an update.
const TRIALS: usize = 8;
/// Rows that they are ranked on.
const RANKING_ROWS: usize = 128;
/// Step size of the network variables.
const VARIABLE_RATE: f64 = 1.0;
/// Largest step size of the weights.
const RATE: f64 = 2e-3;
/// Steps over which it rises.
const RISE: f64 = 200.0;
/// Weight decay.
const DECAY: f64 = 1e-3;
/// Rows of a weight step.
const BATCH: usize = 64;
/// Draws, at most, of a member that differs from all others.
const DRAWS: usize = 200;
/// The share of groups that take any candidate where draws repeat.
const MIXED: f64 = 0.2;

/// Encoded rows: `x: [rows][inputs]`, `y: [rows][outputs]`, position-major.
#[derive(Debug)]
pub struct Rows {
    x: Tensor,
    y: Tensor,
}

impl Rows {
    /// Returns the rows of these matrices.
    ///
    /// # Errors
    /// The matrices are not of `inputs` and `outputs` columns with as many rows.
    pub fn new(
        x: Vec<f32>,
        inputs: usize,
        y: Vec<f32>,
        outputs: usize,
    ) -> Result<Self, supernetwork::Error> {
        let rows = x.len() / inputs.max(1);
        Ok(Self {
            x: Tensor::from_vec(x, (rows, inputs), &Device::Cpu)?,
            y: Tensor::from_vec(y, (rows, outputs), &Device::Cpu)?,
        })
    }

    fn count(&self) -> usize {
        self.x.dims()[0]
    }

    fn chosen(&self, rows: &[usize]) -> candle_core::Result<Self> {
        let rows: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
        let rows = Tensor::new(rows.as_slice(), &Device::Cpu)?;
        Ok(Self {
            x: self.x.index_select(&rows, 0)?,
            y: self.y.index_select(&rows, 0)?,
        })
    }
}

/// What a training is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Weight steps.
    pub steps: usize,
    /// Members of the ensemble, at least one.
    pub members: usize,
    /// The seed of every draw.
    pub seed: u64,
}

/// What a training found.
#[derive(Debug)]
pub struct Trained {
    /// The shared weights.
    pub network: SuperNetwork,
    /// The network variables.
    pub variables: NetworkVariables,
    /// The chosen architectures; the first is the most probable one.
    pub members: Vec<Architecture>,
}

/// Trains on `train`, choosing by `selection`; `progress` is called after each step with its number and loss.
///
/// # Errors
/// The rows do not fit the space.
pub fn train(
    space: &Space,
    train: &Rows,
    selection: &Rows,
    settings: Settings,
    mut progress: impl FnMut(usize, f32),
) -> Result<Trained, supernetwork::Error> {
    let network = SuperNetwork::new(space, settings.seed, DType::F32, &Device::Cpu)?;
    let mut optimiser = AdamW::new(network.variables(), DECAY)?;
    let mut variables = NetworkVariables::uniform(space);
    let mut members = Vec::new();
    let mut batches = Batches::new(train.count(), stream(settings.seed, "batches"));
    let mut ranking = Batches::new(selection.count(), stream(settings.seed, "ranking rows"));
    let mut sampled = stream(settings.seed, "architectures");
    for step in 0..settings.steps {
        let done = step as f64 / settings.steps as f64;
        let architecture = if done < SEARCH {
            variables.sample(&mut sampled)
        } else {
            if members.is_empty() {
                members = draw_members(space, &variables, settings);
            }
            members[step % members.len()].clone()
        };
        let rows = train.chosen(&batches.next(BATCH))?;
        let loss = loss(&network, &rows, &architecture, Pass::ForwardAndBackward)?;
        optimiser.step(&loss.backward()?, rate(step, done))?;
        if (WARM_UP..SEARCH).contains(&done) && step % UPDATE_EVERY == 0 {
            let rows = selection.chosen(&ranking.next(RANKING_ROWS))?;
            let trials: Result<Vec<_>, supernetwork::Error> = (0..TRIALS)
                .map(|_| {
                    let architecture = variables.sample(&mut sampled);
                    let loss = f64::from(loss_value(&network, &rows, &architecture)?);
                    Ok(Trial { architecture, loss })
                })
                .collect();
            variables
                .update(&trials?, VARIABLE_RATE)
                .expect("trials were sampled from these variables");
        }
        progress(step, loss.to_scalar()?);
    }
    if members.is_empty() {
        members = draw_members(space, &variables, settings);
    }
    Ok(Trained {
        network,
        variables,
        members,
    })
}

/// Returns the name of the phase that a step is in.
#[must_use]
pub fn phase(step: usize, steps: usize) -> &'static str {
    match step as f64 / steps as f64 {
        done if done < WARM_UP => "warm-up",
        done if done < SEARCH => "search",
        _ => "fine-tuning",
    }
}

/// The step size of the weights.
fn rate(step: usize, done: f64) -> f64 {
    let rise = ((step + 1) as f64 / RISE).min(1.0);
    RATE * rise * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
}

/// The mean squared error of standardised outputs.
fn loss(
    network: &SuperNetwork,
    rows: &Rows,
    architecture: &Architecture,
    pass: Pass,
) -> Result<Tensor, supernetwork::Error> {
    Ok((network.forward(&rows.x, architecture, pass)? - &rows.y)?
        .sqr()?
        .mean_all()?)
}

fn loss_value(
    network: &SuperNetwork,
    rows: &Rows,
    architecture: &Architecture,
) -> Result<f32, supernetwork::Error> {
    Ok(loss(network, rows, architecture, Pass::Forward)?.to_scalar()?)
}

/// The most probable architecture, and others drawn until they differ from all before, or for long enough.
///
/// Where the probabilities have decided, draws repeat; in the second half of the draws each group therefore takes any of
/// its candidates with probability [`MIXED`].
fn draw_members(
    space: &Space,
    variables: &NetworkVariables,
    settings: Settings,
) -> Vec<Architecture> {
    let mut random = stream(settings.seed, "members");
    let mut members = vec![variables.most_probable()];
    for draw in 0..DRAWS {
        if members.len() >= settings.members {
            break;
        }
        let mut choices = variables.sample(&mut random).choices().to_vec();
        for (choice, group) in choices.iter_mut().zip(space.groups()) {
            if draw >= DRAWS / 2 && random.random_bool(MIXED) {
                *choice = random.random_range(0..group.candidates.len());
            }
        }
        let drawn = Architecture::new(choices);
        if !members.contains(&drawn) {
            members.push(drawn);
        }
    }
    members
}

/// Row numbers, each once in an epoch, in an order drawn anew for each.
struct Batches {
    count: usize,
    random: ChaCha8Rng,
    order: Vec<usize>,
}

impl Batches {
    fn new(count: usize, random: ChaCha8Rng) -> Self {
        Self {
            count,
            random,
            order: Vec::new(),
        }
    }

    /// The next `size` rows, or all rows where there are fewer.
    fn next(&mut self, size: usize) -> Vec<usize> {
        let size = size.min(self.count);
        if self.order.len() < size {
            self.order = permutation(&mut self.random, self.count);
        }
        self.order.split_off(self.order.len() - size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::{Shape, presets::micro};

    fn rows(count: usize, seed: u64) -> Rows {
        let mut random = stream(seed, "test rows");
        let x: Vec<f32> = (0..2 * count)
            .map(|_| random.random_range(-1.5..1.5))
            .collect();
        let curve = |x: &[f32]| {
            (0..5)
                .map(|k| (x[0] * (k + 1) as f32 * 0.5).sin() + x[1] * 0.3)
                .collect::<Vec<_>>()
        };
        let y = x.chunks_exact(2).flat_map(curve).collect();
        Rows::new(x, 2, y, 5).unwrap()
    }

    fn trained(seed: u64, threads: usize, steps: usize) -> (Vec<f32>, Vec<Vec<f32>>) {
        let space = micro(
            2,
            Shape::Sequence {
                length: 5,
                channels: 1,
            },
        )
        .unwrap();
        let settings = Settings {
            steps,
            members: 3,
            seed,
        };
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let mut losses = Vec::new();
        let trained = pool
            .install(|| {
                train(&space, &rows(200, 1), &rows(60, 2), settings, |_, loss| {
                    losses.push(loss)
                })
            })
            .unwrap();
        assert_eq!(trained.members.len(), 3);
        let weights = trained.network.variables();
        let weights = weights
            .iter()
            .map(|var| var.flatten_all().unwrap().to_vec1().unwrap())
            .collect();
        (losses, weights)
    }

    #[test]
    fn a_seed_gives_its_bits_on_one_and_two_threads_and_another_gives_others() {
        let first = trained(1, 1, 300);
        assert!(first == trained(1, 2, 300));
        assert!(first.1 != trained(2, 2, 300).1);
    }

    #[test]
    fn the_loss_falls() {
        let (losses, _) = trained(3, 2, 1500);
        let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
        assert!(mean(&losses[1490..]) < 0.02 * mean(&losses[..5]),);
    }
}
