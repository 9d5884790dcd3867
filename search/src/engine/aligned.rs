//! Vectors of floats that begin at the start of a cache line.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// A vector of floats whose first element lies at the start of a cache line.
#[derive(Debug, Default)]
pub(super) struct Aligned {
    /// The elements, after a gap of less than a line.
    buffer: Vec<f32>,
    start: usize,
    length: usize,
}

impl Aligned {
    /// Returns a vector of zeros.
    pub(super) fn zeros(length: usize) -> Self {
        let buffer = vec![0.0_f32; length + LINE / size_of::<f32>()];
        // Where an address cannot be aligned, the elements start at the first place.
        let gap = buffer.as_ptr().align_offset(LINE);
        let start = if gap < LINE / size_of::<f32>() {
            gap
        } else {
            0
        };
        Self {
            buffer,
            start,
            length,
        }
    }

    /// Grows to at least this length with all elements zero, unless it has it already.
    pub(super) fn reserve(&mut self, length: usize) {
        if self.length < length {
            *self = Self::zeros(length);
        }
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.length);
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.buffer[self.start..self.start + self.length]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.buffer[self.start..self.start + self.length]
    }
}
