//! The scalar loop has the bits of the tiles.

use super::{Tile, accumulate_plainly, fixed, write};
use crate::kernels::axis::Axis;
use crate::kernels::blocks::{FULL, all_lanes};
use crate::kernels::finish::{Finish, Then};
use crate::kernels::layer::Layer;
use crate::simd::portable::Portable;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const THEN: [Then; 5] = [
    Then::Nothing,
    Then::Relu,
    Then::Add,
    Then::ReluAdd,
    Then::AddRelu,
];

/// A layer's axis: that of a convolution, or of one phase of a transposed one with stride 2, which
/// may have no tap.
fn axis(random: &mut ChaCha8Rng, length: usize) -> (Axis, usize, usize) {
    let kernel = 2 * random.random_range(0..3_usize) + 1;
    if random.random() {
        let axis = Axis {
            taps: kernel,
            offset: (kernel / 2).wrapping_neg(),
            ..Axis::each(length)
        };
        return (axis, kernel, length);
    }
    let phase = random.random_range(0..2);
    let axis = Axis {
        length,
        start: phase,
        step: 2,
        count: length,
        tap: phase,
        tap_step: 2,
        taps: kernel.saturating_sub(phase).div_ceil(2),
        offset: 0,
        direction: 1_usize.wrapping_neg(),
    };
    (axis, kernel, 2 * length)
}

#[test]
fn every_layer_has_the_bits_of_the_tiles() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for _ in 0..200 {
        let [height, width] = [1, 4].map(|least| random.random_range(1..9 * least));
        let (inputs, outputs) = (random.random_range(1..20), random.random_range(1..40));
        let (vertical, lines, rows) = axis(&mut random, height);
        let (horizontal, row_of_taps, columns) = axis(&mut random, width);
        let taps = lines * row_of_taps;
        let numbers = |count: usize, random: &mut ChaCha8Rng| -> Vec<f32> {
            (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
        };
        let x = numbers(height * width * inputs, &mut random);
        let weights = numbers(taps * inputs * all_lanes(outputs), &mut random);
        let bias = numbers(outputs, &mut random);
        let residual = numbers(rows * columns * outputs, &mut random);
        let layer = Layer {
            x: &x,
            weights: &weights,
            bias: &bias,
            inputs,
            outputs,
            from: inputs,
            to: outputs,
            columns,
            row_of_taps,
            taps,
            vertical,
            horizontal,
            residual_step: outputs,
            finish: Finish {
                then: THEN[random.random_range(0..5)],
                residual: &residual,
                positive_zero: random.random(),
            },
        };
        let (mut got, mut expected) = (vec![9.0; residual.len()], vec![9.0; residual.len()]);
        write(&layer, &mut got);
        layer.write_by::<Portable<8>>(&mut expected);
        let bits = |values: &[f32]| {
            values
                .iter()
                .map(|value| value.to_bits())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            bits(&got),
            bits(&expected),
            "{height} x {width}, {inputs} to {outputs}, {:?}",
            layer.finish.then
        );
    }
}

#[test]
fn what_is_not_there_is_not_read() {
    let (x, weights, bias) = ([1.0; 5], [1.0; 16], [1.0]);
    let layer = Layer {
        x: &x,
        weights: &weights,
        bias: &bias,
        inputs: 2,
        outputs: 1,
        from: 2,
        to: 1,
        columns: 3,
        row_of_taps: 1,
        taps: 1,
        vertical: Axis::ONE,
        horizontal: Axis::each(3),
        residual_step: 0,
        finish: Finish {
            then: Then::Nothing,
            residual: &[],
            positive_zero: false,
        },
    };
    let mut y = [9.0; 3];
    write(&layer, &mut y);
    assert_eq!(y, [9.0; 3]);
}

#[test]
fn a_tile_of_fixed_size_has_the_bits_of_the_plain_one() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    for (positions, width) in [(1, 16), (1, 8), (2, 8), (4, 4), (4, 2), (4, 1), (1, 1)] {
        for left in 1..=4 {
            for start_step in [0, width] {
                let (run, from) = (random.random_range(1..9), random.random_range(9..12));
                let mut numbers = |count: usize| -> Vec<f32> {
                    (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
                };
                let (x, weights, bias) = (numbers(4 * from), numbers(run * FULL), numbers(FULL));
                let start: [f32; FULL] = bias.clone().try_into().unwrap();
                let (mut got, mut expected) = (start, start);
                let tile = Tile {
                    positions,
                    width,
                    left,
                    x: x.as_ptr(),
                    from,
                    weights: weights.as_ptr(),
                    lanes: FULL,
                    run,
                    start: bias.as_ptr(),
                    start_step,
                };
                // SAFETY: the inputs have four positions of more elements than a run, as many rows,
                // and a bias for each sum.
                unsafe {
                    fixed::accumulate(&tile, &mut got);
                    accumulate_plainly(&tile, &mut expected);
                }
                let bits = |sums: [f32; FULL]| sums.map(f32::to_bits);
                assert_eq!(bits(got), bits(expected), "{positions} by {width}, {left}");
            }
        }
    }
}
