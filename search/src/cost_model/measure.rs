//! Measurement of the cost model: times chains of each operation in the executor, which calls the
//! kernels of frozen code.
//!
//! The time of an operation is the time difference between a long chain and a chain of one, divided
//! by the number of additional operations; the overhead of a call cancels. The minimum over many
//! turns is used. Guard and statistics are timed separately. The rates minimise the squared
//! relative errors, subject to being non-negative.

use super::{CostModel, Kind, Rates, Work, store};
use crate::error::{Result, bail};
use dense_codegen::emulator::{InputVariable, Layout, Outputs};
use dense_codegen::executor::Executor;
use dense_codegen::graph::{
    Activation, Add, Conv1d, Conv2d, Dense, Function, Graph, Inverse, Logarithm, Multiply, NodeId,
    Operation, Rescale, Resize, Resize2d, Shape, Standardise, Transform, TransposedConv1d,
    TransposedConv2d,
};
use dense_codegen::{Calibration, Emulator, EmulatorParts, Local};
use dense_runtime::domain::{self, Range, Ranges};
use dense_runtime::ensemble;
use dense_runtime::kernels::transpose::transpose;
use dense_runtime::status::Status;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Number of inputs of the measured graphs.
const INPUTS: usize = 3;
/// Additional operations of the longer chain.
const LONGER: usize = 8;
/// Number of turns over which the minimum is taken.
const TURNS: usize = 25;
/// Approximate duration of a turn, which determines its number of calls.
const TURN: Duration = Duration::from_micros(60);

/// A measured operation: its work and its nanoseconds.
type Sample = (Work, f64);

/// Measures this machine in about a second.
///
/// # Errors
/// Only internal ones: the measured graphs are well formed.
pub fn measure() -> Result<CostModel> {
    let mut samples: BTreeMap<Kind, Vec<Sample>> = BTreeMap::new();
    for (shape, chain) in chains() {
        let (work, nanoseconds) = chain_sample(shape, chain)?;
        samples
            .entry(work.kind)
            .or_default()
            .push((work, nanoseconds));
    }
    for (work, nanoseconds) in [guard(), transposes(), statistics()].concat() {
        samples
            .entry(work.kind)
            .or_default()
            .push((work, nanoseconds));
    }
    let rates = samples.iter().map(|(&kind, samples)| (kind, fit(samples)));
    Ok(CostModel {
        machine: store::machine(),
        measured: store::now(),
        rates: rates.collect(),
    })
}

/// The operation that a chain repeats on a value of some shape.
#[derive(Debug, Clone, Copy)]
enum Chain {
    /// A dense layer to another number of values, and one back.
    Dense {
        from: usize,
        to: usize,
    },
    Conv {
        kernel: usize,
    },
    TransposedConv {
        kernel: usize,
    },
    /// A resize to half of the positions, and one back.
    Resize,
    Add,
    Multiply,
    Activation(Function),
    Transform(Inverse),
    Rescale,
    Logarithm,
    Standardise,
}

fn chains() -> Vec<(Shape, Chain)> {
    let dense = [
        (8, 8),
        (8, 64),
        (16, 64),
        (32, 32),
        (64, 64),
        (64, 16),
        (128, 128),
        (48, 250),
        (64, 250),
        (250, 250),
        (48, 1000),
    ];
    let mut all: Vec<_> = dense
        .into_iter()
        .map(|(from, to)| (Shape::Vector(from), Chain::Dense { from, to }))
        .collect();
    let sequence = |length, channels| Shape::Sequence { length, channels };
    let image = |side, channels| Shape::Image {
        height: side,
        width: side,
        channels,
    };
    let positions = [
        sequence(16, 8),
        sequence(64, 8),
        sequence(250, 1),
        sequence(250, 4),
        sequence(32, 32),
        sequence(16, 64),
        sequence(126, 16),
        image(9, 8),
        image(17, 8),
        image(33, 8),
        image(65, 1),
        image(12, 32),
        image(33, 2),
    ];
    for shape in positions {
        for kernel in [1, 3, 5] {
            all.push((shape, Chain::Conv { kernel }));
            all.push((shape, Chain::TransposedConv { kernel }));
        }
        all.push((shape, Chain::Resize));
    }
    let elementwise = [
        Chain::Add,
        Chain::Multiply,
        Chain::Activation(Function::Relu),
        Chain::Activation(Function::Silu),
        Chain::Activation(Function::Tanh),
        Chain::Activation(Function::Sine),
        Chain::Transform(Inverse::Exp),
        Chain::Transform(Inverse::Sinh),
        Chain::Rescale,
        Chain::Standardise,
    ];
    for size in [3, 16, 64, 250, 1000, 4000] {
        all.extend(elementwise.map(|chain| (Shape::Vector(size), chain)));
    }
    for size in [1, 3, 8, 14, 30] {
        all.push((Shape::Vector(size), Chain::Logarithm));
    }
    all
}

/// A graph that grows by one operation of a chain at a time.
struct Draft {
    graph: Graph,
    arrays: usize,
}

impl Draft {
    /// Returns parameters that keep values of moderate size through a chain.
    fn array(&mut self, shape: &[usize], scale: f32) -> Result<dense_codegen::graph::ParameterId> {
        self.arrays += 1;
        let count: usize = shape.iter().product();
        let values = (0..count).map(|k| scale * (0.5 + ((k * 7 + self.arrays) % 11) as f32 / 11.0));
        Ok(self
            .graph
            .parameter(&format!("array {}", self.arrays), shape, values.collect())?)
    }

    fn dense(&mut self, node: NodeId, output: Shape) -> Result<NodeId> {
        let (from, to) = (self.graph.shape(node).size(), output.size());
        let operation = Operation::Dense(Dense {
            weight: self.array(&[from, to], 1.0 / from as f32)?,
            bias: self.array(&[to], 0.1)?,
            output,
        });
        Ok(self.graph.push(operation, &[node])?)
    }

    fn step(&mut self, chain: Chain, node: NodeId) -> Result<NodeId> {
        let shape = self.graph.shape(node);
        let size = shape.size();
        let operation = match (chain, shape) {
            (Chain::Dense { from, to }, _) => {
                return self.dense(node, Shape::Vector(if size == from { to } else { from }));
            }
            (Chain::Conv { kernel }, Shape::Sequence { channels, .. }) => {
                let scale = 1.0 / (kernel * channels) as f32;
                Operation::Conv1d(Conv1d {
                    weight: self.array(&[kernel, channels, channels], scale)?,
                    bias: self.array(&[channels], 0.1)?,
                })
            }
            (Chain::Conv { kernel }, Shape::Image { channels, .. }) => {
                let scale = 1.0 / (kernel * kernel * channels) as f32;
                Operation::Conv2d(Conv2d {
                    weight: self.array(&[kernel, kernel, channels, channels], scale)?,
                    bias: self.array(&[channels], 0.1)?,
                })
            }
            (Chain::TransposedConv { kernel }, Shape::Sequence { length, channels }) => {
                let scale = 1.0 / (kernel * channels) as f32;
                Operation::TransposedConv1d(TransposedConv1d {
                    weight: self.array(&[kernel, channels, channels], scale)?,
                    bias: self.array(&[channels], 0.1)?,
                    stride: 2,
                    length,
                })
            }
            (
                Chain::TransposedConv { kernel },
                Shape::Image {
                    height,
                    width,
                    channels,
                },
            ) => {
                let scale = 1.0 / (kernel * kernel * channels) as f32;
                Operation::TransposedConv2d(TransposedConv2d {
                    weight: self.array(&[kernel, kernel, channels, channels], scale)?,
                    bias: self.array(&[channels], 0.1)?,
                    stride: [2; 2],
                    height,
                    width,
                })
            }
            (Chain::Resize, Shape::Image { height, width, .. }) => {
                let (height, width) = match self.before(node) {
                    Some(Shape::Image { height, width, .. }) => (height, width),
                    _ => (height.div_ceil(2), width.div_ceil(2)),
                };
                Operation::Resize2d(Resize2d { height, width })
            }
            (Chain::Resize, _) => {
                let length = match (self.before(node), shape) {
                    (Some(Shape::Sequence { length, .. }), _) => length,
                    (_, Shape::Sequence { length, .. }) => length.div_ceil(2),
                    _ => size,
                };
                Operation::Resize(Resize { length })
            }
            (Chain::Add, _) => return Ok(self.graph.push(Operation::Add(Add), &[node, node])?),
            (Chain::Multiply, _) => {
                return Ok(self
                    .graph
                    .push(Operation::Multiply(Multiply), &[node, node])?);
            }
            (Chain::Activation(function), _) => Operation::Activation(Activation { function }),
            (Chain::Transform(function), _) => Operation::Transform(Transform { function }),
            (Chain::Rescale, _) => Operation::Rescale(Rescale {
                scale: self.array(&[size], 1.0)?,
                offset: self.array(&[size], 0.1)?,
            }),
            (Chain::Standardise, _) => Operation::Standardise(Standardise {
                centre: self.array(&[size], 0.1)?,
                scale: self.array(&[size], 1.0)?,
            }),
            (Chain::Logarithm, _) => Operation::Logarithm(Logarithm {
                mask: vec![true; size],
            }),
            (Chain::Conv { .. } | Chain::TransposedConv { .. }, Shape::Vector(_)) => {
                bail!(Fault, "a vector has no positions")
            }
        };
        Ok(self.graph.push(operation, &[node])?)
    }

    /// Returns the shape before the last step of a chain that alternates between two shapes.
    fn before(&self, node: NodeId) -> Option<Shape> {
        let node = &self.graph.nodes()[node.index()];
        match node.operation() {
            Operation::Dense(_) => None,
            _ => node
                .inputs()
                .first()
                .map(|&operand| self.graph.shape(operand)),
        }
    }
}

/// Times one operation of a chain on values of a shape.
fn chain_sample(shape: Shape, chain: Chain) -> Result<Sample> {
    let built = |count: usize| -> Result<(Emulator, Vec<Work>)> {
        let mut draft = Draft {
            graph: Graph::new(INPUTS),
            arrays: 0,
        };
        let mut node = draft.dense(Graph::INPUT, shape)?;
        let mut works = Vec::new();
        for _ in 0..count {
            node = draft.step(chain, node)?;
            let taken = &draft.graph.nodes()[node.index()];
            let (macs, floats) = (draft.graph.macs(node), draft.graph.floats(node));
            works.extend(Work::of(taken.operation(), macs, floats));
        }
        Ok((emulator(draft.graph, node)?, works))
    };
    let ((short, _), (long, works)) = (built(1)?, built(1 + LONGER)?);
    let [short, long] = [short, long].map(|one| least(&one));
    // A chain that alternates has two kinds of steps: their mean is measured.
    let count = LONGER as u64;
    let added = works.iter().skip(1);
    let work = Work {
        kind: works[0].kind,
        macs: added.clone().map(|work| work.macs).sum::<u64>() / count,
        bytes: added.map(|work| work.bytes).sum::<u64>() / count,
    };
    Ok((work, ((long - short) / LONGER as f64).max(0.1)))
}

/// Returns the emulator with one member that ends at a node.
fn emulator(graph: Graph, node: NodeId) -> Result<Emulator> {
    let (inputs, outputs) = (graph.shape(Graph::INPUT).size(), graph.shape(node).size());
    let input = |k: usize| InputVariable {
        name: format!("x{k}"),
        low: 0.5,
        high: 2.0,
        logarithmic: false,
    };
    Ok(Emulator::new(EmulatorParts {
        graph,
        members: vec![node],
        calibration: Calibration {
            gain: 1.0,
            unit: vec![1.0; outputs],
            floor: vec![1.0; outputs],
            slope: None,
        },
        local: Local::default(),
        inputs: (0..inputs).map(input).collect(),
        outputs: Outputs {
            layout: Layout::Scalars,
            shape: vec![outputs],
            names: Vec::new(),
            axes: Vec::new(),
            relative: None,
        },
        provenance: BTreeMap::new(),
    })?)
}

/// Returns the minimum time of a call, in nanoseconds.
fn least(emulator: &Emulator) -> f64 {
    let executor = Executor::new(emulator);
    let x = vec![1.0; emulator.input_count()];
    timed(|| {
        black_box(executor.predict(black_box(&x), 1));
    })
}

/// Returns the minimum time of `work`, in nanoseconds.
fn timed(mut work: impl FnMut()) -> f64 {
    let began = Instant::now();
    work();
    let once = began.elapsed().max(Duration::from_nanos(20));
    let calls = (TURN.as_secs_f64() / once.as_secs_f64()).clamp(1.0, 2000.0) as usize;
    let turn = |_| {
        let began = Instant::now();
        (0..calls).for_each(|_| work());
        began.elapsed().as_secs_f64() * 1e9 / calls as f64
    };
    (0..TURNS).map(turn).fold(f64::INFINITY, f64::min)
}

fn guard() -> Vec<Sample> {
    let sample = |inputs: usize| {
        let ranges = vec![Range::linear(0.0, 2.0); inputs];
        let ranges: Vec<_> = ranges.chunks(domain::LANES).map(Ranges::new).collect();
        let (x, mut checked) = (vec![1.0; inputs], vec![0.0; inputs]);
        let nanoseconds = timed(|| {
            black_box(domain::check(
                black_box(&ranges),
                black_box(&x),
                &mut checked,
            ));
        });
        (Work::new(Kind::Guard, 0, 3 * inputs), nanoseconds)
    };
    [1, 5, 9, 14, 30, 60].map(sample).to_vec()
}

fn transposes() -> Vec<Sample> {
    let sample = |(positions, channels): (usize, usize)| {
        let size = positions * channels;
        let (x, mut y) = (vec![0.5; size], vec![0.0; size]);
        let nanoseconds = timed(|| transpose(black_box(&x), &mut y, positions, channels));
        (Work::new(Kind::Transpose, 0, 2 * size), nanoseconds)
    };
    [(16, 2), (60, 2), (250, 4), (250, 10), (4096, 4)]
        .map(sample)
        .to_vec()
}

fn statistics() -> Vec<Sample> {
    let sample = |outputs: usize| {
        let [unit, floor, member] = [1.0, 0.5, 0.3].map(|value| vec![value; outputs]);
        let (mut mean, mut m2) = (vec![0.0; outputs], vec![0.0; outputs]);
        let one = timed(|| {
            ensemble::accumulate(1, black_box(&member), black_box(&unit), &mut mean, &mut m2);
        });
        let mut status = Status::default();
        let end = timed(|| {
            let calibration = ensemble::Calibration {
                gain: 1.0,
                unit: black_box(&unit),
                floor: black_box(&floor),
            };
            ensemble::finish(4, calibration, 1.0, &mut mean, &mut m2, &mut status);
        });
        [(super::member(outputs), one), (super::end(outputs), end)]
    };
    [1, 15, 64, 250, 1000, 4000]
        .into_iter()
        .flat_map(sample)
        .collect()
}

/// Returns the non-negative rates that fit the samples best: tries all sets of zero rates and takes
/// the best solution without negative rates.
fn fit(samples: &[Sample]) -> Rates {
    let rows: Vec<[f64; 3]> = samples
        .iter()
        .map(|(work, ns)| [1.0 / ns, work.macs as f64 / ns, work.bytes as f64 / ns])
        .collect();
    let misfit = |rates: &[f64; 3]| -> f64 {
        let errors = rows.iter().map(|row| {
            let sum: f64 = row.iter().zip(rates).map(|(x, rate)| x * rate).sum();
            (sum - 1.0).powi(2)
        });
        errors.sum()
    };
    let all = (1u8..8).filter_map(|mask| least_squares(&rows, mask));
    let allowed = all.filter(|rates| rates.iter().all(|rate| *rate >= 0.0));
    let best = allowed.min_by(|left, right| misfit(left).total_cmp(&misfit(right)));
    let [fixed, per_mac, per_byte] = best.unwrap_or_default();
    Rates {
        fixed,
        per_mac,
        per_byte,
    }
}

/// Solves `rows * rates = 1` in least squares over the rates in `mask`, with the others zero;
/// `None` if the rates cannot be distinguished.
fn least_squares(rows: &[[f64; 3]], mask: u8) -> Option<[f64; 3]> {
    let used: Vec<usize> = (0..3).filter(|k| mask & (1 << k) != 0).collect();
    let n = used.len();
    // Columns are scaled to equal length: multiply-accumulates far outnumber operations.
    let norm = |k: usize| rows.iter().map(|row| row[k] * row[k]).sum::<f64>().sqrt();
    let norms: Vec<f64> = used.iter().map(|&k| norm(k)).collect();
    if norms.contains(&0.0) {
        return None;
    }
    let column = |row: &[f64; 3], k: usize| row[used[k]] / norms[k];
    let mut system: Vec<Vec<f64>> = (0..n)
        .map(|a| {
            let product = |b: usize| rows.iter().map(|row| column(row, a) * column(row, b)).sum();
            let right: f64 = rows.iter().map(|row| column(row, a)).sum();
            (0..n).map(product).chain([right]).collect()
        })
        .collect();
    for pivot in 0..n {
        if system[pivot][pivot] < 1e-6 {
            return None;
        }
        let pivot_row = system[pivot].clone();
        for (row, values) in system.iter_mut().enumerate() {
            let factor = values[pivot] / pivot_row[pivot];
            if row != pivot {
                for (value, above) in values.iter_mut().zip(&pivot_row) {
                    *value -= factor * above;
                }
            }
        }
    }
    let mut rates = [0.0; 3];
    for (place, &k) in used.iter().enumerate() {
        rates[k] = system[place][n] / system[place][place] / norms[place];
    }
    Some(rates)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::stream;
    use rand::Rng;

    #[test]
    fn times_that_follow_the_formula_give_its_rates_and_none_is_below_zero() {
        let mut random = stream(1, "rates");
        for zero in 0..7u8 {
            let mut rate = |k: u8, most: f64| match zero & (1 << k) {
                0 => random.random_range(0.1 * most..most),
                _ => 0.0,
            };
            let truth = Rates {
                fixed: rate(0, 300.0),
                per_mac: rate(1, 0.3),
                per_byte: rate(2, 0.3),
            };
            let samples: Vec<Sample> = (0..20)
                .map(|_| {
                    let (macs, numbers) =
                        (random.random_range(0..50_000), random.random_range(8..9000));
                    let work = Work::new(Kind::Conv1d, macs, numbers);
                    let ns = truth.nanoseconds(macs as f64, work.bytes as f64);
                    (work, ns.max(1e-9))
                })
                .collect();
            let found = fit(&samples);
            let pairs = [
                (found.fixed, truth.fixed),
                (found.per_mac, truth.per_mac),
                (found.per_byte, truth.per_byte),
            ];
            for (found, truth) in pairs {
                assert!(found >= 0.0);
                assert!(
                    (found - truth).abs() <= 1e-6 * truth.max(1e-3),
                    "{found} for {truth}"
                );
            }
        }
    }
}
