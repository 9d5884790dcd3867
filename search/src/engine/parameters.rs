//! Weights and their moments in flat vectors, with AdamW in one pass over each matrix.
//!
//! A matrix lies output by output, `[outputs][inputs]`, each row padded to a multiple of eight with
//! zeros that stay zero: the transpose of its layout elsewhere, since the gradient of a row is then
//! a sum over samples of rows of inputs.

use super::aligned::Aligned;
use super::passes::{self, Step};
use crate::optimiser::{BETA_1, BETA_2, EPSILON, correction};
use std::ops::Range;

/// Floats of a cache line, to which the parameters are aligned.
const LINE: usize = 16;

/// The place of a matrix, or of a bias as a matrix of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    start: usize,
    /// Rows: outputs of a matrix, or 1.
    pub(super) rows: usize,
    /// Numbers in a row: inputs of a matrix, or outputs of a bias.
    pub(super) columns: usize,
    /// Distance of neighbouring rows.
    pub(super) stride: usize,
}

impl Place {
    /// The numbers in the flat vectors, padding included.
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.start + self.rows * self.stride
    }
}

/// The state of a parameter in the optimiser.
#[derive(Debug, Clone, PartialEq)]
pub struct Moments {
    /// Number of its updates.
    pub steps: u32,
    /// Moving average of its gradients, in the layout of its weights.
    pub mean: Vec<f32>,
    /// Moving average of their squares.
    pub square: Vec<f32>,
}

/// Weights and moments of all parameters.
#[derive(Debug, Clone)]
pub(super) struct Parameters {
    places: Vec<Place>,
    values: Aligned,
    mean: Aligned,
    square: Aligned,
    steps: Vec<u32>,
    decay: f64,
}

impl Parameters {
    /// Returns parameters of these sizes, (rows, columns), all zero.
    pub(super) fn zeros(sizes: &[(usize, usize)], decay: f64) -> Self {
        let mut length = 0_usize;
        let mut place = |&(rows, columns): &(usize, usize)| {
            let start = length.next_multiple_of(LINE);
            let stride = columns.next_multiple_of(8);
            length = start + rows * stride;
            Place {
                start,
                rows,
                columns,
                stride,
            }
        };
        let places: Vec<_> = sizes.iter().map(&mut place).collect();
        Self {
            steps: vec![0; places.len()],
            places,
            values: Aligned::zeros(length),
            mean: Aligned::zeros(length),
            square: Aligned::zeros(length),
            decay,
        }
    }

    /// The number of parameters.
    pub(super) fn count(&self) -> usize {
        self.places.len()
    }

    /// The place of a parameter.
    pub(super) fn place(&self, index: usize) -> Place {
        self.places[index]
    }

    /// The weights of a parameter, `[rows][stride]`.
    pub(super) fn values(&self, index: usize) -> &[f32] {
        &self.values[self.places[index].range()]
    }

    /// Returns the weights of a parameter, `[inputs][outputs]`.
    pub(super) fn weights(&self, index: usize) -> Vec<f32> {
        self.unpacked(index, &self.values)
    }

    /// Replaces the weights of a parameter, `[inputs][outputs]`.
    pub(super) fn set_weights(&mut self, index: usize, weights: &[f32]) {
        pack(self.places[index], weights, &mut self.values);
    }

    /// Returns the moments of a parameter.
    pub(super) fn moments(&self, index: usize) -> Moments {
        Moments {
            steps: self.steps[index],
            mean: self.unpacked(index, &self.mean),
            square: self.unpacked(index, &self.square),
        }
    }

    /// Replaces the moments of a parameter.
    pub(super) fn set_moments(&mut self, index: usize, moments: &Moments) {
        let place = self.places[index];
        self.steps[index] = moments.steps;
        pack(place, &moments.mean, &mut self.mean);
        pack(place, &moments.square, &mut self.square);
    }

    /// The weights of a parameter, `[rows][stride]`, to be changed.
    pub(super) fn values_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.values[self.places[index].range()]
    }

    /// Returns the numbers of a step after so many updates.
    pub(super) fn adam(&self, steps: u32, rate: f64) -> Step {
        Step {
            step: (rate / correction(BETA_1, steps)) as f32,
            root: (1.0 / correction(BETA_2, steps)) as f32,
            keep: (1.0 - rate * self.decay) as f32,
            epsilon: EPSILON as f32,
            share: [(1.0 - BETA_1) as f32, (1.0 - BETA_2) as f32],
        }
    }

    /// Updates a parameter by its gradient, `[rows][stride]`, as [`crate::optimiser::AdamW`] does.
    pub(super) fn adamw(&mut self, index: usize, gradient: &[f32], rate: f64) {
        self.steps[index] = self.steps[index].saturating_add(1);
        let by = self.adam(self.steps[index], rate);
        let range = self.places[index].range();
        let moments = [
            &mut self.mean[range.clone()],
            &mut self.square[range.clone()],
        ];
        passes::adamw(&mut self.values[range], moments, gradient, by);
    }

    /// Returns `[rows][stride]` of a flat vector as `[columns][rows]`.
    fn unpacked(&self, index: usize, all: &[f32]) -> Vec<f32> {
        unpack(self.places[index], &all[self.places[index].range()])
    }
}

/// Returns the numbers of a parameter, `[rows][stride]`, as `[columns][rows]`.
pub(super) fn unpack(place: Place, packed: &[f32]) -> Vec<f32> {
    let columns = 0..place.columns;
    let numbers = columns
        .flat_map(|column| (0..place.rows).map(move |row| packed[row * place.stride + column]));
    numbers.collect()
}

/// Writes `[columns][rows]` to a parameter's place in a flat vector.
///
/// # Panics
/// If the count of numbers differs.
fn pack(place: Place, numbers: &[f32], all: &mut [f32]) {
    assert_eq!(
        numbers.len(),
        place.rows * place.columns,
        "a parameter has its numbers"
    );
    let target = &mut all[place.range()];
    for (column, numbers) in numbers.chunks_exact(place.rows).enumerate() {
        for (row, &number) in numbers.iter().enumerate() {
            target[row * place.stride + column] = number;
        }
    }
}
