//! The product of overlapping windows with the weights of a run, on several rows at once if there
//! are few channels.
//!
//! A matrix product vectorises along its columns. If the `C` output channels do not fill a vector,
//! `R` neighbouring rows are treated as one row of `R C` columns. Their windows together span
//! `taps + R - 1` positions, and their weights form a band of copies:
//!
//! ```text
//! | W0      |
//! | W1 W0   |      taps = 2, R = 2: (w0 w1 w2) -> (w0 W0 + w1 W1, w1 W0 + w2 W1)
//! |    W1   |
//! ```

use super::matmul::{View, Write, multiply};
use super::real::{Buffer, Real};
use super::shared::add;

/// Maximum number of rows taken at once; buffers of rows have this many spare rows at their ends.
pub(super) const MOST_ROWS: usize = 16;

/// The layout of the products of one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Band {
    taps: usize,
    from: usize,
    to: usize,
    rows: usize,
}

impl Band {
    /// Returns the fastest layout for windows of `taps` positions that map `from` channels to `to`.
    ///
    /// On one core with 512-bit vectors, `gemm` was measured at about 4 multiply-accumulates per
    /// nanosecond and column up to 32 columns, without further gain beyond.
    pub(super) fn new(taps: usize, from: usize, to: usize) -> Self {
        let cost = |rows: usize| (taps + rows - 1) as f64 / (rows * to).min(32) as f64;
        let choices = [1, 2, 4, 8, MOST_ROWS].into_iter();
        let rows = choices
            .min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
            .unwrap_or(1);
        Self {
            taps,
            from,
            to,
            rows,
        }
    }

    /// Values in a window.
    fn inner(self) -> usize {
        (self.taps + self.rows - 1) * self.from
    }

    /// Values in the rows taken at once.
    fn outer(self) -> usize {
        self.rows * self.to
    }

    /// Returns the band matrix of a run's weights, with each tap as `[from][to]`.
    pub(super) fn packed<'a, T: Real>(self, taps: impl Iterator<Item = &'a [T]>) -> Buffer<T> {
        let mut packed = Buffer::zeros(self.inner() * self.outer());
        for (tap, weight) in taps.enumerate() {
            for row in 0..self.rows {
                for (channel, weight) in weight.chunks_exact(self.to).enumerate() {
                    let line = (tap + row) * self.from + channel;
                    packed[line * self.outer() + row * self.to..][..self.to]
                        .copy_from_slice(weight);
                }
            }
        }
        packed
    }

    /// Writes `windows(source) packed` into the first `count` rows of `target`, or adds it there.
    ///
    /// *Shapes*: `source: [count + taps - 1 + MOST_ROWS][from]`, `target: [count + MOST_ROWS][to]`,
    /// or longer; up to `MOST_ROWS - 1` rows more are written.
    pub(super) fn multiply<T: Real>(
        self,
        target: &mut [T],
        write: Write,
        source: &[T],
        packed: &[T],
        count: usize,
    ) {
        let lines = count.div_ceil(self.rows);
        let windows = View::new(source, lines, self.inner(), self.rows * self.from);
        let packed = View::new(packed, self.inner(), self.outer(), self.outer());
        multiply(&mut target[..lines * self.outer()], write, windows, packed);
    }

    /// Adds `windows(source)^T gradient` to the weight gradients of a run.
    ///
    /// *Shapes*: as [`Band::multiply`]; rows of `gradient` beyond `count` are zero. `each` is
    /// called with the index of a tap in the run and its gradient, `[from][to]`.
    pub(super) fn gradients<T: Real>(
        self,
        source: &[T],
        gradient: &[T],
        count: usize,
        mut each: impl FnMut(usize, &[T]),
    ) {
        let lines = count.div_ceil(self.rows);
        let windows = View::new(source, lines, self.inner(), self.rows * self.from);
        let gradient = View::new(gradient, lines, self.outer(), self.outer());
        let mut found = Buffer::stale(self.inner() * self.outer());
        multiply(&mut found, Write::Replace, windows.transposed(), gradient);
        if self.rows == 1 {
            let taps = found.chunks_exact(self.from * self.to).enumerate();
            taps.for_each(|(tap, found)| each(tap, found));
            return;
        }
        let mut sum = Buffer::stale(self.from * self.to);
        for tap in 0..self.taps {
            sum.fill(T::default());
            for row in 0..self.rows {
                for (channel, sum) in sum.chunks_exact_mut(self.to).enumerate() {
                    let line = (tap + row) * self.from + channel;
                    add(
                        sum,
                        &found[line * self.outer() + row * self.to..][..self.to],
                    );
                }
            }
            each(tap, &sum);
        }
    }
}
