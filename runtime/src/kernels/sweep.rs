//! A sweep: neighbouring positions that have the same taps, with the weights of one or more blocks.

use super::finish::Finish;
use core::ops::Range;

/// Strides from one part of a sum to the next: the number of parts, and the step in `x` and in the
/// rows of the weights; modulo 2^64.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    pub(super) count: usize,
    pub(super) x: usize,
    pub(super) rows: usize,
}

impl Steps {
    /// A single part.
    pub(super) const NONE: Self = Self {
        count: 1,
        x: 0,
        rows: 0,
    };
}

/// A tile's view of its arrays, in elements.
///
/// A sum runs over `run` consecutive elements of `x` and as many rows of the weights, then over
/// those an inner step further, and repeats this at each outer step.
#[derive(Clone, Copy)]
pub(super) struct Sweep<'a> {
    pub(super) x: &'a [f32],
    /// The index of the first element of the first position, and elements from one position to the
    /// next.
    pub(super) start: usize,
    pub(super) from: usize,
    /// Rows; each has one weight for every lane of a block.
    pub(super) weights: &'a [f32],
    /// The first row, and rows from one block to the next.
    pub(super) row: usize,
    pub(super) rows_of_block: usize,
    pub(super) outer: Steps,
    pub(super) inner: Steps,
    pub(super) run: usize,
    pub(super) positions: usize,
    /// From the first block's first output on; lanes past them are padding.
    pub(super) bias: &'a [f32],
    /// The index in `y` of the first position's first output, and elements to the next position's.
    pub(super) y: usize,
    pub(super) to: usize,
    /// As `to`, in the residual.
    pub(super) residual: usize,
    pub(super) residual_step: usize,
    pub(super) finish: Finish<'a>,
}

impl Sweep<'_> {
    /// Returns the sweep restricted to the positions of this range.
    #[inline(always)]
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        let moved = |start: usize, step: usize| start.wrapping_add(range.start.wrapping_mul(step));
        Self {
            start: moved(self.start, self.from),
            positions: range.len(),
            y: moved(self.y, self.to),
            residual: moved(self.residual, self.residual_step),
            ..*self
        }
    }

    /// Whether all elements and weights that are read exist, with `blocks` blocks of `lanes` lanes.
    #[inline(always)]
    pub(super) fn is_inside(&self, blocks: usize, lanes: usize) -> bool {
        self.checked(blocks, lanes).unwrap_or(false)
    }

    /// Whether the last position's outputs up to `end` fit in `y`.
    #[inline(always)]
    pub(super) fn ends_inside(&self, end: usize, y: &[f32]) -> bool {
        let along = self.positions.saturating_sub(1).checked_mul(self.to);
        let last = along.and_then(|along| self.y.checked_add(along)?.checked_add(end));
        last.is_some_and(|last| last <= y.len())
    }

    #[inline(always)]
    fn checked(&self, blocks: usize, lanes: usize) -> Option<bool> {
        let (outer, inner) = (self.outer, self.inner);
        if outer.count == 0 || inner.count == 0 || self.run == 0 || self.positions == 0 {
            return Some(false);
        }
        // Steps of x may be negative.
        let span =
            |steps: Steps| (steps.x as isize).checked_mul(isize::try_from(steps.count - 1).ok()?);
        let (outer_x, inner_x) = (span(outer)?, span(inner)?);
        let along = (self.positions - 1).checked_mul(self.from)?;
        let last = isize::try_from(along.checked_add(self.run)?).ok()?;
        let x = isize::try_from(self.start).ok()?;
        let low = x.checked_add(outer_x.min(0))?.checked_add(inner_x.min(0))?;
        let high = x
            .checked_add(outer_x.max(0))?
            .checked_add(inner_x.max(0))?
            .checked_add(last)?;
        let rows = self
            .row
            .checked_add((outer.count - 1).checked_mul(outer.rows)?)?
            .checked_add((inner.count - 1).checked_mul(inner.rows)?)?
            .checked_add(self.run)?
            .checked_add((blocks - 1).checked_mul(self.rows_of_block)?)?;
        Some(
            low >= 0
                && high.unsigned_abs() <= self.x.len()
                && rows.checked_mul(lanes)? <= self.weights.len(),
        )
    }

    /// Calls `run` for each run of the sum of position `position`, in order, with the index of its
    /// first element in `x` and of its first row.
    #[inline(always)]
    pub(super) fn each_run(&self, position: usize, mut run: impl FnMut(usize, usize)) {
        let mut line = self.start.wrapping_add(position.wrapping_mul(self.from));
        let mut rows = self.row;
        // A sweep that passed `is_inside` has at least one of each, so the compiler need not handle
        // the case of none.
        let mut outer = self.outer.count;
        loop {
            let (mut x, mut row) = (line, rows);
            let mut inner = self.inner.count;
            loop {
                run(x, row);
                inner = inner.wrapping_sub(1);
                if inner == 0 {
                    break;
                }
                x = x.wrapping_add(self.inner.x);
                row = row.wrapping_add(self.inner.rows);
            }
            outer = outer.wrapping_sub(1);
            if outer == 0 {
                break;
            }
            line = line.wrapping_add(self.outer.x);
            rows = rows.wrapping_add(self.outer.rows);
        }
    }
}
