//! Folds of the rows: each network of a fold trains on the rows of the others.
//!
//! Rows with equal inputs are in one fold, so that no network knows the answer to a row that judges
//! it.

use crate::streams::{permutation, stream};
use std::collections::HashMap;

/// Number of folds.
pub(super) const FOLDS: usize = 5;
/// Folds are judged until this number of rows is: more rows hardly make the judgement surer.
const JUDGED_ROWS: usize = 600;

/// The fold of each training row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Folds {
    of_row: Vec<usize>,
}

impl Folds {
    /// Divides rows with these inputs, `[rows][inputs]`, into folds of nearly equal size.
    pub(super) fn draw(x: &[f32], inputs: usize, seed: u64) -> Self {
        let rows = x.len() / inputs;
        let mut first = HashMap::new();
        let original: Vec<usize> = x
            .chunks_exact(inputs)
            .enumerate()
            .map(|(row, x)| {
                let bits: Vec<u32> = x.iter().map(|x| x.to_bits()).collect();
                *first.entry(bits).or_insert(row)
            })
            .collect();
        let mut of_row = vec![0; rows];
        let order = permutation(&mut stream(seed, "folds"), rows);
        let originals = order.into_iter().filter(|&row| original[row] == row);
        for (place, row) in originals.enumerate() {
            of_row[row] = place % FOLDS;
        }
        for row in 0..rows {
            of_row[row] = of_row[original[row]];
        }
        Self { of_row }
    }

    /// Returns the places, in the list of training rows, of the rows that a fold judges.
    pub(super) fn judged(&self, fold: usize) -> Vec<usize> {
        self.places(|of| of == fold)
    }

    /// Returns the places of the rows that the fold's network trains on.
    pub(super) fn trained(&self, fold: usize) -> Vec<usize> {
        self.places(|of| of != fold)
    }

    /// Returns the number of folds that have rows.
    pub(super) fn all(&self) -> usize {
        self.of_row.iter().max().map_or(0, |most| most + 1)
    }

    /// Returns the number of folds that are needed for a judgement: all of them where rows are few.
    pub(super) fn needed(&self) -> usize {
        let rows = self.of_row.len();
        (JUDGED_ROWS * FOLDS).div_ceil(rows.max(1)).clamp(1, FOLDS)
    }

    fn places(&self, wanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let rows = self.of_row.iter().enumerate();
        rows.filter(|(_, of)| wanted(**of))
            .map(|(row, _)| row)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_divide_the_rows_and_repeated_inputs_stay_together() {
        // Row r has the inputs of row r % 40.
        let x: Vec<f32> = (0..50).flat_map(|row| [(row % 40) as f32, 1.0]).collect();
        let folds = Folds::draw(&x, 2, 3);
        let mut seen = [0; 50];
        for fold in 0..FOLDS {
            let (judged, trained) = (folds.judged(fold), folds.trained(fold));
            assert_eq!(judged.len() + trained.len(), 50);
            assert_eq!(judged.iter().filter(|&&row| row < 40).count(), 8);
            judged.iter().for_each(|&row| seen[row] += 1);
        }
        assert!(seen.iter().all(|&count| count == 1));
        assert!((40..50).all(|row| folds.of_row[row] == folds.of_row[row - 40]));
        assert_eq!(folds, Folds::draw(&x, 2, 3));
        assert_ne!(folds, Folds::draw(&x, 2, 4));
    }

    #[test]
    fn few_rows_need_every_fold_and_many_need_one() {
        let folds = |rows: usize| {
            let x: Vec<f32> = (0..rows).map(|row| row as f32).collect();
            Folds::draw(&x, 1, 0).needed()
        };
        assert_eq!(
            [30, 600, 1200, 1500, 3000, 9000].map(folds),
            [5, 5, 3, 2, 1, 1]
        );
    }
}
