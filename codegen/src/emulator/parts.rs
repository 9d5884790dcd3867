//! The parts of an emulator beside its graph: inputs, outputs and calibration.

use super::relative::Relative;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One input of the simulator and its trained range.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputVariable {
    /// Its name, with its unit if the data have one.
    pub name: String,
    /// The lower limit, in the simulator's unit.
    pub low: f64,
    /// The upper limit, in the simulator's unit.
    pub high: f64,
    /// Whether distances are measured between logarithms.
    pub logarithmic: bool,
}

/// The arrangement of the outputs of one sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// One scalar `[]`, or `[q]` scalars without an order.
    Scalars,
    /// One curve: `[length]`.
    Curve,
    /// Several curves on one axis: `[channels][length]`.
    Curves,
    /// One image: `[height][width]`.
    Image,
    /// Several images on one grid: `[channels][height][width]`.
    Images,
}

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 5] = [
        Self::Scalars,
        Self::Curve,
        Self::Curves,
        Self::Image,
        Self::Images,
    ];

    /// Returns its name, as files and options have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalars => "scalars",
            Self::Curve => "curve",
            Self::Curves => "curves",
            Self::Image => "image",
            Self::Images => "images",
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|layout| layout.name() == text)
            .ok_or_else(|| {
                format!("expected scalars, curve, curves, image or images, got {text:?}")
            })
    }
}

/// A coordinate of the outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Axis {
    /// Its name, with its unit.
    pub name: String,
    /// One value for each point.
    pub values: Vec<f64>,
}

/// The outputs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Their arrangement.
    pub layout: Layout,
    /// The shape of one sample's outputs; `[]` is a scalar.
    pub shape: Vec<usize>,
    /// Names: one for each value, one for each channel, or none.
    pub names: Vec<String>,
    /// Coordinates of the points, if the data have them.
    pub axes: Vec<Axis>,
    /// Offsets and scales in float64; `None` if means and standard deviations are in the
    /// simulator's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<Relative>,
}

impl Outputs {
    /// The number of outputs of one sample; `None` if it overflows.
    pub(super) fn count(&self) -> Option<usize> {
        self.shape
            .iter()
            .try_fold(1usize, |product, &size| product.checked_mul(size))
    }
}

/// Turns the spread of the members into a standard deviation in physical units:
/// `std = unit * sqrt(gain * variance / unit^2 + floor)`; with slopes `hypot(std, slope * |mean|)`;
/// times the [`crate::local::ErrorScale`] if there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// The factor of the members' variance, at least 0.
    pub gain: f32,
    /// For each output a power of two near its training deviation, so that squares of physical
    /// values stay in range.
    pub unit: Vec<f32>,
    /// For each output the variance if the members agree, in squared units, at least 0.
    pub floor: Vec<f32>,
    /// For each output the deviation if the members agree, relative to the mean's magnitude, at
    /// least 0: for errors that grow with the output itself.
    pub slope: Option<Vec<f32>>,
}

impl Calibration {
    /// The standard deviation of an ensemble of one, which has no spread: `unit * sqrt(floor)`,
    /// without the contribution of slopes.
    #[must_use]
    pub fn deviation_of_one(&self) -> Vec<f32> {
        let pairs = self.unit.iter().zip(&self.floor);
        pairs.map(|(unit, floor)| unit * floor.sqrt()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_is_read_back_by_its_name() {
        for layout in Layout::ALL {
            assert_eq!(layout.name().parse(), Ok(layout));
            assert_eq!(serde_json::json!(layout), layout.name());
        }
        assert!("picture".parse::<Layout>().is_err());
    }
}
