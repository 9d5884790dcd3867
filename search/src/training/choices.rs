//! The hyperparameters of a training: one set for all data, each measured in
//! docs/measurements/choices.md.

use serde::{Deserialize, Serialize};

/// The settings of the weight steps.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choices {
    /// Largest step size of AdamW.
    pub rate: f64,
    /// Weight decay of AdamW.
    pub decay: f64,
    /// What updates the weights.
    pub optimiser: Optimiser,
    /// Rows per weight step.
    pub batch: usize,
    /// The share of all steps, at the end, over which the step size falls to zero: the fine-tuning.
    pub fall: f64,
    /// Rows that the polish reads, as a multiple of those that the weight steps read; 0 if there
    /// are many rows.
    pub polish: f64,
    /// The share of a budget that one architecture may take where there are to be several members: docs/spaces.md.
    pub share_of_one: f64,
}

/// What updates the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Optimiser {
    /// [`crate::optimiser::AdamW`].
    #[default]
    Adamw,
    /// [`crate::engine::Soap`], for networks of dense layers on the CPU; others take AdamW. Its steps
    /// are dearer, and come nearer to outputs without noise.
    Soap,
}

/// With more simulated rows there is no polish: in the same time, weight steps gain more.
const POLISHED_ROWS: usize = 1500;

impl Choices {
    /// Returns the choices for this number of simulated rows.
    #[must_use]
    pub fn for_rows(self, rows: usize) -> Self {
        match rows > POLISHED_ROWS {
            true => Self {
                polish: 0.0,
                ..self
            },
            false => self,
        }
    }
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            rate: 3e-3,
            decay: 1e-2,
            optimiser: Optimiser::default(),
            batch: 64,
            fall: 0.4,
            polish: 0.25,
            share_of_one: 0.8,
        }
    }
}
