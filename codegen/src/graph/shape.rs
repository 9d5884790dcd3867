//! The three shapes of a value.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The shape of one sample's value at a node.
///
/// A sequence is stored position-major, `value[position * channels + channel]`; an image row by
/// row, `value[(row * width + column) * channels + channel]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A vector of this length.
    Vector(usize),
    /// Positions with several channels each.
    Sequence {
        /// Number of positions.
        length: usize,
        /// Number of channels at each position.
        channels: usize,
    },
    /// Rows and columns of positions with several channels each.
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
    /// The largest size of a node's value, so that a damaged file cannot exhaust the memory.
    pub const LARGEST: usize = 1 << 24;

    /// The number of floats in the value; `usize::MAX` on overflow.
    #[must_use]
    pub fn size(self) -> usize {
        let ([rows, columns], channels) = self.size_and_channels();
        rows.saturating_mul(columns).saturating_mul(channels)
    }

    /// Rows, columns and channels: a vector is one position, a sequence one row.
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
