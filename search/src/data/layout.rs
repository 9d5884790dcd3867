//! What kind of thing one output is: a few numbers, a curve, several curves, an image, several images.
//!
//! A file says so in `y_layout`, the user in `--layout`; without either it is guessed from the sizes alone:
//!
//! | array `y` | guess |
//! |---|---|
//! | n, or n x q with q < 32 | scalars |
//! | n x q with q >= 32 | curve |
//! | n x a x b with a, b >= 16 | image |
//! | n x a x b otherwise | curves |
//! | n x a x b x c | images |

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The layout of one output; the sizes in brackets stand behind the number of rows `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// One number `[]`, or `[q]` numbers without an order (0-D).
    Scalars,
    /// One curve `[length]` (1-D).
    Curve,
    /// Several curves on one axis `[channels, length]`.
    Curves,
    /// One image `[height, width]` (2-D).
    Image,
    /// Several images on one grid `[channels, height, width]`.
    Images,
}

/// Fewer outputs than this in a row are read as scalars, as many or more as a curve.
const CURVE_FROM: usize = 32;
/// A 3-D array is an image where both of its last sizes are at least this, else several curves.
const IMAGE_FROM: usize = 16;

impl Layout {
    /// Every layout.
    pub const ALL: [Self; 5] = [
        Self::Scalars,
        Self::Curve,
        Self::Curves,
        Self::Image,
        Self::Images,
    ];

    /// The name used in `y_layout` and `--layout`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalars => "scalars",
            Self::Curve => "curve",
            Self::Curves => "curves",
            Self::Image => "image",
            Self::Images => "images",
        }
    }

    /// The shape of `y` that this layout asks for, in words.
    pub(super) fn expected_shape(self) -> &'static str {
        match self {
            Self::Scalars => "(n) or (n, q)",
            Self::Curve => "(n, length)",
            Self::Curves => "(n, channels, length)",
            Self::Image => "(n, height, width)",
            Self::Images => "(n, channels, height, width)",
        }
    }

    /// Whether an output of this `shape` (without the number of rows) can have this layout.
    pub(crate) fn fits(self, shape: &[usize]) -> bool {
        match self {
            Self::Scalars => shape.len() <= 1,
            Self::Curve => shape.len() == 1,
            Self::Curves | Self::Image => shape.len() == 2,
            Self::Images => shape.len() == 3,
        }
    }

    /// The layout that the sizes alone suggest, or `None` for more sizes than any layout has.
    pub(super) fn guess(shape: &[usize]) -> Option<Self> {
        match *shape {
            [] => Some(Self::Scalars),
            [count] if count < CURVE_FROM => Some(Self::Scalars),
            [_] => Some(Self::Curve),
            [height, width] if height >= IMAGE_FROM && width >= IMAGE_FROM => Some(Self::Image),
            [_, _] => Some(Self::Curves),
            [_, _, _] => Some(Self::Images),
            _ => None,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_the_documented_layouts() {
        let table: [(&[usize], Option<Layout>); 10] = [
            (&[], Some(Layout::Scalars)),
            (&[1], Some(Layout::Scalars)),
            (&[31], Some(Layout::Scalars)),
            (&[32], Some(Layout::Curve)),
            (&[2, 60], Some(Layout::Curves)),
            (&[60, 15], Some(Layout::Curves)),
            (&[16, 16], Some(Layout::Image)),
            (&[65, 65], Some(Layout::Image)),
            (&[4, 64, 64], Some(Layout::Images)),
            (&[4, 4, 4, 4], None),
        ];
        for (shape, expected) in table {
            assert_eq!(Layout::guess(shape), expected, "{shape:?}");
            if let Some(layout) = expected {
                assert!(layout.fits(shape), "{shape:?}");
            }
        }
    }

    #[test]
    fn every_name_is_read_back() {
        for layout in Layout::ALL {
            assert_eq!(layout.name().parse(), Ok(layout));
        }
        assert!("picture".parse::<Layout>().is_err());
    }
}
