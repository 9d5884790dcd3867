//! A convolution or transposed convolution, in one or two dimensions, as a few matrix products.
//!
//! The samples of a batch are laid out one after the other, channels last, and neighbours share
//! gaps of zeros between them. The value at offset `(dy, dx)` from a position is then always the
//! same number of rows away, and the taps along a line are *one* matrix product with overlapping
//! rows:
//!
//! ```text
//! z[q] = sum over runs of  rows[q + offset .. q + offset + taps] (side by side)
//!                          x  weights of those taps
//! ```
//!
//! A convolution has one run for each line of its kernel. A transposed convolution of stride s
//! splits into s^d phases (the outputs of equal remainder modulo s). Each phase is a convolution of
//! the input with every s-th tap, without products with stuffed zeros.

/// Number of positions along the two axes; a sequence has height 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grid {
    /// Number of lines.
    pub height: usize,
    /// Number of positions per line.
    pub width: usize,
}

impl Grid {
    /// A single position.
    pub const POINT: Self = Self {
        height: 1,
        width: 1,
    };

    /// Returns the number of positions.
    #[must_use]
    pub fn positions(self) -> usize {
        self.height * self.width
    }
}

/// Consecutive taps along a line: one matrix product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// Offset from the output's line to that of the taps.
    line: isize,
    /// Offset along the line from the output to the first tap.
    first: isize,
    /// Indices of the taps in the first dimension of the weight.
    pub(crate) taps: Vec<usize>,
}

/// The outputs of equal remainder modulo the stride.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phase {
    remainder: Grid,
    /// Number of outputs along each axis.
    size: Grid,
    /// The matrix products to sum.
    pub(crate) runs: Vec<Run>,
    /// Maps rows of a sample to positions of the output.
    pub(crate) outputs: Vec<Span>,
}

/// The kind of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Resize,
    Convolution,
    Transposed,
}

/// The plan of one operation between two grids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub(crate) kind: Kind,
    /// Number of taps along the two axes.
    pub(crate) kernel: Grid,
    /// Positions of the input.
    pub(crate) input: Grid,
    /// Positions of the output.
    pub(crate) output: Grid,
    /// Positions on which the products run: those of the output for a convolution, those of the
    /// input for a transposed one.
    pub(crate) domain: Grid,
    /// For each position of the domain, the position of the input that it reads.
    sources: Vec<usize>,
    /// Maps rows of a sample to positions of the input.
    pub(crate) domain_spans: Vec<Span>,
    /// For each output, the position of the input that the identity reads.
    identity: Vec<usize>,
    /// Maps positions of the output to positions of the input.
    pub(crate) identity_spans: Vec<Span>,
    /// Zero padding between neighbours, along lines and within them.
    pad: Grid,
    pub(crate) stride: Grid,
    pub(crate) phases: Vec<Phase>,
}

impl Plan {
    /// Returns the convolution of stride 1 on the input resized to `output`, padded by half the
    /// kernel on each side.
    #[must_use]
    pub fn convolution(input: Grid, output: Grid, kernel: Grid) -> Self {
        let runs = (0..kernel.height).map(|line| Run {
            line: line as isize - (kernel.height / 2) as isize,
            first: -((kernel.width / 2) as isize),
            taps: (0..kernel.width)
                .map(|tap| line * kernel.width + tap)
                .collect(),
        });
        let identity = nearest(input, output);
        Self {
            kind: Kind::Convolution,
            kernel,
            input,
            output,
            domain: output,
            sources: identity.clone(),
            identity,
            domain_spans: Vec::new(),
            identity_spans: Vec::new(),
            pad: Grid {
                height: kernel.height / 2,
                width: kernel.width / 2,
            },
            stride: Grid::POINT,
            phases: vec![Phase {
                remainder: Grid {
                    height: 0,
                    width: 0,
                },
                size: output,
                runs: runs.collect(),
                outputs: Vec::new(),
            }],
        }
        .complete()
    }

    /// Returns the transposed convolution padded by half the (odd) kernel, cropped or zero-padded
    /// to `output`.
    #[must_use]
    pub fn transposed(input: Grid, output: Grid, kernel: Grid, stride: Grid) -> Self {
        let lines = axis(input.height, output.height, kernel.height, stride.height);
        let columns = axis(input.width, output.width, kernel.width, stride.width);
        let mut phases = Vec::new();
        for (y, line) in lines.iter().enumerate() {
            for (x, column) in columns.iter().enumerate() {
                let size = Grid {
                    height: line.count,
                    width: column.count,
                };
                // A phase without taps has no run: its outputs are the bias.
                let runs = line.taps.iter().enumerate().map(|(k, tap_y)| Run {
                    line: line.first + k as isize,
                    first: column.first,
                    taps: column
                        .taps
                        .iter()
                        .map(|tap_x| tap_y * kernel.width + tap_x)
                        .collect(),
                });
                let runs = runs.filter(|run| !run.taps.is_empty());
                phases.push(Phase {
                    remainder: Grid {
                        height: y,
                        width: x,
                    },
                    size,
                    runs: runs.collect(),
                    outputs: Vec::new(),
                });
            }
        }
        let reach = |axis: &[Axis]| {
            let ends = axis
                .iter()
                .flat_map(|phase| [phase.first, phase.first + phase.taps.len() as isize - 1]);
            ends.map(isize::unsigned_abs).max().unwrap_or(0)
        };
        Self {
            kind: Kind::Transposed,
            kernel,
            input,
            output,
            domain: input,
            sources: (0..input.positions()).collect(),
            identity: nearest(input, output),
            domain_spans: Vec::new(),
            identity_spans: Vec::new(),
            pad: Grid {
                height: reach(&lines),
                width: reach(&columns),
            },
            stride,
            phases,
        }
        .complete()
    }

    /// Returns the plan of the identity alone, resized by nearest neighbour.
    #[must_use]
    pub fn resize(input: Grid, output: Grid) -> Self {
        Self {
            kind: Kind::Resize,
            phases: Vec::new(),
            ..Self::convolution(input, output, Grid::POINT)
        }
    }

    /// Whether the identity maps every position to itself.
    #[must_use]
    pub fn keeps_size(&self) -> bool {
        self.input == self.output
    }

    /// Rows of zeros before the first sample and after the last.
    pub(crate) fn margin(&self) -> usize {
        self.pad.height * self.line() + self.pad.width
    }

    /// Rows of a sample, including the gap after it.
    pub(crate) fn sample(&self) -> usize {
        (self.domain.height + self.pad.height) * self.line()
    }

    fn line(&self) -> usize {
        self.domain.width + self.pad.width
    }

    /// Returns the spans of the input's positions in the rows of a sample.
    fn domain_spans(&self) -> Vec<Span> {
        let (width, line) = (self.domain.width, self.line());
        let row = |p: usize| p / width * line + p % width;
        spans(
            self.sources
                .iter()
                .enumerate()
                .map(|(p, &source)| (row(p), source)),
        )
    }

    /// Returns the spans of a phase's outputs in the rows of a sample.
    fn output_spans(&self, phase: &Phase) -> Vec<Span> {
        let (size, line, width) = (phase.size, self.line(), self.output.width);
        let (stride, remainder) = (self.stride, phase.remainder);
        spans((0..size.positions()).map(|p| {
            let (y, x) = (p / size.width, p % size.width);
            let place = (y * stride.height + remainder.height) * width;
            (y * line + x, place + x * stride.width + remainder.width)
        }))
    }

    /// Returns the offset in rows from an output to the first tap of a run; at least minus the
    /// margin.
    pub(crate) fn offset(&self, run: &Run) -> isize {
        run.line * self.line() as isize + run.first
    }

    /// Fills in the spans once all other fields are set.
    fn complete(mut self) -> Self {
        self.domain_spans = self.domain_spans();
        self.identity_spans = spans(self.identity.iter().copied().enumerate());
        for number in 0..self.phases.len() {
            self.phases[number].outputs = self.output_spans(&self.phases[number]);
        }
        self
    }
}

/// A contiguous range: row `row + k` is position `place + k` for `k` in `0..count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) row: usize,
    pub(crate) place: usize,
    pub(crate) count: usize,
}

/// Merges pairs of row and place into the fewest spans, in order.
fn spans(pairs: impl Iterator<Item = (usize, usize)>) -> Vec<Span> {
    let mut all: Vec<Span> = Vec::new();
    for (row, place) in pairs {
        match all.last_mut() {
            Some(last) if last.row + last.count == row && last.place + last.count == place => {
                last.count += 1;
            }
            _ => all.push(Span {
                row,
                place,
                count: 1,
            }),
        }
    }
    all
}

/// One phase along one axis of a transposed convolution.
struct Axis {
    /// Number of outputs.
    count: usize,
    /// Position of the first tap of output `s j + r`, minus `j`.
    first: isize,
    /// The taps, starting from that position.
    taps: Vec<usize>,
}

/// Splits an axis into phases: output `s j + r` meets tap `t` at input `j + d`, where
/// `t = r + kernel / 2 - s d`.
fn axis(input: usize, output: usize, kernel: usize, stride: usize) -> Vec<Axis> {
    let natural = (input - 1) * stride + kernel - 2 * (kernel / 2);
    let computed = natural.min(output);
    let phase = |remainder: usize| {
        let reach = remainder + kernel / 2;
        // Taps of this phase from the largest, which lies furthest to the left, to the smallest.
        let taps: Vec<usize> = (0..kernel)
            .rev()
            .filter(|t| t % stride == reach % stride)
            .collect();
        let first = taps
            .first()
            .map_or(0, |&tap| (reach as isize - tap as isize) / stride as isize);
        Axis {
            count: (computed + stride - 1).saturating_sub(remainder) / stride,
            first,
            taps,
        }
    };
    (0..stride).map(phase).collect()
}

/// Returns the nearest-neighbour source along each axis, rounded down: `floor(p n / length)`.
fn nearest(input: Grid, output: Grid) -> Vec<usize> {
    (0..output.positions())
        .map(|p| {
            let (y, x) = (p / output.width, p % output.width);
            y * input.height / output.height * input.width + x * input.width / output.width
        })
        .collect()
}
