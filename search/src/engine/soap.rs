//! SOAP: AdamW in the eigenbasis of Shampoo's preconditioner.
//!
//! For the gradient G of a matrix, `[rows][columns]`:
//!
//! ```text
//! L = b2 L + G G',   R = b2 R + G' G
//! g = P' G Q,   m += (1 - b1) (g - m),   v += (1 - b2) (g^2 - v)
//! W -= rate (P (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps)) Q' + decay W)
//! ```
//!
//! P and Q are bases of eigenvectors of L and R: exact ones at the first gradient, then improved
//! every [`EVERY`] steps by one power iteration, P = QR(L P), to which the mean m is rotated. A
//! side of more than [`WIDEST`] has no basis. Biases are updated by AdamW.
//!
//! The first gradient makes no step: in its own basis it is a diagonal, beside which Adam would
//! follow rounding errors.
//!
//! *Source*: Vyas et al., "SOAP: improving and stabilizing Shampoo using Adam" (2024),
//! arXiv:2409.11321, algorithms 3 and 4. Here the decay rates are those of AdamW, L and R lack the
//! factor `1 - b2`, which no basis depends on, and m is kept in the bases.

#[cfg(test)]
mod tests;

use super::aligned::Aligned;
use super::layer::panel;
use super::parameters::{Parameters, Place};
use super::passes;
use super::product::{Instructions, LANES, Left, Right, Sizes, Start, Target, multiply, turn};
use crate::optimiser::BETA_2;
use faer::{Mat, Side};

/// Steps between two improvements of the bases.
const EVERY: u32 = 10;

/// The largest side of a matrix that has a basis.
const WIDEST: usize = 512;

/// The state of SOAP for the parameters of one engine.
#[derive(Debug, Clone)]
pub struct Soap {
    /// By parameter; biases have none.
    matrices: Vec<Option<Matrix>>,
    scratch: Scratch,
}

/// Buffers of an update, as large as the largest parameter or basis.
#[derive(Debug, Clone)]
struct Scratch {
    /// The gradient, and its transpose.
    gradient: Aligned,
    turned: Aligned,
    first: Aligned,
    second: Aligned,
}

/// The state of a matrix, in panels: `[columns / 16][rows, padded][16]`.
#[derive(Debug, Clone)]
struct Matrix {
    rows: usize,
    columns: usize,
    steps: u32,
    left: Option<Basis>,
    right: Option<Basis>,
    mean: Aligned,
    square: Aligned,
}

/// One side's statistics and basis, square matrices in panels.
#[derive(Debug, Clone)]
struct Basis {
    size: usize,
    /// L or R.
    statistics: Aligned,
    /// Eigenvectors in columns, and their transpose.
    vectors: Aligned,
    transposed: Aligned,
}

/// A matrix in panels.
#[derive(Clone, Copy)]
struct Panels<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
}

/// Numbers of a matrix in panels.
fn length(rows: usize, columns: usize) -> usize {
    columns.div_ceil(LANES) * panel(rows)
}

/// Returns what an update of a parameter costs beside others, roughly in multiply-adds, its share in
/// the improvements of the bases included.
pub(super) fn cost(rows: usize, columns: usize) -> u64 {
    if rows == 1 {
        return columns as u64;
    }
    let (r, c) = (rows as u64, columns as u64);
    let cube = |side: u64| match side <= WIDEST as u64 {
        true => side * side * side,
        false => 0,
    };
    3 * r * c * (r + c) + cube(r) + cube(c)
}

impl Panels<'_> {
    /// Writes the product with another matrix, in panels, or adds it there.
    fn times(self, by: Instructions, other: Panels<'_>, start: Start<'_>, target: &mut [f32]) {
        let target = Target {
            data: target,
            row: LANES,
            panel: panel(self.rows),
        };
        let columns = other.columns.next_multiple_of(LANES);
        self.product(by, other, columns, start, target);
    }

    fn product(
        self,
        by: Instructions,
        other: Panels<'_>,
        columns: usize,
        start: Start<'_>,
        target: Target<'_>,
    ) {
        let sizes = Sizes {
            rows: self.rows,
            inner: self.columns,
            columns,
        };
        let left = Left {
            data: self.data,
            row: LANES,
            step: 1,
            block: panel(self.rows),
        };
        let right = Right {
            data: other.data,
            panel: panel(other.rows),
        };
        multiply(by, sizes, left, right, start, target);
    }

    /// Writes the transpose, in panels.
    fn turn(self, by: Instructions, target: &mut [f32]) {
        for column in 0..self.columns.div_ceil(LANES) {
            for row in 0..self.rows.div_ceil(LANES) {
                let source = &self.data[column * panel(self.rows) + row * LANES * LANES..];
                let place = row * panel(self.columns) + column * LANES * LANES;
                turn(by, source, LANES, &mut target[place..], LANES);
            }
        }
    }

    fn at(self, row: usize, column: usize) -> f32 {
        self.data[column / LANES * panel(self.rows) + row * LANES + column % LANES]
    }
}

impl Basis {
    fn new(size: usize) -> Option<Self> {
        let square = || Aligned::zeros(length(size, size));
        (size <= WIDEST).then(|| Self {
            size,
            statistics: square(),
            vectors: square(),
            transposed: square(),
        })
    }

    fn panels<'a>(&self, data: &'a [f32]) -> Panels<'a> {
        Panels {
            data,
            rows: self.size,
            columns: self.size,
        }
    }

    /// Adds a gradient times its transpose to the decayed statistics.
    fn gather(&mut self, by: Instructions, gradient: Panels<'_>, turned: Panels<'_>) {
        passes::multiply_by(&mut self.statistics, BETA_2 as f32);
        gradient.times(by, turned, Start::Target, &mut self.statistics);
    }

    /// Takes the eigenvectors of the statistics.
    fn start(&mut self, by: Instructions) {
        let statistics = self.panels(&self.statistics);
        let matrix = Mat::from_fn(self.size, self.size, |i, j| f64::from(statistics.at(i, j)));
        // Statistics that are not finite have no eigenvectors; the weights are lost then too.
        let vectors = match matrix.self_adjoint_eigen(Side::Lower) {
            Ok(found) => found.U().to_owned(),
            Err(_) => Mat::identity(self.size, self.size),
        };
        self.take(by, |i, j| vectors[(i, j)] as f32);
    }

    /// Takes a power iteration, orthogonalised; `product` is a buffer.
    fn improve(&mut self, by: Instructions, product: &mut [f32]) {
        let (statistics, vectors) = (self.panels(&self.statistics), self.panels(&self.vectors));
        statistics.times(by, vectors, Start::Zero, product);
        let product = self.panels(product);
        // Columns of one size: the smallest would be too small for the norms of single precision,
        // and no basis depends on their sizes.
        let mut matrix = Mat::from_fn(self.size, self.size, |i, j| product.at(i, j));
        for column in matrix.col_iter_mut() {
            let column = column.try_as_col_major_mut().expect("columns are whole");
            let numbers = column.as_slice_mut();
            let most = numbers
                .iter()
                .fold(0.0_f32, |most, number| most.max(number.abs()));
            // Twice, since the inverse of the smallest numbers is infinite.
            let root = most.sqrt();
            if root > 0.0 {
                numbers
                    .iter_mut()
                    .for_each(|number| *number = *number / root / root);
            }
        }
        let vectors = matrix.qr().compute_Q();
        self.take(by, |i, j| vectors[(i, j)]);
    }

    fn take(&mut self, by: Instructions, vector: impl Fn(usize, usize) -> f32) {
        for j in 0..self.size {
            for i in 0..self.size {
                let place = j / LANES * panel(self.size) + i * LANES + j % LANES;
                self.vectors[place] = vector(i, j);
            }
        }
        self.panels(&self.vectors).turn(by, &mut self.transposed);
    }
}

impl Matrix {
    fn new(place: Place) -> Option<Self> {
        let (rows, columns) = (place.rows, place.columns);
        let numbers = || Aligned::zeros(length(rows, columns));
        (rows > 1).then(|| Self {
            rows,
            columns,
            steps: 0,
            left: Basis::new(rows),
            right: Basis::new(columns),
            mean: numbers(),
            square: numbers(),
        })
    }

    fn panels<'a>(&self, data: &'a [f32]) -> Panels<'a> {
        Panels {
            data,
            rows: self.rows,
            columns: self.columns,
        }
    }

    /// Turns `data` to the bases (`P' data Q`) or, if `back`, from them (`P data Q'`); `other` is a
    /// buffer.
    fn rotate(&self, by: Instructions, data: &mut Aligned, other: &mut Aligned, back: bool) {
        if let Some(left) = &self.left {
            let basis = match back {
                true => &left.vectors,
                false => &left.transposed,
            };
            let basis = left.panels(basis);
            basis.times(by, self.panels(data), Start::Zero, other);
            std::mem::swap(data, other);
        }
        if let Some(right) = &self.right {
            let basis = match back {
                true => &right.transposed,
                false => &right.vectors,
            };
            let basis = right.panels(basis);
            self.panels(data).times(by, basis, Start::Zero, other);
            std::mem::swap(data, other);
        }
    }
}

impl Soap {
    /// Returns the state before the first step.
    pub(super) fn new(parameters: &Parameters) -> Self {
        let places = (0..parameters.count()).map(|index| parameters.place(index));
        let matrices: Vec<_> = places.map(Matrix::new).collect();
        let largest = matrices.iter().flatten().map(|matrix| {
            let square = |side: usize| length(side.min(WIDEST), side.min(WIDEST));
            let both = [(matrix.rows, matrix.columns), (matrix.columns, matrix.rows)];
            let sizes = both.map(|(rows, columns)| length(rows, columns));
            sizes[0]
                .max(sizes[1])
                .max(square(matrix.rows))
                .max(square(matrix.columns))
        });
        let largest = largest.max().unwrap_or(0);
        let buffer = || Aligned::zeros(largest);
        Self {
            matrices,
            scratch: Scratch {
                gradient: buffer(),
                turned: buffer(),
                first: buffer(),
                second: buffer(),
            },
        }
    }

    /// Updates a parameter by its gradient, `[rows][stride]`.
    pub(super) fn step(
        &mut self,
        by: Instructions,
        parameters: &mut Parameters,
        index: usize,
        gradient: &[f32],
        rate: f64,
    ) {
        let Some(matrix) = &mut self.matrices[index] else {
            return parameters.adamw(index, gradient, rate);
        };
        let Scratch {
            gradient: packed,
            turned,
            first,
            second,
        } = &mut self.scratch;
        let place = parameters.place(index);
        let (rows, columns) = (matrix.rows, matrix.columns);
        let size = length(rows, columns);
        // Padding that an earlier matrix of another size has left must not enter the transpose.
        packed[..size].fill(0.0);
        for (row, numbers) in gradient.chunks_exact(place.stride).enumerate() {
            for (block, numbers) in numbers[..columns].chunks(LANES).enumerate() {
                let place = block * panel(rows) + row * LANES;
                packed[place..place + numbers.len()].copy_from_slice(numbers);
            }
        }
        matrix.panels(packed).turn(by, turned);
        let (given, turned) = (
            matrix.panels(packed),
            Panels {
                data: turned,
                rows: columns,
                columns: rows,
            },
        );
        if let Some(left) = &mut matrix.left {
            left.gather(by, given, turned);
        }
        if let Some(right) = &mut matrix.right {
            right.gather(by, turned, given);
        }
        matrix.steps = matrix.steps.saturating_add(1);
        if matrix.steps == 1 {
            for basis in [&mut matrix.left, &mut matrix.right].into_iter().flatten() {
                basis.start(by);
            }
            return;
        }
        if matrix.steps.is_multiple_of(EVERY) {
            first[..size].copy_from_slice(&matrix.mean);
            matrix.rotate(by, first, second, true);
            for basis in [&mut matrix.left, &mut matrix.right].into_iter().flatten() {
                basis.improve(by, second);
            }
            matrix.rotate(by, first, second, false);
            matrix.mean.copy_from_slice(&first[..size]);
        }
        matrix.rotate(by, packed, first, false);
        let step = parameters.adam(matrix.steps - 1, rate);
        let moments = [&mut *matrix.mean, &mut *matrix.square];
        passes::adam(&mut packed[..size], moments, step);
        matrix.rotate(by, packed, first, true);
        // `W = keep W - update`.
        let weights = parameters.values_mut(index);
        for (row, weights) in weights.chunks_exact_mut(place.stride).enumerate() {
            for (block, weights) in weights[..columns].chunks_mut(LANES).enumerate() {
                let place = block * panel(rows) + row * LANES;
                for (weight, update) in weights.iter_mut().zip(&packed[place..]) {
                    *weight = step.keep * *weight - update;
                }
            }
        }
    }

    /// Returns the state as numbers, for a checkpoint.
    #[must_use]
    pub fn save(&self) -> Vec<(u32, Vec<f32>)> {
        let matrices = self.matrices.iter().flatten();
        matrices
            .map(|matrix| {
                let numbers = matrix.parts().into_iter().flat_map(|part| part.to_vec());
                (matrix.steps, numbers.collect())
            })
            .collect()
    }

    /// Restores a state that [`Soap::save`] returned for an engine of the same layers; `false` if
    /// it is of others.
    #[must_use]
    pub fn restore(&mut self, saved: &[(u32, Vec<f32>)]) -> bool {
        let matrices = || self.matrices.iter().flatten();
        let sizes =
            matrices().map(|matrix| matrix.parts().iter().map(|part| part.len()).sum::<usize>());
        if !sizes.eq(saved.iter().map(|(_, numbers)| numbers.len())) {
            return false;
        }
        for (matrix, (steps, numbers)) in self.matrices.iter_mut().flatten().zip(saved) {
            matrix.steps = *steps;
            let mut rest = numbers.as_slice();
            for part in matrix.parts_mut() {
                let (numbers, others) = rest.split_at(part.len());
                part.copy_from_slice(numbers);
                rest = others;
            }
        }
        true
    }
}

impl Matrix {
    fn parts(&self) -> Vec<&Aligned> {
        let bases = [&self.left, &self.right].into_iter().flatten();
        let of_bases =
            bases.flat_map(|basis| [&basis.statistics, &basis.vectors, &basis.transposed]);
        [&self.mean, &self.square]
            .into_iter()
            .chain(of_bases)
            .collect()
    }

    fn parts_mut(&mut self) -> Vec<&mut Aligned> {
        let bases = [&mut self.left, &mut self.right].into_iter().flatten();
        let of_bases = bases.flat_map(|basis| {
            [
                &mut basis.statistics,
                &mut basis.vectors,
                &mut basis.transposed,
            ]
        });
        [&mut self.mean, &mut self.square]
            .into_iter()
            .chain(of_bases)
            .collect()
    }
}
