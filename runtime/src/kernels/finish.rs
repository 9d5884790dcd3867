//! The last steps on a layer's sums, while they are still in registers.

use super::blocks::FULL;
use crate::index::{along, numbered};
use crate::simd::Vector;

/// How a layer's sums become its values: activation and residual, fused into the layer to save a
/// pass over memory.
///
/// The residual is another value of the layer's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The sums themselves.
    Nothing,
    /// `relu(sum)`
    Relu,
    /// `sum + residual`
    Add,
    /// `relu(sum) + residual`
    ReluAdd,
    /// `relu(sum + residual)`
    AddRelu,
}

/// [`Then`] with the residual's slice.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    pub(super) then: Then,
    pub(super) residual: &'a [f32],
    /// Whether a negative zero becomes positive.
    pub(super) positive_zero: bool,
}

impl Finish<'_> {
    /// Whether the residual is added.
    #[inline(always)]
    pub(super) fn adds(&self) -> bool {
        matches!(self.then, Then::Add | Then::ReluAdd | Then::AddRelu)
    }

    /// Turns the sums of a tile into values. `start` is the index of the residual of the first
    /// position's first output; that of the next position is `step` further, and that of the next
    /// block one block's lanes further.
    #[inline(always)]
    pub(super) fn apply<
        V: Vector,
        const POSITIONS: usize,
        const BLOCKS: usize,
        const VECTORS: usize,
    >(
        &self,
        sums: &mut [[[V; VECTORS]; BLOCKS]; POSITIONS],
        start: usize,
        step: usize,
        lanes: usize,
    ) {
        if self.positive_zero {
            each(sums, |sum| sum.add(V::splat(0.0)));
        }
        if matches!(self.then, Then::Relu | Then::ReluAdd) {
            each(sums, V::relu);
        }
        if self.adds() {
            for (k, sums) in numbered(sums.iter_mut()) {
                let start = start.wrapping_add(k.wrapping_mul(step));
                for (block, sums) in numbered(sums.iter_mut()) {
                    for (vector, sum) in numbered(sums.iter_mut()) {
                        let place = along(along(start, block, lanes), vector, V::LANES);
                        *sum = sum.add(loaded(self.residual, place));
                    }
                }
            }
        }
        if self.then == Then::AddRelu {
            each(sums, V::relu);
        }
    }
}

/// Maps every sum of a tile.
#[inline(always)]
fn each<V: Vector, const POSITIONS: usize, const BLOCKS: usize, const VECTORS: usize>(
    sums: &mut [[[V; VECTORS]; BLOCKS]; POSITIONS],
    change: impl Fn(V) -> V,
) {
    for sum in sums.as_flattened_mut().as_flattened_mut() {
        *sum = change(*sum);
    }
}

/// A vector of the elements from `start` on, zeros past the last.
#[inline(always)]
pub(super) fn loaded<V: Vector>(numbers: &[f32], start: usize) -> V {
    let numbers = numbers.get(start..).unwrap_or_default();
    if numbers.len() >= V::LANES {
        return V::load(numbers);
    }
    V::load(&padded(numbers))
}

#[cold]
#[inline(never)]
fn padded(numbers: &[f32]) -> [f32; FULL] {
    let mut padded = [0.0; FULL];
    for (padded, &number) in padded.iter_mut().zip(numbers) {
        *padded = number;
    }
    padded
}
