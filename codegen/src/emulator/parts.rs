//! What an emulator has beside its graph: inputs, outputs and calibration.

use super::relative::Relative;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One input of the simulator and the range in which the emulator was trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InputVariable {
    /// Its name, with its unit where the data have one.
    pub name: String,
    /// The lower limit, in the simulator's unit.
    pub low: f64,
    /// The upper limit, in the simulator's unit.
    pub high: f64,
    /// Whether distances are measured between logarithms.
    pub logarithmic: bool,
}

/// How the outputs of one sample are arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// One number `[]`, or `[q]` numbers without an order.
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

/// What the outputs are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Their arrangement.
    pub layout: Layout,
    /// The shape of one sample's outputs; `[]` is a single number.
    pub shape: Vec<usize>,
    /// Names: one for each number, one for each channel, or none.
    pub names: Vec<String>,
    /// Coordinates of the points, where the data have them.
    pub axes: Vec<Axis>,
    /// Offsets and scales in float64; `None` if means and standard deviations are in the simulator's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relative: Option<Relative>,
}

impl Outputs {
    /// How many numbers one sample has; `None` where that number overflows.
    pub(super) fn count(&self) -> Option<usize> {
        self.shape
            .iter()
            .try_fold(1usize, |product, &size| product.checked_mul(size))
    }
}

/// Turns the spread of the members into a standard deviation in physical units:
/// `std = unit * sqrt(gain * variance / unit^2 + floor)`; where there are slopes `hypot(std, slope * |mean|)`; times the
/// [`crate::local::ErrorScale`] where there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// What the members' variance is multiplied by, at least 0.
    pub gain: f32,
    /// For each output a power of two near its training deviation: squares of physical numbers stay in range.
    pub unit: Vec<f32>,
    /// For each output the variance that remains where the members agree, in squared units, at least 0.
    pub floor: Vec<f32>,
    /// For each output the deviation that remains where the members agree, over the mean's magnitude, at least 0: where errors
    /// grow with the output itself.
    pub slope: Option<Vec<f32>>,
}

impl Calibration {
    /// The standard deviation of an ensemble of one, in which nothing is spread: `unit * sqrt(floor)`, without what slopes
    /// add.
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
