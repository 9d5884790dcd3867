//! The inner loop's view of a layer.

/// A tile and the run that it accumulates.
pub(super) struct Tile {
    pub(super) positions: usize,
    pub(super) width: usize,
    /// The number of real positions; the last one is computed again in place of missing ones.
    pub(super) left: usize,
    /// The first element of the first position, and elements from one position to the next.
    pub(super) x: *const f32,
    pub(super) from: usize,
    /// The first row's first weight, and the distance of the rows.
    pub(super) weights: *const f32,
    pub(super) lanes: usize,
    /// Elements of each position, and rows; at least one.
    pub(super) run: usize,
    /// The initial values of the first position's sums, and the distance to the next position's:
    /// the bias, with a step of 0, or the sums themselves.
    pub(super) start: *const f32,
    pub(super) start_step: usize,
}
