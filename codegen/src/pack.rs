//! How the runtime's kernels want their weights stored.
//!
//! Dense weights are cut into blocks of outputs, `[block][IN][lanes]`, the last lanes filled with zeros, as the runtime's
//! dense kernel documents; every other array stays as it is in the graph.

use crate::graph::Parameter;
use dense_runtime::kernels::dense::{block_lanes, packed_length};

/// A parameter's values as they are stored for the kernels: matrices packed, everything else as it is.
#[must_use]
pub fn stored(parameter: &Parameter) -> Vec<f32> {
    match *parameter.shape() {
        [inputs, outputs] => dense(parameter.values(), inputs, outputs),
        _ => parameter.values().to_vec(),
    }
}

/// How many values [`stored`] gives.
#[must_use]
pub fn stored_length(parameter: &Parameter) -> usize {
    match *parameter.shape() {
        [inputs, outputs] => packed_length(inputs, outputs),
        _ => parameter.values().len(),
    }
}

/// Dense weights `[inputs][outputs]` in blocks.
fn dense(weights: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let mut packed = Vec::with_capacity(packed_length(inputs, outputs));
    let mut first = 0;
    while first < outputs {
        let lanes = block_lanes(outputs - first);
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
        for (inputs, outputs) in [(1, 1), (3, 7), (2, 64), (2, 65), (5, 250), (4, 127)] {
            let weights: Vec<_> = (1..=inputs * outputs).map(|value| value as f32).collect();
            let packed = dense(&weights, inputs, outputs);
            assert_eq!(packed.len(), packed_length(inputs, outputs));
            let mut stored: Vec<_> = packed.into_iter().filter(|&value| value != 0.0).collect();
            stored.sort_by(f32::total_cmp);
            assert_eq!(stored, weights);
        }
    }

    #[test]
    fn a_block_has_its_outputs_side_by_side() {
        // Seven outputs fill a block of eight lanes.
        let weights: Vec<_> = (0..14).map(|value| value as f32).collect();
        let packed = dense(&weights, 2, 7);
        assert_eq!(packed[..8], [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0]);
        assert_eq!(packed[8..], [7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 0.0]);
    }
}
