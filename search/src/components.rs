//! Components: with far more outputs than rows, networks learn coordinates in a fixed basis of the
//! training outputs.
//!
//! The standardised training outputs `z`, n rows of q values, span at most n directions. Let `B` be
//! their orthonormal principal directions, `[k][q]`. Then
//!
//! ```text
//! a = s B z,    z = B^T a / s,    s = sqrt(k / q)
//! ```
//!
//! so that the mean squared error of the k components `a` equals that of `z` among outputs in the
//! span. Nothing that the rows can teach is lost, and weights, moments and the minimiser's pairs
//! are only as large as for a network with k outputs. `B^T / s` is the last group of the space: a
//! dense layer with a single candidate, which is not trained and which all members share.
//!
//! k is the smallest number for which the remaining variance of the training outputs is below
//! `REST`, but the basis has at most `WEIGHTS` values or `FEW` directions, whichever is more.

use crate::data::{Dataset, Normalisation};
use crate::lowering::data_order;
use crate::principal;
use crate::space::{Candidate, Error, Group, Identity, Placement, Shape, Space};
use std::collections::BTreeMap;
use std::fmt;

/// Outputs are learnt as components from this number of outputs on.
pub const MANY: usize = 1 << 15;
/// The share of the variance of the training outputs that may be neglected.
const REST: f64 = 1e-12;
/// Maximum number of values in the basis,
const WEIGHTS: usize = 1 << 24;
/// but at least this number of directions is allowed: the largest rank of a searched head.
const FEW: usize = 48;
/// The name of the group.
pub const GROUP: &str = "components";

/// A basis of standardised outputs.
#[derive(Clone, PartialEq)]
pub struct Components {
    /// `[count][outputs]`, in the order of the data; each row has length `1 / s`.
    basis: Vec<f32>,
    outputs: usize,
}

impl fmt::Debug for Components {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} components of {} outputs",
            self.count(),
            self.outputs
        )
    }
}

impl Components {
    /// Returns the components of these standardised training outputs; `None` if all outputs are
    /// constant.
    ///
    /// *Shapes*: `y: [rows][outputs]`, each output of mean zero.
    #[must_use]
    pub fn of(y: &[f32], outputs: usize) -> Option<Self> {
        let most = (y.len() / outputs).min((WEIGHTS / outputs).max(FEW));
        let mut basis = principal::components(y, outputs, most);
        let squares: Vec<f64> = basis.chunks_exact(outputs).map(square).collect();
        let all: f64 = squares.iter().sum();
        let mut rest = all;
        let needed = squares.iter().take_while(|&&square| {
            let is_missed = square > 0.0 && rest > REST * all;
            rest -= square;
            is_missed
        });
        let count = needed.count();
        if count == 0 {
            return None;
        }
        basis.truncate(count * outputs);
        basis.shrink_to_fit();
        let length = (outputs as f64 / count as f64).sqrt();
        for (row, square) in basis.chunks_exact_mut(outputs).zip(squares) {
            let factor = length / square.sqrt();
            row.iter_mut()
                .for_each(|value| *value = (f64::from(*value) * factor) as f32);
        }
        Some(Self { basis, outputs })
    }

    /// Returns the number of components.
    #[must_use]
    pub fn count(&self) -> usize {
        self.basis.len() / self.outputs
    }

    /// Returns the components with this basis; `None` if it has no whole rows.
    ///
    /// *Shapes*: `basis`: `[count][outputs]`, as [`Components::basis`].
    #[must_use]
    pub fn with_basis(basis: Vec<f32>, outputs: usize) -> Option<Self> {
        let is_whole = outputs > 0 && !basis.is_empty() && basis.len().is_multiple_of(outputs);
        is_whole.then_some(Self { basis, outputs })
    }

    /// Returns the basis, `[count][outputs]`: the outputs are sums of its rows times components.
    #[must_use]
    pub fn basis(&self) -> &[f32] {
        &self.basis
    }

    /// Returns the output node of networks that learn the components.
    #[must_use]
    pub fn node(&self) -> Shape {
        Shape::Vector(self.count())
    }

    /// Returns the components of standardised outputs.
    ///
    /// *Shapes*: `y: [rows][outputs]`; result `[rows][count]`.
    #[must_use]
    pub fn coordinates(&self, y: &[f32]) -> Vec<f32> {
        let along = |y: &[f32], basis: &[f32]| {
            let pairs = y.iter().zip(basis);
            let product: f64 = pairs.map(|(y, b)| f64::from(*y) * f64::from(*b)).sum();
            (product / square(basis)) as f32
        };
        y.chunks_exact(self.outputs)
            .flat_map(|y| {
                let rows = self.basis.chunks_exact(self.outputs);
                rows.map(move |basis| along(y, basis))
            })
            .collect()
    }

    /// Returns the standardised outputs with these components.
    ///
    /// *Shapes*: `components`: `[count]`; result `[outputs]`.
    #[must_use]
    pub fn expanded(&self, components: &[f32]) -> Vec<f32> {
        let mut y = vec![0.0; self.outputs];
        for (&component, basis) in components.iter().zip(self.basis.chunks_exact(self.outputs)) {
            for (y, basis) in y.iter_mut().zip(basis) {
                *y += component * basis;
            }
        }
        y
    }

    /// Returns the weights of the last group, `[count][outputs]`, with outputs in the order of a
    /// network with output node `output`.
    #[must_use]
    pub fn weights(&self, output: Shape) -> Vec<f32> {
        let order = data_order(output);
        let rows = self.basis.chunks_exact(self.outputs);
        rows.flat_map(|basis| order.iter().map(move |&place| basis[place]))
            .collect()
    }

    /// Appends the components' group to a space that ends at [`Components::node`]. A dense head
    /// becomes two layers; the second is initialised with the spread of the components, so that
    /// small components start small.
    ///
    /// # Errors
    /// If there are too many outputs for a dense layer.
    pub fn onto(&self, space: &Space, output: Shape) -> Result<Space, Error> {
        let mut groups = space.groups().to_vec();
        let rank = self.count();
        let heads = groups.last_mut().into_iter();
        for head in heads.flat_map(|group| &mut group.candidates) {
            if *head == Candidate::Dense {
                *head = Candidate::LowRank { rank };
            }
        }
        groups.push(Group {
            name: GROUP.to_owned(),
            output,
            identity: Identity::Absent,
            candidates: vec![Candidate::Dense],
            activation: None,
            own_activations: BTreeMap::new(),
            placement: Placement::After,
        });
        Space::new(space.name(), space.inputs(), groups)
    }
}

fn square(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value).powi(2)).sum()
}

/// The targets of networks: the standardised outputs, or their components.
#[derive(Debug, Clone, Copy)]
pub struct Learnt<'a> {
    /// The data.
    pub data: &'a Dataset,
    /// The normalisation of inputs and outputs.
    pub normalisation: &'a Normalisation,
    /// The basis, if there are many outputs.
    pub components: Option<&'a Components>,
}

impl Learnt<'_> {
    /// Returns the number of targets per row.
    #[must_use]
    pub fn count(&self) -> usize {
        let outputs = || self.data.output_count();
        self.components.map_or_else(outputs, Components::count)
    }

    /// Returns the encoded inputs of these rows, `[rows][inputs]`.
    #[must_use]
    pub fn x(&self, rows: &[usize]) -> Vec<f32> {
        self.normalisation.encode_x(self.data, rows)
    }

    /// Returns the targets of these rows, `[rows][count]`; outputs are in the order of the data.
    #[must_use]
    pub fn y(&self, rows: &[usize]) -> Vec<f32> {
        let encoded = |rows: &[usize]| self.normalisation.encode_y(self.data, rows);
        match self.components {
            None => encoded(rows),
            // Row by row: encoding all at once would need another copy of the data.
            Some(components) => {
                let row = |row: &usize| components.coordinates(&encoded(&[*row]));
                rows.iter().flat_map(row).collect()
            }
        }
    }

    /// Returns the outputs of a row with these targets, in the units of the data.
    ///
    /// *Shapes*: `targets`: `[count]`; result `[outputs]`.
    #[must_use]
    pub fn outputs(&self, targets: &[f32]) -> Vec<f64> {
        match self.components {
            None => self.normalisation.decode_y(targets),
            Some(components) => self.normalisation.decode_y(&components.expanded(targets)),
        }
    }

    /// Returns the positions in [`Learnt::y`] of the values of a network with output node `output`.
    #[must_use]
    pub fn order(&self, output: Shape) -> Vec<usize> {
        match self.components {
            None => data_order(output),
            Some(components) => (0..components.count()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::{stream, uniform};

    /// Rows in `rank` directions of decreasing spread; each output has mean zero up to rounding.
    fn outputs(rows: usize, outputs: usize, rank: usize) -> Vec<f32> {
        let mut random = stream(3, "components");
        let mut draw =
            |count: usize| -> Vec<f64> { (0..count).map(|_| uniform(&mut random) - 0.5).collect() };
        let (coefficients, directions) = (draw(rows * rank), draw(rank * outputs));
        let value = |r: usize, c: usize| -> f64 {
            let terms = (0..rank).map(|k| {
                let along = coefficients[r * rank + k];
                0.5f64.powi(k as i32) * along * directions[k * outputs + c]
            });
            terms.sum()
        };
        let mean = |c: usize| (0..rows).map(|r| value(r, c)).sum::<f64>() / rows as f64;
        let means: Vec<f64> = (0..outputs).map(mean).collect();
        let all = (0..rows).flat_map(|r| (0..outputs).map(move |c| (r, c)));
        all.map(|(r, c)| (value(r, c) - means[c]) as f32).collect()
    }

    fn back(components: &Components, a: &[f32], shape: Shape) -> Vec<f64> {
        let weights = components.weights(shape);
        let q = components.outputs;
        let sum = |row: &[f32], c: usize| {
            let terms = row.iter().enumerate();
            terms
                .map(|(k, a)| f64::from(*a) * f64::from(weights[k * q + c]))
                .sum::<f64>()
        };
        a.chunks_exact(components.count())
            .flat_map(|row| (0..q).map(move |c| sum(row, c)).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn training_rows_come_back_and_squared_errors_are_the_same() {
        let (rows, q) = (20, 600);
        let y = outputs(rows, q, 7);
        let components = Components::of(&y, q).unwrap();
        assert_eq!(components.count(), 7);
        let a = components.coordinates(&y);
        for (found, y) in back(&components, &a, Shape::Vector(q)).iter().zip(&y) {
            // Components and basis are rounded to f32.
            assert!((found - f64::from(*y)).abs() < 1e-5, "{found} {y}");
        }
        let mean = |errors: Vec<f64>| {
            let count = errors.len() as f64;
            errors.into_iter().map(|e| e * e).sum::<f64>() / count
        };
        let moved: Vec<f32> = a.iter().map(|a| a * 1.1 + 0.01).collect();
        let in_coordinates = mean(
            a.iter()
                .zip(&moved)
                .map(|(a, b)| f64::from(a - b))
                .collect(),
        );
        let there = back(&components, &moved, Shape::Vector(q));
        let in_outputs = mean(
            there
                .iter()
                .zip(&y)
                .map(|(a, b)| a - f64::from(*b))
                .collect(),
        );
        assert!(
            (in_coordinates / in_outputs - 1.0).abs() < 1e-4,
            "{in_coordinates:e} {in_outputs:e}"
        );
    }

    #[test]
    fn weights_stand_in_the_networks_order() {
        let y = outputs(12, 40, 3);
        let components = Components::of(&y, 40).unwrap();
        let a = components.coordinates(&y[..40]);
        let shape = Shape::Sequence {
            length: 20,
            channels: 2,
        };
        let found = back(&components, &a, shape);
        for (found, place) in found.iter().zip(data_order(shape)) {
            assert!((found - f64::from(y[place])).abs() < 1e-5);
        }
    }

    #[test]
    fn constant_outputs_have_none() {
        assert_eq!(Components::of(&[0.0; 300], 100), None);
    }
}
