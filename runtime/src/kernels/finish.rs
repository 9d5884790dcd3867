//! What happens to a layer's sums on their way out of the registers.

use crate::simd::Vector;
use crate::simd::portable::Portable;

/// How the sums of a layer become its values: fused into the layer, so that no pass over memory is spent on it.
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

/// The same with the residual at hand.
#[derive(Clone, Copy)]
pub(super) struct Finish<'a> {
    pub(super) then: Then,
    /// `[positions][step]`, of which a position's first `outputs` are read.
    pub(super) residual: &'a [f32],
    pub(super) step: usize,
    /// Whether a negative zero becomes a positive one.
    pub(super) positive_zero: bool,
}

impl Finish<'_> {
    /// Writes the first `count` lanes of a sum to `y`, which begins at output `channel` of position `position`.
    #[inline(always)]
    pub(super) fn store<V: Vector>(
        self,
        sum: V,
        y: &mut [f32],
        position: usize,
        channel: usize,
        count: usize,
    ) {
        let sum = if self.positive_zero {
            sum.add(V::splat(0.0))
        } else {
            sum
        };
        let sum = match self.then {
            Then::Relu | Then::ReluAdd => sum.relu(),
            _ => sum,
        };
        let sum = match self.then {
            Then::Nothing | Then::Relu => sum,
            Then::Add | Then::ReluAdd | Then::AddRelu => {
                let start = position.saturating_mul(self.step).saturating_add(channel);
                sum.add(loaded(self.residual, start))
            }
        };
        let sum = match self.then {
            Then::AddRelu => sum.relu(),
            _ => sum,
        };
        if count >= V::LANES {
            sum.store(y);
        } else {
            let mut lanes = Portable([0.0; 8]).0;
            sum.store(&mut lanes);
            for (y, lane) in y.iter_mut().zip(lanes).take(count) {
                *y = lane;
            }
        }
    }
}

/// A vector of the numbers from `start` on, zeros past the last.
#[inline(always)]
pub(super) fn loaded<V: Vector>(numbers: &[f32], start: usize) -> V {
    let numbers = numbers.get(start..).unwrap_or_default();
    if numbers.len() >= V::LANES {
        return V::load(numbers);
    }
    let mut padded = [0.0; 8];
    for (padded, &number) in padded.iter_mut().zip(numbers) {
        *padded = number;
    }
    V::load(&padded)
}
