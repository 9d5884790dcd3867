//! The history of a training: losses and probabilities of the candidates at some of its steps.
//!
//! Records are evenly spread over the steps and include the first step of each phase. When there
//! are more than [`KEPT`], every other one is dropped. The recorded steps depend on step numbers
//! alone, so that a resumed training has the same records as an uninterrupted one, apart from their
//! seconds.

use super::Phase;
use serde::{Deserialize, Serialize};

/// Maximum number of records.
const KEPT: usize = 256;
/// Initial number of steps between records.
const STRIDE: usize = 16;

/// A training at one of its steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Number of weight steps and evaluations of the polish before this one.
    pub step: usize,
    /// Seconds since the run began.
    pub seconds: f64,
    /// The phase of the step.
    pub phase: Phase,
    /// The loss on its batch, or in the polish on all training rows; `None` if it is not finite.
    #[serde(deserialize_with = "Option::deserialize")]
    pub training_loss: Option<f64>,
    #[serde(deserialize_with = "Option::deserialize")]
    /// The loss of the most probable architecture after the step, on the selection rows.
    pub validation_loss: Option<f64>,
    /// Entropy of each group in nats: 0 when decided, `ln(candidates)` when undecided; empty
    /// without a search.
    pub entropy: Vec<f64>,
    /// Probability of each candidate of each group; empty without a search.
    pub probabilities: Vec<Vec<f64>>,
}

/// The records of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct History {
    stride: usize,
    records: Vec<Record>,
}

impl Default for History {
    fn default() -> Self {
        Self {
            stride: STRIDE,
            records: Vec::new(),
        }
    }
}

impl History {
    /// Returns the records in the order of their steps.
    #[must_use]
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// Whether this step should be recorded.
    pub(super) fn wants(&self, step: usize, phase: Phase) -> bool {
        let last = self.records.last();
        step.is_multiple_of(self.stride) || last.is_none_or(|last| last.phase != phase)
    }

    pub(super) fn add(&mut self, record: Record) {
        self.records.push(record);
        if self.records.len() <= KEPT {
            return;
        }
        self.stride *= 2;
        let mut before = None;
        let stride = self.stride;
        self.records.retain(|record| {
            let is_first = before.replace(record.phase) != Some(record.phase);
            is_first || record.step.is_multiple_of(stride)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_few_evenly_spread_and_each_phase_has_its_first() {
        let mut history = History::default();
        let phases = [
            (0, Phase::WarmUp),
            (301, Phase::Search),
            (70_003, Phase::FineTuning),
        ];
        for step in 0..100_000 {
            let (_, phase) = phases
                .into_iter()
                .rfind(|(first, _)| *first <= step)
                .unwrap();
            if history.wants(step, phase) {
                history.add(Record {
                    step,
                    seconds: 0.0,
                    phase,
                    training_loss: None,
                    validation_loss: None,
                    entropy: Vec::new(),
                    probabilities: Vec::new(),
                });
            }
            assert!(history.records.len() <= KEPT);
        }
        let steps: Vec<usize> = history.records.iter().map(|record| record.step).collect();
        assert!(
            phases.iter().all(|(first, _)| steps.contains(first)),
            "{steps:?}"
        );
        assert!(steps.len() > KEPT / 3);
        assert!(
            steps
                .windows(2)
                .all(|pair| pair[0] < pair[1] && pair[1] - pair[0] <= history.stride)
        );
    }
}
