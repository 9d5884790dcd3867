//! Every kernel against plain indexed loops, bit for bit, over random shapes, and with lengths that
//! disagree.

use super::add::add;
use super::blocks::block_lanes;
use super::conv1d::{Conv1d, conv1d};
use super::conv2d::{Conv2d, conv2d};
use super::dense::{Dense, dense, packed_length};
use super::elementwise::{clip, logarithm, rescale, standardise};
use super::finish::Then;
use super::multiply::multiply;
use super::resize::{Resize, resize};
use super::resize2d::{Resize2d, resize2d};
use super::transpose::transpose;
use super::transposed_conv1d::{TransposedConv1d, transposed_conv1d};
use super::transposed_conv2d::{TransposedConv2d, natural_length, transposed_conv2d};
use crate::elementary;
use crate::fma::{Arithmetic, Native};
use crate::simd::portable::Portable;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn values(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-2.0..2.0)).collect()
}

fn assert_bits(got: &[f32], expected: &[f32], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (place, (got, expected)) in got.iter().zip(expected).enumerate() {
        let same = got.to_bits() == expected.to_bits();
        assert!(same, "{what}: number {place} is {got:?}, not {expected:?}");
    }
}

/// Runs a case over 200 seeds.
fn repeated(case: impl Fn(&mut ChaCha8Rng)) {
    for seed in 0..200 {
        case(&mut ChaCha8Rng::seed_from_u64(seed));
    }
}

/// Random values with many zeros of both signs and many tiny and huge values.
fn odd_values(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    const ODD: [f32; 6] = [0.0, -0.0, 1e-40, -1e-42, 1e30, -1e25];
    let mut values = values(rng, count);
    for value in &mut values {
        if rng.random_bool(0.2) {
            *value = ODD[rng.random_range(0..ODD.len())];
        }
    }
    values
}

/// Weights `[rows][outputs]` in the kernels' packing.
fn packed(weights: &[f32], outputs: usize) -> Vec<f32> {
    let (mut packed, mut first) = (Vec::new(), 0);
    while first < outputs {
        let lanes = block_lanes(outputs, first);
        for row in weights.chunks_exact(outputs) {
            packed.extend((first..first + lanes).map(|o| row.get(o).copied().unwrap_or(0.0)));
        }
        first += lanes;
    }
    packed
}

const THEN: [Then; 5] = [
    Then::Nothing,
    Then::Relu,
    Then::Add,
    Then::ReluAdd,
    Then::AddRelu,
];

/// The fused finish in plain steps.
fn then(then: Then, sum: f32, residual: f32) -> f32 {
    let relu = elementary::relu;
    match then {
        Then::Nothing => sum,
        Then::Relu => relu(sum),
        Then::Add => sum + residual,
        Then::ReluAdd => relu(sum) + residual,
        Then::AddRelu => relu(sum + residual),
    }
}

#[test]
fn a_dense_layer_has_the_bits_of_its_written_order() {
    repeated(|rng| {
        let (inputs, outputs) = (rng.random_range(1..40), rng.random_range(1..200));
        let (samples, gap) = (rng.random_range(1..20), rng.random_range(0..3));
        let fused = THEN[rng.random_range(0..THEN.len())];
        let sizes = Dense {
            samples,
            inputs,
            from: inputs + gap,
            outputs,
            to: outputs + 2 * gap,
            residual: outputs + gap,
        };
        let x = odd_values(rng, samples * sizes.from);
        let (weights, bias) = (values(rng, inputs * outputs), odd_values(rng, outputs));
        let step = sizes.residual;
        let residual = odd_values(rng, samples * step);
        let packed = packed(&weights, outputs);
        assert_eq!(packed.len(), packed_length(inputs, outputs));
        let mut y = vec![f32::NAN; samples * sizes.to];
        dense(&x, &packed, &bias, &mut y, sizes, fused, &residual);
        for sample in 0..samples {
            let x = &x[sample * sizes.from..];
            let expected: Vec<f32> = (0..outputs)
                .map(|o| {
                    let sum = (0..inputs).fold(bias[o], |sum, i| {
                        Native::fma(x[i], weights[i * outputs + o], sum)
                    });
                    then(fused, sum, residual[sample * step + o])
                })
                .collect();
            let y = &y[sample * sizes.to..];
            assert_bits(&y[..outputs], &expected, &format!("{sizes:?} {fused:?}"));
            let rest = &y[outputs..sizes.to];
            assert!(rest.iter().all(|y| y.is_nan()), "written past the outputs");
        }
    });
}

#[test]
fn blocks_pad_at_most_an_eighth() {
    for outputs in 1..1000 {
        assert!(
            packed_length(1, outputs) * 8 <= outputs * 9,
            "{outputs} outputs"
        );
    }
}

/// The input position along one axis, if it is inside.
fn source(p: usize, t: usize, kernel: usize, stride: usize, length: usize) -> Option<usize> {
    let stretched = (p + kernel / 2).checked_sub(t)?;
    (stretched % stride == 0 && stretched / stride < length).then_some(stretched / stride)
}

#[test]
fn a_convolution_has_the_bits_of_its_written_order() {
    repeated(|rng| {
        let height = if rng.random() {
            1
        } else {
            rng.random_range(1..8)
        };
        // Rows of few outputs, which are computed many positions at a time, are long.
        let (width, outputs) = if rng.random() { (300, 6) } else { (30, 40) };
        let sizes = Conv2d {
            size: [height, rng.random_range(1..width)],
            inputs: rng.random_range(1..20),
            outputs: rng.random_range(1..outputs),
            kernel: [
                2 * rng.random_range(0..3) + 1,
                2 * rng.random_range(0..4) + 1,
            ],
        };
        let kernel = if height == 1 {
            [1, sizes.kernel[1]]
        } else {
            sizes.kernel
        };
        let sizes = Conv2d { kernel, ..sizes };
        let fused = THEN[rng.random_range(0..THEN.len())];
        let ([_, width], [rows, columns]) = (sizes.size, sizes.kernel);
        let (inputs, outputs) = (sizes.inputs, sizes.outputs);
        let x = odd_values(rng, height * width * inputs);
        let weights = values(rng, rows * columns * inputs * outputs);
        let bias = odd_values(rng, outputs);
        let residual = odd_values(rng, height * width * outputs);
        let mut expected = Vec::new();
        for (r, c, o) in places(height, width, outputs) {
            let mut sum = bias[o];
            for (s, t) in (0..rows).flat_map(|s| (0..columns).map(move |t| (s, t))) {
                let (q, p) = (r + s, c + t);
                let inside = |q: usize, half: usize, length| q >= half && q - half < length;
                if inside(q, rows / 2, height) && inside(p, columns / 2, width) {
                    let x = &x[((q - rows / 2) * width + p - columns / 2) * inputs..];
                    for i in 0..inputs {
                        let weight = weights[((s * columns + t) * inputs + i) * outputs + o];
                        sum = Native::fma(x[i], weight, sum);
                    }
                }
            }
            expected.push(then(fused, sum + 0.0, residual[expected.len()]));
        }
        let packed = packed(&weights, outputs);
        let mut y = vec![f32::NAN; expected.len()];
        conv2d(&x, &packed, &bias, &mut y, sizes, fused, &residual);
        assert_bits(&y, &expected, &format!("{sizes:?} {fused:?}"));
        // The plain vectors of other targets.
        let layer = super::conv2d::layer(&x, &packed, &bias, y.len(), sizes, fused, &residual);
        y.fill(f32::NAN);
        layer.write_by::<Portable<8>>(&mut y);
        assert_bits(&y, &expected, &format!("by eights: {sizes:?} {fused:?}"));
        y.fill(f32::NAN);
        layer.write_by::<Portable<4>>(&mut y);
        assert_bits(&y, &expected, &format!("by fours: {sizes:?} {fused:?}"));
        if height == 1 {
            let sizes = Conv1d {
                length: width,
                inputs,
                outputs,
                kernel: columns,
            };
            conv1d(&x, &packed, &bias, &mut y, sizes, fused, &residual);
            assert_bits(&y, &expected, &format!("{sizes:?} {fused:?}"));
        }
    });
}

/// Row, column and channel of every output, in order.
fn places(
    height: usize,
    width: usize,
    channels: usize,
) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..height * width * channels).map(move |place| {
        let position = place / channels;
        (position / width, position % width, place % channels)
    })
}

#[test]
fn a_transposed_convolution_has_the_bits_of_its_written_order() {
    repeated(|rng| {
        let one = rng.random();
        let mut axis = |most: usize| {
            if one {
                [1, rng.random_range(1..most)]
            } else {
                [rng.random_range(1..most / 2), rng.random_range(1..most)]
            }
        };
        let (size_in, size_out, stride) = (axis(60), axis(120), axis(4));
        let half = axis(4);
        let sizes = TransposedConv2d {
            size_in,
            size_out,
            inputs: rng.random_range(1..20),
            outputs: if rng.random() {
                rng.random_range(1..6)
            } else {
                rng.random_range(1..40)
            },
            kernel: if one {
                [1, 2 * half[1] - 1]
            } else {
                half.map(|half| 2 * half - 1)
            },
            stride,
        };
        let fused = [Then::Nothing, Then::Relu][rng.random_range(0..2)];
        let ([rows, columns], inputs, outputs) = (sizes.kernel, sizes.inputs, sizes.outputs);
        let x = odd_values(rng, size_in[0] * size_in[1] * inputs);
        let weights = values(rng, rows * columns * inputs * outputs);
        let bias = odd_values(rng, outputs);
        let natural = |k: usize| natural_length(size_in[k], sizes.kernel[k], stride[k]);
        let mut expected = Vec::new();
        for (r, c, o) in places(size_out[0], size_out[1], outputs) {
            if r >= natural(0) || c >= natural(1) {
                expected.push(0.0);
                continue;
            }
            let mut sum = bias[o];
            for (s, t) in (0..rows).flat_map(|s| (0..columns).map(move |t| (s, t))) {
                let q = source(r, s, rows, stride[0], size_in[0]);
                let p = source(c, t, columns, stride[1], size_in[1]);
                if let (Some(q), Some(p)) = (q, p) {
                    let x = &x[(q * size_in[1] + p) * inputs..];
                    for i in 0..inputs {
                        let weight = weights[((s * columns + t) * inputs + i) * outputs + o];
                        sum = Native::fma(x[i], weight, sum);
                    }
                }
            }
            expected.push(then(fused, sum + 0.0, 0.0));
        }
        let packed = packed(&weights, outputs);
        let mut y = vec![f32::NAN; expected.len()];
        transposed_conv2d(&x, &packed, &bias, &mut y, sizes, fused);
        assert_bits(&y, &expected, &format!("{sizes:?}"));
        if one {
            let sizes = TransposedConv1d {
                length_in: size_in[1],
                length_out: size_out[1],
                inputs,
                outputs,
                kernel: columns,
                stride: stride[1],
            };
            transposed_conv1d(&x, &packed, &bias, &mut y, sizes, fused);
            assert_bits(&y, &expected, &format!("{sizes:?}"));
        }
    });
}

#[test]
fn resize_and_transpose_move_each_value_to_its_place() {
    repeated(|rng| {
        let (length_in, length_out, channels) = (
            rng.random_range(1..300),
            rng.random_range(1..600),
            rng.random_range(1..10),
        );
        let x = values(rng, length_in * channels);
        let mut y = vec![f32::NAN; length_out * channels];
        resize(
            &x,
            &mut y,
            Resize {
                length_in,
                length_out,
                channels,
            },
        );
        for p in 0..length_out {
            for c in 0..channels {
                assert_eq!(
                    y[p * channels + c],
                    x[p * length_in / length_out * channels + c]
                );
            }
        }
        let mut turned = vec![f32::NAN; x.len()];
        transpose(&x, &mut turned, length_in, channels);
        for p in 0..length_in {
            for c in 0..channels {
                assert_eq!(turned[c * length_in + p], x[p * channels + c]);
            }
        }
    });
}

#[test]
fn the_longest_rows_are_resized_from_their_nearest_neighbours() {
    for length_out in [(1 << 16) - 1, 1 << 16, (1 << 16) + 1] {
        for length_in in [
            1,
            3,
            length_out / 3,
            length_out - 1,
            length_out,
            length_out + 1,
        ] {
            let x: Vec<f32> = (0..length_in).map(|p| p as f32).collect();
            let mut y = vec![f32::NAN; length_out];
            let sizes = Resize {
                length_in,
                length_out,
                channels: 1,
            };
            resize(&x, &mut y, sizes);
            for (p, &y) in y.iter().enumerate() {
                assert_eq!(y, (p * length_in / length_out) as f32, "{p} of {sizes:?}");
            }
        }
    }
}

#[test]
fn resizing_an_image_takes_the_nearest_row_and_column() {
    repeated(|rng| {
        let mut size = |most| [rng.random_range(1..most), rng.random_range(1..most)];
        let (size_in, size_out) = (size(12), size(30));
        let channels = rng.random_range(1..20);
        let x = values(rng, size_in[0] * size_in[1] * channels);
        let expected: Vec<f32> = places(size_out[0], size_out[1], channels)
            .map(|(r, c, channel)| {
                let q = r * size_in[0] / size_out[0];
                let p = c * size_in[1] / size_out[1];
                x[(q * size_in[1] + p) * channels + channel]
            })
            .collect();
        let mut y = vec![f32::NAN; expected.len()];
        let sizes = Resize2d {
            size_in,
            size_out,
            channels,
        };
        resize2d(&x, &mut y, sizes);
        assert_bits(&y, &expected, &format!("{sizes:?}"));
    });
}

#[test]
fn elementwise_operations_are_what_they_say() {
    repeated(|rng| {
        let count = rng.random_range(1..20);
        let (x, a, b) = (values(rng, count), values(rng, count), values(rng, count));
        let mut y = x.clone();
        standardise(&a, &b, &mut y);
        let expected: Vec<f32> = (0..count).map(|j| (x[j] - a[j]) * b[j]).collect();
        assert_bits(&y, &expected, "standardise");
        y.clone_from(&x);
        rescale(&a, &b, &mut y);
        let expected: Vec<f32> = (0..count).map(|j| Native::fma(x[j], a[j], b[j])).collect();
        assert_bits(&y, &expected, "rescale");
        y.clone_from(&x);
        let [low, high] = [f32::min, f32::max]
            .map(|of| -> Vec<f32> { a.iter().zip(&b).map(|(&a, &b)| of(a, b)).collect() });
        clip(&low, &high, &mut y);
        let expected: Vec<f32> = (0..count).map(|j| x[j].clamp(low[j], high[j])).collect();
        assert_bits(&y, &expected, "clip");
        add(&x, &a, &mut y);
        let expected: Vec<f32> = (0..count).map(|j| x[j] + a[j]).collect();
        assert_bits(&y, &expected, "add");
        multiply(&x, &a, &mut y);
        let expected: Vec<f32> = (0..count).map(|j| x[j] * a[j]).collect();
        assert_bits(&y, &expected, "multiply");
        let mask: Vec<bool> = (0..count).map(|_| rng.random()).collect();
        y.clone_from(&x);
        logarithm(&mask, &mut y);
        for j in 0..count {
            let positive = if x[j] > 0.0 { x[j] } else { f32::MIN_POSITIVE };
            let expected = if mask[j] {
                elementary::ln::<Native>(positive)
            } else {
                x[j]
            };
            assert_eq!(y[j].to_bits(), expected.to_bits());
        }
    });
}

#[test]
fn lengths_that_disagree_never_panic() {
    repeated(|rng| {
        let mut any = |most| rng.random_range(0..most);
        let (x, weights, bias) = (vec![1.0; any(50)], vec![1.0; any(300)], vec![1.0; any(50)]);
        let mut y = vec![0.0; any(100)];
        // Absurd sizes must cause neither work nor overflow.
        let mut any = |most| match rng.random_range(0..12) {
            0 => usize::MAX,
            _ => rng.random_range(0..most),
        };
        let (length, inputs, outputs, channels) = (any(9), any(9), any(9), any(9));
        let sizes = Dense {
            samples: any(9),
            inputs,
            from: any(9),
            outputs,
            to: any(9),
            residual: any(9),
        };
        dense(&x, &weights, &bias, &mut y, sizes, Then::Add, &x);
        let sizes = Conv2d {
            size: [any(9), length],
            inputs,
            outputs,
            kernel: [any(9), any(9)],
        };
        conv2d(&x, &weights, &bias, &mut y, sizes, Then::AddRelu, &bias);
        let length_out = any(9);
        let sizes = TransposedConv2d {
            size_in: [any(9), length],
            size_out: [any(9), length_out],
            inputs,
            outputs,
            kernel: [any(9), any(9)],
            stride: [any(4), any(4)],
        };
        transposed_conv2d(&x, &weights, &bias, &mut y, sizes, Then::Nothing);
        resize(
            &x,
            &mut y,
            Resize {
                length_in: length,
                length_out,
                channels,
            },
        );
        let sizes = Resize2d {
            size_in: [any(9), length],
            size_out: [any(9), length_out],
            channels,
        };
        resize2d(&x, &mut y, sizes);
        transpose(&x, &mut y, length, inputs);
        add(&x, &bias, &mut y);
        rescale(&x, &bias, &mut y);
    });
}
