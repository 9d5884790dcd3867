//! The three shapes of a value.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The shape of one sample's value at a node.
///
/// A sequence is stored position-major, `value[position * channels + channel]`; an image's positions are those of its
/// rows one after the other, `value[(row * width + column) * channels + channel]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// So many numbers.
    Vector(usize),
    /// Positions of some channels each.
    Sequence {
        /// Number of positions.
        length: usize,
        /// Number of channels at each position.
        channels: usize,
    },
    /// Rows and columns of positions of some channels each.
    Image {
        /// Number of rows.
        height: usize,
        /// Number of columns.
        width: usize,
        /// Number of channels at each position.
        channels: usize,
    },
}

impl Shape {
    /// The largest value that a node may have: sizes of a damaged file cannot exhaust the memory.
    pub const LARGEST: usize = 1 << 24;

    /// How many numbers the value holds; `usize::MAX` where that number would overflow.
    #[must_use]
    pub fn size(self) -> usize {
        let ([rows, columns], channels) = self.size_and_channels();
        rows.saturating_mul(columns).saturating_mul(channels)
    }

    /// Rows and columns, and channels: a vector is one position, a sequence one row.
    pub(crate) fn size_and_channels(self) -> ([usize; 2], usize) {
        match self {
            Self::Vector(size) => ([1, 1], size),
            Self::Sequence { length, channels } => ([1, length], channels),
            Self::Image {
                height,
                width,
                channels,
            } => ([height, width], channels),
        }
    }

    /// Positions and channels: a vector is one position.
    pub(crate) fn positions_and_channels(self) -> (usize, usize) {
        let ([rows, columns], channels) = self.size_and_channels();
        (rows.saturating_mul(columns), channels)
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vector(size) => write!(f, "[{size}]"),
            Self::Sequence { length, channels } => write!(f, "[{length}][{channels}]"),
            Self::Image {
                height,
                width,
                channels,
            } => write!(f, "[{height}][{width}][{channels}]"),
        }
    }
}
