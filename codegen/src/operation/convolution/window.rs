//! The sum of all convolutions: an output sums the input positions that it sees through the taps.
//!
//! `y[r][c][o] = bias[o] + sum_s sum_t sum_i x[q(r, s)][p(c, t)][i] * weight[s][t][i][o]`, starting
//! from the bias, with rows of taps, taps, then channels ascending; taps that see no input position
//! are skipped. A sum ends in `+ 0.0`, so that no value is a negative zero, whatever the signs of
//! the zeros summed. A sequence is an image of one row.

use crate::graph::{ParameterId, Parameters, Real};
use crate::operation::convolution::Kernel;

/// The input positions that are seen along one axis.
#[derive(Clone, Copy)]
pub(crate) enum Axis {
    /// Inputs and outputs of the same length: output `p` sees `p + t - K / 2` through tap `t`.
    Kept {
        /// Positions.
        length: usize,
    },
    /// Inputs a stride apart: output `p` sees `q` through tap `t` where
    /// `q * stride = p + K / 2 - t`. Outputs beyond the natural length see no input and are plain
    /// zeros, without the bias.
    Spread {
        /// Positions of the input.
        from: usize,
        /// Positions of the output.
        to: usize,
        /// Distance of neighbouring input positions in the output.
        stride: usize,
    },
}

impl Axis {
    /// Across a sequence.
    pub(crate) const ONE: Self = Self::Kept { length: 1 };

    /// Positions of the input.
    fn from(self) -> usize {
        match self {
            Self::Kept { length } => length,
            Self::Spread { from, .. } => from,
        }
    }

    /// Positions of the output.
    fn to(self) -> usize {
        match self {
            Self::Kept { length } => length,
            Self::Spread { to, .. } => to,
        }
    }

    /// Positions of the output that are computed, not padded with zeros.
    fn computed(self) -> usize {
        match self {
            Self::Kept { length } => length,
            Self::Spread { from, to, stride } => to.min((from - 1) * stride + 1),
        }
    }

    /// The input position that an output position sees through a tap, if any.
    fn source(self, position: usize, tap: usize, taps: usize) -> Option<usize> {
        let source = match self {
            Self::Kept { .. } => (position + tap).checked_sub(taps / 2)?,
            Self::Spread { stride, .. } => {
                let stretched = (position + taps / 2).checked_sub(tap)?;
                stretched
                    .is_multiple_of(stride)
                    .then(|| stretched / stride)?
            }
        };
        (source < self.from()).then_some(source)
    }

    /// The number of pairs of an output position and a tap that see an input.
    fn pairs(self, taps: usize) -> u64 {
        let of_tap = |tap: usize| match self {
            Self::Kept { length } => length.saturating_sub(tap.abs_diff(taps / 2)),
            Self::Spread { from, stride, .. } => {
                // Input q is seen by output q * stride + tap - taps / 2, if that is computed.
                let below = |end: usize| end.div_ceil(stride).min(from);
                let computed = self.computed();
                match tap.checked_sub(taps / 2) {
                    Some(right) => below(computed.saturating_sub(right)),
                    None => {
                        let left = taps / 2 - tap;
                        below(computed + left) - below(left)
                    }
                }
            }
        };
        (0..taps).map(|tap| of_tap(tap) as u64).sum()
    }
}

/// A convolution of any kind.
pub(crate) struct Window<'a> {
    kernel: Kernel,
    weight: &'a [f32],
    bias: &'a [f32],
    /// Along rows and columns.
    axes: [Axis; 2],
}

impl<'a> Window<'a> {
    pub(crate) fn new(
        parameters: &'a Parameters,
        [weight, bias]: [ParameterId; 2],
        axes: [Axis; 2],
    ) -> Self {
        Self {
            kernel: Kernel::of(parameters, weight),
            weight: parameters.values(weight),
            bias: parameters.values(bias),
            axes,
        }
    }

    /// Products that are summed.
    pub(crate) fn macs(&self) -> u64 {
        let Kernel {
            taps,
            inputs,
            outputs,
        } = self.kernel;
        let pairs = self.axes[0].pairs(taps[0]) * self.axes[1].pairs(taps[1]);
        pairs * (inputs * outputs) as u64
    }

    /// The whole result.
    pub(crate) fn evaluate<R: Real>(&self, x: &[R]) -> Vec<R> {
        let [vertical, horizontal] = self.axes;
        let mut y = Vec::with_capacity(vertical.to() * horizontal.to() * self.kernel.outputs);
        for row in 0..vertical.to() {
            for column in 0..horizontal.to() {
                let computed = row < vertical.computed() && column < horizontal.computed();
                for o in 0..self.kernel.outputs {
                    y.push(if computed {
                        self.sum(x, row, column, o)
                    } else {
                        R::from_f32(0.0)
                    });
                }
            }
        }
        y
    }

    /// One value of the result.
    fn sum<R: Real>(&self, x: &[R], row: usize, column: usize, o: usize) -> R {
        let Kernel {
            taps: [rows, columns],
            inputs,
            outputs,
        } = self.kernel;
        let [vertical, horizontal] = self.axes;
        let mut sum = R::from_f32(self.bias[o]);
        for s in 0..rows {
            let Some(q) = vertical.source(row, s, rows) else {
                continue;
            };
            for t in 0..columns {
                let Some(p) = horizontal.source(column, t, columns) else {
                    continue;
                };
                for i in 0..inputs {
                    let weight = self.weight[((s * columns + t) * inputs + i) * outputs + o];
                    let x = x[(q * horizontal.from() + p) * inputs + i];
                    sum = x.fma(R::from_f32(weight), sum);
                }
            }
        }
        sum.add(R::from_f32(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_as_many_as_one_counts() {
        let counted = |axis: Axis, taps: usize| {
            let seen =
                |position| (0..taps).filter(move |&tap| axis.source(position, tap, taps).is_some());
            let positions = 0..axis.computed();
            positions
                .map(|position| seen(position).count() as u64)
                .sum::<u64>()
        };
        for taps in [1, 3, 5, 9] {
            for length in 1..7 {
                let axis = Axis::Kept { length };
                assert_eq!(axis.pairs(taps), counted(axis, taps));
                for (to, stride) in (1..20).flat_map(|to| (1..5).map(move |stride| (to, stride))) {
                    let axis = Axis::Spread {
                        from: length,
                        to,
                        stride,
                    };
                    assert_eq!(
                        axis.pairs(taps),
                        counted(axis, taps),
                        "{length} {to} {stride} {taps}"
                    );
                }
            }
        }
    }
}
