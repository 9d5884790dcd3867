//! What the inner loop sees of a layer.

/// A tile and the run that it takes.
pub(super) struct Tile {
    pub(super) positions: usize,
    pub(super) width: usize,
    /// Positions that there are; past the last one, it is computed again.
    pub(super) left: usize,
    /// The first number of the first position, and numbers from one position to the next.
    pub(super) x: *const f32,
    pub(super) from: usize,
    /// The first row's first weight, and weights from row to row.
    pub(super) weights: *const f32,
    pub(super) lanes: usize,
    /// Numbers of each position, and rows; at least one.
    pub(super) run: usize,
    /// What the sums of the first position start with, and numbers to the next position's: the bias, with a step of 0, or the
    /// sums themselves.
    pub(super) start: *const f32,
    pub(super) start_step: usize,
}
