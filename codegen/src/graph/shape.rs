//! The two shapes of a value.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The shape of one sample's value at a node.
///
/// A sequence is stored position-major: `value[position * channels + channel]`.
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
}

impl Shape {
    /// The largest value that a node may have: sizes of a damaged file cannot exhaust the memory.
    pub const LARGEST: usize = 1 << 24;

    /// How many numbers the value holds; `usize::MAX` where that number would overflow.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::Vector(size) => size,
            Self::Sequence { length, channels } => length.saturating_mul(channels),
        }
    }

    /// Positions and channels; a vector is one position.
    pub(crate) fn length_and_channels(self) -> (usize, usize) {
        match self {
            Self::Vector(size) => (1, size),
            Self::Sequence { length, channels } => (length, channels),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vector(size) => write!(f, "[{size}]"),
            Self::Sequence { length, channels } => write!(f, "[{length}][{channels}]"),
        }
    }
}
