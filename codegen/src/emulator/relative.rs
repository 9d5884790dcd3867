//! Offsets and scales for outputs that float32 cannot represent.

use crate::Result;
use crate::error::refuse;
use serde::{Deserialize, Serialize};

/// Offset and scale of each output in float64: output j is `offset[j] + scale[j] * mean[j]`, its
/// standard deviation `scale[j] * std[j]`.
///
/// For outputs that float32 cannot represent: those that vary little compared with their size, and
/// those whose size is outside its range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Relative {
    /// Added to the scaled mean, `[OUT]`, in the simulator's unit; 0 without an offset.
    pub offset: Vec<f64>,
    /// Multiplies mean and standard deviation, `[OUT]`, positive; 1 without a scale.
    pub scale: Vec<f64>,
}

impl Relative {
    /// Converts one row of means and standard deviations, `[OUT]` each, to the simulator's unit.
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

    /// Checks lengths and values for this number of outputs.
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
