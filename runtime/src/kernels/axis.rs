//! One axis of a layer's outputs: which positions are written, and from which inputs.

use core::ops::Range;

/// An axis of outputs and of the inputs behind them.
///
/// Output `s` of `count` is written to position `start + s * step`, and takes tap
/// `tap + j * tap_step` from input position `s + offset + j * direction`, for every `j` below
/// `taps`; offset and direction are modulo 2^64.
#[derive(Clone, Copy)]
pub(super) struct Axis {
    pub(super) length: usize,
    pub(super) start: usize,
    pub(super) step: usize,
    pub(super) count: usize,
    pub(super) tap: usize,
    pub(super) tap_step: usize,
    pub(super) taps: usize,
    pub(super) offset: usize,
    pub(super) direction: usize,
}

impl Axis {
    /// One position, one tap.
    pub(super) const ONE: Self = Self::each(1);

    /// `count` positions; each takes the input position of the same index.
    pub(super) const fn each(count: usize) -> Self {
        Self {
            length: count,
            start: 0,
            step: 1,
            count,
            tap: 0,
            tap_step: 1,
            taps: 1,
            offset: 0,
            direction: 1,
        }
    }

    /// The taps of output `s` that fall inside; they are adjacent.
    #[inline(always)]
    pub(super) fn taps_inside(&self, s: usize) -> Range<usize> {
        let first = s.wrapping_add(self.offset);
        if self.direction == 1 {
            // From input position `first` upward.
            let low = if first < self.length {
                0
            } else {
                first.wrapping_neg().min(self.taps)
            };
            low..self.length.wrapping_sub(first).min(self.taps).max(low)
        } else {
            // From input position `first` downward.
            let end = first.wrapping_add(1);
            let low = end.saturating_sub(self.length).min(self.taps);
            low..self.taps.min(end).max(low)
        }
    }

    /// The outputs that have all their taps; they are adjacent.
    #[inline(always)]
    pub(super) fn inside(&self) -> Range<usize> {
        // The positions of tap 0, of the last tap, and of the end of the input, relative to output
        // 0.
        let (offset, reach) = (self.offset as isize, self.taps.saturating_sub(1) as isize);
        let (low, high) = match self.direction {
            1 => (offset, offset.saturating_add(reach)),
            _ => (offset.saturating_sub(reach), offset),
        };
        let start = usize::try_from(low.saturating_neg()).unwrap_or(0);
        let end = usize::try_from((self.length as isize).saturating_sub(high)).unwrap_or(0);
        let end = end.min(self.count);
        start.min(end)..end
    }
}
