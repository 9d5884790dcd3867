//! The storage of weights for the runtime's kernels.
//!
//! The weights of dense layers and convolutions are cut into blocks of outputs,
//! `[block][tap][IN][lanes]`, the last lanes padded with zeros, as documented in the runtime's
//! `tiles`. Every other array stays as it is in the graph.

use crate::graph::Parameter;
use dense_runtime::kernels::blocks::{all_lanes, block_lanes};

/// A parameter's values as stored for the kernels: weights packed, vectors unchanged.
#[must_use]
pub fn stored(parameter: &Parameter) -> Vec<f32> {
    match *parameter.shape() {
        [.., _, outputs] => blocks(parameter.values(), outputs),
        _ => parameter.values().to_vec(),
    }
}

/// The number of values that [`stored`] returns.
#[must_use]
pub fn stored_length(parameter: &Parameter) -> usize {
    stored_numbers(parameter.shape())
}

/// The number of values that [`stored`] returns for a parameter of this shape.
#[must_use]
pub fn stored_numbers(shape: &[usize]) -> usize {
    match *shape {
        [ref rows @ .., inputs, outputs] => {
            rows.iter().product::<usize>() * inputs * all_lanes(outputs)
        }
        _ => shape.iter().product(),
    }
}

/// Weights `[..][outputs]` in blocks.
fn blocks(weights: &[f32], outputs: usize) -> Vec<f32> {
    let mut packed = Vec::with_capacity(weights.len() / outputs * all_lanes(outputs));
    let mut first = 0;
    while first < outputs {
        let lanes = block_lanes(outputs, first);
        let end = outputs.min(first + lanes);
        for row in weights.chunks_exact(outputs) {
            packed.extend_from_slice(&row[first..end]);
            packed.resize(packed.len() + first + lanes - end, 0.0);
        }
        first += lanes;
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_is_stored_once_and_the_rest_is_zeros() {
        for (rows, outputs) in [(1, 1), (3, 7), (2, 64), (2, 65), (5, 250), (4, 127)] {
            let weights: Vec<_> = (1..=rows * outputs).map(|value| value as f32).collect();
            let packed = blocks(&weights, outputs);
            assert_eq!(packed.len(), rows * all_lanes(outputs));
            let mut stored: Vec<_> = packed.into_iter().filter(|&value| value != 0.0).collect();
            stored.sort_by(f32::total_cmp);
            assert_eq!(stored, weights);
        }
    }

    #[test]
    fn a_block_has_its_outputs_side_by_side() {
        // 23 outputs fill a block of sixteen lanes and one of eight.
        let weights: Vec<_> = (0..46).map(|value| value as f32).collect();
        let packed = blocks(&weights, 23);
        assert_eq!(packed[..3], [0.0, 1.0, 2.0]);
        assert_eq!(packed[16..19], [23.0, 24.0, 25.0]);
        assert_eq!(
            packed[32..40],
            [16.0, 17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 0.0]
        );
        assert_eq!(
            packed[40..48],
            [39.0, 40.0, 41.0, 42.0, 43.0, 44.0, 45.0, 0.0]
        );
    }
}
