//! The network variables: the probability of each candidate operation of each group, and their
//! update by ranks.
//!
//! ```text
//! p(choice of group g) = softmax(b_g),    b += rate * sum_i reward_i * grad log p(architecture_i)
//! d log p / d b_g[k]   = [k chosen] - p_g(k)
//! ```
//!
//! Architecture `i` is one of `n`, ranked by their loss on the validation split. The rewards are
//! the rank weights of CMA-ES minus their mean, so that only the order of the losses matters.
//!
//! Source: Kasim et al., Mach. Learn.: Sci. Technol. 3, 015013 (2022); Hansen, "The CMA evolution
//! strategy: a tutorial" (2016), eq. 49.

use crate::budget::Affordable;
use crate::space::{Architecture, Error, Group, Space};
use crate::streams::uniform;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// The variable of a favoured candidate; those of the others are zero.
const FAVOUR: f64 = 3.0;

/// The variable of a candidate's copy, which is never sampled: its probability is 0.
const COPY: f64 = -1e4;

/// The network variables of a super-architecture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkVariables {
    logits: Vec<Vec<f64>>,
}

/// An architecture and its loss on the validation split.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The architecture.
    pub architecture: Architecture,
    /// The loss; NaN ranks last.
    pub loss: f64,
}

impl NetworkVariables {
    /// Returns variables with which all candidates of a group are equally likely, except copies.
    pub fn uniform(space: &Space) -> Self {
        let start = |group: &Group| {
            let indices = 0..group.candidates.len();
            let logits = indices.map(|k| if group.original(k) == k { 0.0 } else { COPY });
            logits.collect()
        };
        Self {
            logits: space.groups().iter().map(start).collect(),
        }
    }

    /// Returns variables that favour an architecture, with all other candidates equally likely.
    pub(crate) fn favouring(space: &Space, architecture: &Architecture) -> Self {
        let mut variables = Self::uniform(space);
        for (logits, &choice) in variables.logits.iter_mut().zip(architecture.choices()) {
            logits[choice] = FAVOUR;
        }
        variables
    }

    /// Returns the probability of each candidate, `[group][candidate]`; each group sums to 1.
    pub fn probabilities(&self) -> Vec<Vec<f64>> {
        self.logits.iter().map(|logits| softmax(logits)).collect()
    }

    /// Returns an architecture sampled from the probabilities, with one draw of `random` per group.
    pub fn sample(&self, random: &mut ChaCha8Rng) -> Architecture {
        let choices = self.probabilities().into_iter().map(|p| draw(&p, random));
        Architecture::new(choices.collect())
    }

    /// Returns an affordable architecture: each group is sampled from the candidates that leave
    /// room for the next groups.
    pub fn sample_within(&self, room: &Affordable, random: &mut ChaCha8Rng) -> Architecture {
        let mut walk = room.walk();
        let choices = self.logits.iter().map(|logits| {
            let p = softmax_of(logits, |k| walk.allows(k));
            let choice = draw(&p, random);
            walk.choose(choice);
            choice
        });
        Architecture::new(choices.collect())
    }

    /// Returns the most probable architecture; ties go to the first candidate.
    pub fn most_probable(&self) -> Architecture {
        let first_largest = |logits: &Vec<f64>| {
            (1..logits.len()).fold(0, |best, k| if logits[k] > logits[best] { k } else { best })
        };
        Architecture::new(self.logits.iter().map(first_largest).collect())
    }

    /// Returns the entropy of each group in nats: 0 when decided, `ln(candidates)` when undecided.
    pub fn entropies(&self) -> Vec<f64> {
        let surprise = |p: &f64| if *p > 0.0 { -p * p.ln() } else { 0.0 };
        let groups = self.probabilities();
        groups
            .iter()
            .map(|p| p.iter().map(surprise).sum())
            .collect()
    }

    /// Returns `log p(architecture)`.
    ///
    /// # Errors
    /// If the architecture does not belong to the super-architecture of these variables.
    pub fn log_probability(&self, architecture: &Architecture) -> Result<f64, Error> {
        self.check(architecture)?;
        let groups = self.logits.iter().zip(architecture.choices());
        Ok(groups.map(|(b, &choice)| log_softmax(b, choice)).sum())
    }

    /// Returns the gradient of `log p(architecture)` with respect to each variable:
    /// `[group][candidate]`.
    ///
    /// # Errors
    /// As [`NetworkVariables::log_probability`].
    pub fn gradient(&self, architecture: &Architecture) -> Result<Vec<Vec<f64>>, Error> {
        self.check(architecture)?;
        let mut gradient = self.probabilities();
        for (group, &choice) in gradient.iter_mut().zip(architecture.choices()) {
            for (k, p) in group.iter_mut().enumerate() {
                *p = f64::from(u8::from(k == choice)) - *p;
            }
        }
        Ok(gradient)
    }

    /// Returns the gradient of the logarithm of the probability with which
    /// [`NetworkVariables::sample_within`] samples the architecture.
    ///
    /// # Errors
    /// As [`NetworkVariables::log_probability`], or if it is not affordable.
    pub fn gradient_within(
        &self,
        room: &Affordable,
        architecture: &Architecture,
    ) -> Result<Vec<Vec<f64>>, Error> {
        self.check(architecture)?;
        if !room.contains(architecture) {
            return Err(Error::Architecture {
                problem: format!("{:?} is above the budget", architecture.choices()),
            });
        }
        let mut walk = room.walk();
        let groups = self.logits.iter().zip(architecture.choices());
        let slopes = groups.map(|(logits, &choice)| {
            let p = softmax_of(logits, |k| walk.allows(k));
            walk.choose(choice);
            let chosen = |k: usize| f64::from(u8::from(k == choice));
            let slopes = p.iter().enumerate().map(|(k, p)| chosen(k) - p);
            slopes.collect()
        });
        Ok(slopes.collect())
    }

    /// Ranks the trials by their loss and moves the variables towards the better ones.
    ///
    /// Equal losses keep the order of the trials. All gradients are computed with the variables
    /// before the update.
    ///
    /// # Errors
    /// If an architecture does not belong to the super-architecture of these variables, which are
    /// then unchanged.
    pub fn update(&mut self, trials: &[Trial], rate: f64) -> Result<(), Error> {
        self.update_by(trials, rate, Self::gradient)
    }

    /// Updates as [`NetworkVariables::update`], for trials sampled by
    /// [`NetworkVariables::sample_within`].
    ///
    /// # Errors
    /// As [`NetworkVariables::gradient_within`]; the variables are then unchanged.
    pub fn update_within(
        &mut self,
        room: &Affordable,
        trials: &[Trial],
        rate: f64,
    ) -> Result<(), Error> {
        self.update_by(trials, rate, |variables, architecture| {
            variables.gradient_within(room, architecture)
        })
    }

    fn update_by(
        &mut self,
        trials: &[Trial],
        rate: f64,
        gradient: impl Fn(&Self, &Architecture) -> Result<Vec<Vec<f64>>, Error>,
    ) -> Result<(), Error> {
        let mut order: Vec<&Trial> = trials.iter().collect();
        let key = |trial: &Trial| {
            if trial.loss.is_nan() {
                f64::INFINITY
            } else {
                trial.loss
            }
        };
        order.sort_by(|left, right| key(left).total_cmp(&key(right)));
        let gradients = order
            .iter()
            .map(|trial| gradient(self, &trial.architecture))
            .collect::<Result<Vec<_>, _>>()?;
        for (reward, gradient) in rewards(trials.len()).iter().zip(&gradients) {
            let variables = self.logits.iter_mut().flatten();
            for (b, slope) in variables.zip(gradient.iter().flatten()) {
                *b += rate * reward * slope;
            }
        }
        Ok(())
    }

    /// Whether these variables belong to this super-architecture and are all finite.
    pub fn fits(&self, space: &Space) -> bool {
        let groups = space.groups();
        self.logits.len() == groups.len()
            && self.logits.iter().flatten().all(|b| b.is_finite())
            && self
                .logits
                .iter()
                .zip(groups)
                .all(|(b, group)| b.len() == group.candidates.len())
    }

    fn check(&self, architecture: &Architecture) -> Result<(), Error> {
        let choices = architecture.choices();
        let fits = choices.len() == self.logits.len()
            && self.logits.iter().zip(choices).all(|(b, &k)| k < b.len());
        if fits {
            return Ok(());
        }
        let candidates: Vec<usize> = self.logits.iter().map(Vec::len).collect();
        Err(Error::Architecture {
            problem: format!("expected choices below {candidates:?}, got {choices:?}"),
        })
    }
}

/// Returns the rewards of ranks `1..=count`, best first, with zero sum.
///
/// ```text
/// w_r = max(0, ln(count / 2 + 1) - ln r),    reward_r = w_r / sum(w) - 1 / count
/// ```
pub fn rewards(count: usize) -> Vec<f64> {
    let half = (count as f64 / 2.0 + 1.0).ln();
    let weights: Vec<f64> = (1..=count)
        .map(|rank| (half - (rank as f64).ln()).max(0.0))
        .collect();
    let sum: f64 = weights.iter().sum();
    let mean = 1.0 / count as f64;
    weights.iter().map(|weight| weight / sum - mean).collect()
}

fn log_softmax(logits: &[f64], choice: usize) -> f64 {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = logits.iter().map(|b| (b - largest).exp()).sum();
    logits[choice] - largest - sum.ln()
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    (0..logits.len())
        .map(|k| log_softmax(logits, k).exp())
        .collect()
}

/// Returns the probabilities if only some candidates are allowed; 0 for the others.
fn softmax_of(logits: &[f64], allowed: impl Fn(usize) -> bool) -> Vec<f64> {
    let masked: Vec<f64> = logits
        .iter()
        .enumerate()
        .map(|(k, &b)| if allowed(k) { b } else { f64::NEG_INFINITY })
        .collect();
    softmax(&masked)
}

/// Samples an index from the probabilities.
fn draw(probabilities: &[f64], random: &mut ChaCha8Rng) -> usize {
    let level = uniform(random);
    let mut sum = 0.0;
    for (k, p) in probabilities.iter().enumerate() {
        sum += p;
        if level < sum {
            return k;
        }
    }
    // The probabilities may sum to slightly less than 1.
    let last = probabilities.iter().rposition(|p| *p > 0.0);
    last.unwrap_or(probabilities.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Shape;
    use crate::space::presets::micro_with_kinds_of_heads;
    use crate::streams::stream;

    /// Variables that are neither uniform nor decided.
    fn uneven() -> NetworkVariables {
        let mut variables =
            NetworkVariables::uniform(&micro_with_kinds_of_heads(2, Shape::Vector(50)));
        for (k, b) in variables.logits.iter_mut().flatten().enumerate() {
            *b = (k as f64 * 1.7).sin();
        }
        variables
    }

    #[test]
    fn the_gradient_of_the_log_probability_equals_finite_differences() {
        const STEP: f64 = 1e-5;
        // Truncation error is of order STEP^2, rounding error of order 1e-16 / STEP.
        const BOUND: f64 = 1e-9;
        let variables = uneven();
        let architecture = Architecture::new(vec![0, 2, 0, 1, 2, 3]);
        let gradient = variables.gradient(&architecture).unwrap();
        for (g, group) in gradient.iter().enumerate() {
            for (k, slope) in group.iter().enumerate() {
                let at = |step: f64| {
                    let mut moved = variables.clone();
                    moved.logits[g][k] += step;
                    moved.log_probability(&architecture).unwrap()
                };
                let difference = (at(STEP) - at(-STEP)) / (2.0 * STEP);
                assert!(
                    (difference - slope).abs() < BOUND,
                    "group {g}, candidate {k}"
                );
            }
        }
    }

    #[test]
    fn copies_are_never_drawn_and_stay_improbable() {
        let space = micro_with_kinds_of_heads(2, Shape::Vector(50));
        let mut variables = NetworkVariables::uniform(&space);
        let mut random = stream(2, "copies");
        let head = &space.groups()[5];
        for loss in 0..200 {
            let trials = (0..8).map(|_| {
                let architecture = variables.sample(&mut random);
                let choice = architecture.choices()[5];
                assert_eq!(head.original(choice), choice);
                Trial {
                    architecture,
                    loss: f64::from(loss),
                }
            });
            let trials: Vec<_> = trials.collect();
            variables.update(&trials, 1.0).unwrap();
        }
        let p = &variables.probabilities()[5];
        assert_eq!((head.originals(), p.len()), (4, 16));
        assert!(p[4..].iter().all(|p| *p == 0.0), "{p:?}");
        assert!(variables.fits(&space));
    }

    #[test]
    fn rewards_have_zero_mean_and_fall_with_the_rank() {
        for count in 1..40 {
            let rewards = rewards(count);
            assert!(rewards.iter().sum::<f64>().abs() < 1e-14);
            assert!(rewards.is_sorted_by(|left, right| left >= right));
        }
    }

    #[test]
    fn samples_come_as_often_as_their_probabilities_say() {
        const DRAWS: usize = 20_000;
        let variables = uneven();
        let mut random = stream(4, "samples");
        let mut counts: Vec<Vec<f64>> = variables
            .logits
            .iter()
            .map(|b| vec![0.0; b.len()])
            .collect();
        for _ in 0..DRAWS {
            for (count, &k) in counts
                .iter_mut()
                .zip(variables.sample(&mut random).choices())
            {
                count[k] += 1.0 / DRAWS as f64;
            }
        }
        // Five standard deviations of a frequency are at most 5 * 0.5 / sqrt(20000) = 0.018.
        let probabilities = variables.probabilities();
        for (count, p) in counts.iter().flatten().zip(probabilities.iter().flatten()) {
            assert!((count - p).abs() < 0.018, "{count} against {p}");
        }
    }

    /// Searches with noisy losses that favour candidate 1 of each block and candidate 2 of the
    /// head.
    fn search(sign: f64) -> Vec<Vec<f64>> {
        let right = [0, 1, 1, 1, 1, 2];
        let mut variables =
            NetworkVariables::uniform(&micro_with_kinds_of_heads(2, Shape::Vector(50)));
        let mut random = stream(1, "search");
        for _ in 0..300 {
            let trials: Vec<Trial> = (0..8)
                .map(|_| {
                    let architecture = variables.sample(&mut random);
                    let pairs = architecture.choices().iter().zip(&right);
                    let wrong = pairs.filter(|(choice, right)| choice != right).count();
                    let noise = uniform(&mut random);
                    let loss = sign * (wrong as f64 + noise);
                    Trial { architecture, loss }
                })
                .collect();
            variables.update(&trials, 0.3).unwrap();
        }
        let probabilities = variables.probabilities();
        probabilities
            .into_iter()
            .zip(right)
            .map(|(p, k)| vec![p[k]])
            .collect()
    }

    #[test]
    fn the_variables_learn_the_right_candidates_and_unlearn_them_when_losses_are_negated() {
        assert!(search(1.0).iter().flatten().all(|p| *p > 0.9));
        assert!(search(-1.0)[1..].iter().flatten().all(|p| *p < 0.1));
    }

    #[test]
    fn entropy_tells_decided_from_undecided_groups_and_nan_ranks_last() {
        let space = micro_with_kinds_of_heads(2, Shape::Vector(50));
        let mut variables = NetworkVariables::uniform(&space);
        assert!((variables.entropies()[1] - 4.0f64.ln()).abs() < 1e-14);
        assert_eq!(variables.most_probable().choices(), [0; 6]);
        let trial = |choices: [usize; 6], loss| Trial {
            architecture: Architecture::new(choices.to_vec()),
            loss,
        };
        let trials = [
            trial([0, 1, 1, 1, 1, 1], -f64::NAN),
            trial([1, 2, 2, 2, 2, 2], 1.0),
        ];
        variables.update(&trials, 100.0).unwrap();
        assert!(variables.entropies().iter().all(|entropy| *entropy < 1e-6));
        assert_eq!(variables.most_probable().choices(), [1, 2, 2, 2, 2, 2]);
        let before = variables.clone();
        assert!(
            variables
                .update(&[trial([0, 9, 0, 0, 0, 0], 0.0)], 1.0)
                .is_err()
        );
        assert_eq!(variables, before);
    }
}
