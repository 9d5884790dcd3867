//! A convolution or transposed convolution, in one or two dimensions, as a few matrix products.
//!
//! The one idea: lay the samples of a batch one after the other, channels last, with gaps of zeros that two neighbours
//! share. Then the value at offset `(dy, dx)` from a position stands a fixed number of rows from it, whatever the
//! position, and the taps along a line are *one* matrix whose rows overlap:
//!
//! ```text
//! z[q] = sum over runs of  rows[q + offset .. q + offset + taps] (side by side)  x  weights of those taps
//! ```
//!
//! A convolution has one run a line of its kernel. A transposed convolution of stride s falls into s^d phases (outputs
//! with one remainder by s), each a convolution of its input with every s-th tap: no product with a stuffed zero.

/// Positions along the two axes; a sequence has height 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Grid {
    /// Lines.
    pub height: usize,
    /// Positions on a line.
    pub width: usize,
}

impl Grid {
    /// One position.
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

/// Neighbouring taps along a line: one matrix product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    /// Lines from the output's position to the taps'.
    line: isize,
    /// Positions from the output's to the first tap's.
    first: isize,
    /// The taps by their place in the weight's first dimension.
    pub(crate) taps: Vec<usize>,
}

/// The outputs with one remainder by the stride.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phase {
    remainder: Grid,
    /// How many outputs there are along each axis.
    size: Grid,
    /// The products that are summed.
    pub(crate) runs: Vec<Run>,
    /// Rows of a sample and positions of the output.
    pub(crate) outputs: Vec<Span>,
}

/// What a plan is of.
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
    /// Taps along the two axes.
    pub(crate) kernel: Grid,
    /// Positions that come in.
    pub(crate) input: Grid,
    /// Positions that go out.
    pub(crate) output: Grid,
    /// Positions on which the products run: the output's for a convolution, the input's for a transposed one.
    pub(crate) domain: Grid,
    /// The input's position that each position of the domain reads.
    sources: Vec<usize>,
    /// Rows of a sample and positions of the input.
    pub(crate) domain_spans: Vec<Span>,
    /// The input's position that each output's identity reads.
    identity: Vec<usize>,
    /// Positions of the output and positions of the input.
    pub(crate) identity_spans: Vec<Span>,
    /// Lines and positions between neighbours.
    pad: Grid,
    pub(crate) stride: Grid,
    pub(crate) phases: Vec<Phase>,
}

impl Plan {
    /// Returns the convolution of stride 1 on the input resized to `output`, padded by half the kernel on each side.
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

    /// Returns the transposed convolution padded by half the (odd) kernel, cut to `output` or followed by zeros.
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
                // A phase that no tap meets has no run: its outputs are the bias.
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

    /// Whether as many positions go out as come in, each from its own.
    #[must_use]
    pub fn keeps_size(&self) -> bool {
        self.input == self.output
    }

    /// Rows of zeros before the first sample, and after the last.
    pub(crate) fn margin(&self) -> usize {
        self.pad.height * self.line() + self.pad.width
    }

    /// Rows of a sample, the gap after it included.
    pub(crate) fn sample(&self) -> usize {
        (self.domain.height + self.pad.height) * self.line()
    }

    fn line(&self) -> usize {
        self.domain.width + self.pad.width
    }

    /// Returns where the input's positions stand among the rows of a sample.
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

    /// Returns where the outputs of a phase stand among the rows of a sample.
    fn output_spans(&self, phase: &Phase) -> Vec<Span> {
        let (size, line, width) = (phase.size, self.line(), self.output.width);
        let (stride, remainder) = (self.stride, phase.remainder);
        spans((0..size.positions()).map(|p| {
            let (y, x) = (p / size.width, p % size.width);
            let place = (y * stride.height + remainder.height) * width;
            (y * line + x, place + x * stride.width + remainder.width)
        }))
    }

    /// Returns the rows from an output's position to the first tap of a run, at least minus the margin.
    pub(crate) fn offset(&self, run: &Run) -> isize {
        run.line * self.line() as isize + run.first
    }

    /// Finds the spans, once everything else is known.
    fn complete(mut self) -> Self {
        self.domain_spans = self.domain_spans();
        self.identity_spans = spans(self.identity.iter().copied().enumerate());
        for number in 0..self.phases.len() {
            self.phases[number].outputs = self.output_spans(&self.phases[number]);
        }
        self
    }
}

/// Neighbours that stay neighbours: row `row + k` is position `place + k` for `k` in `0..count`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) row: usize,
    pub(crate) place: usize,
    pub(crate) count: usize,
}

/// Joins pairs of row and place into as few spans as they come in.
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
    /// Outputs.
    count: usize,
    /// From an output `s j + r` to the position of the first tap, less `j`.
    first: isize,
    /// The taps, from that position on.
    taps: Vec<usize>,
}

/// Splits an axis into phases: output `s j + r` meets tap `t` at input `j + d` where `t = r + kernel / 2 - s d`.
fn axis(input: usize, output: usize, kernel: usize, stride: usize) -> Vec<Axis> {
    let natural = (input - 1) * stride + kernel - 2 * (kernel / 2);
    let computed = natural.min(output);
    let phase = |remainder: usize| {
        let reach = remainder + kernel / 2;
        // From the largest tap of this phase, which lies furthest to the left, down to the smallest.
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

/// Returns the position below, on each axis, that nearest neighbour takes: `floor(p n / length)`.
fn nearest(input: Grid, output: Grid) -> Vec<usize> {
    (0..output.positions())
        .map(|p| {
            let (y, x) = (p / output.width, p % output.width);
            y * input.height / output.height * input.width + x * input.width / output.width
        })
        .collect()
}
