//! Outputs that single precision cannot hold: what is to be added to and multiplied with the numbers of a call.

use super::refuse;
use crate::Result;
use serde::{Deserialize, Serialize};

/// What the numbers of a call are relative to, in double precision: output j is `offset[j] + scale[j] mean[j]`, and its standard
/// deviation `scale[j] std[j]`.
///
/// For outputs that single precision cannot hold: those that vary by little beside their own size, and those of sizes outside its
/// range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relative {
    /// What is added to each mean, `[OUT]`, in the simulator's unit; 0 where nothing is.
    pub offset: Vec<f64>,
    /// What means and standard deviations are multiplied by, `[OUT]`, positive; 1 where nothing changes.
    pub scale: Vec<f64>,
}

impl Relative {
    /// The numbers of one row, as a call gives them, in the simulator's unit: means and standard deviations, `[OUT]` each.
    pub fn physical<'a>(
        &'a self,
        mean: &'a [f32],
        std: &'a [f32],
    ) -> (
        impl Iterator<Item = f64> + 'a,
        impl Iterator<Item = f64> + 'a,
    ) {
        let means = self.offset.iter().zip(&self.scale).zip(mean);
        let deviations = self.scale.iter().zip(std);
        (
            means.map(|((offset, scale), &mean)| offset + scale * f64::from(mean)),
            deviations.map(|(scale, &std)| scale * f64::from(std)),
        )
    }

    /// Whether any output has an offset.
    #[must_use]
    pub fn has_offset(&self) -> bool {
        self.offset.iter().any(|&offset| offset != 0.0)
    }

    /// Whether any output has a scale.
    #[must_use]
    pub fn has_scale(&self) -> bool {
        self.scale.iter().any(|&scale| scale != 1.0)
    }

    /// Refuses what cannot be turned into outputs.
    pub(super) fn check(&self, outputs: usize) -> Result<()> {
        let Self { offset, scale } = self;
        if offset.len() != outputs || scale.len() != outputs {
            return refuse(
                "outputs",
                format!("{outputs} offsets and scales"),
                format!("{} and {}", offset.len(), scale.len()),
            );
        }
        if let Some(offset) = offset.iter().find(|offset| !offset.is_finite()) {
            return refuse("outputs", "finite offsets", offset);
        }
        if let Some(scale) = scale
            .iter()
            .find(|scale| !scale.is_normal() || **scale < 0.0)
        {
            return refuse("outputs", "positive scales", scale);
        }
        if !self.has_offset() && !self.has_scale() {
            return refuse(
                "outputs",
                "an offset or a scale where they are relative",
                "neither",
            );
        }
        Ok(())
    }
}
