//! The common structure of dense layers and all convolutions: slices and sizes.

use super::axis::Axis;
use super::finish::Finish;

/// A layer restricted to the outputs of one phase.
///
/// *Shapes*: `x: [vertical.length][horizontal.length][from]`, of which a position's first `inputs`
/// are read; `weights`: blocks; `bias: [outputs]`; `y: [rows][columns][to]`, of which a position's
/// first `outputs` are written; the residual: `[rows][columns][residual_step]`.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) x: &'a [f32],
    pub(super) weights: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) columns: usize,
    /// Taps along the horizontal axis and in all.
    pub(super) row_of_taps: usize,
    pub(super) taps: usize,
    pub(super) vertical: Axis,
    pub(super) horizontal: Axis,
    pub(super) residual_step: usize,
    pub(super) finish: Finish<'a>,
}
