//! Every kernel against plain indexed loops, bit for bit, over random shapes; and against lengths that disagree.

use super::add::add;
use super::conv1d::{Conv1d, conv1d};
use super::dense::{block_lanes, dense, packed_length};
use super::elementwise::{logarithm, rescale, standardise};
use super::resize::{Resize, resize};
use super::transpose::transpose;
use super::transposed_conv1d::{TransposedConv1d, transposed_conv1d};
use crate::elementary;
use crate::fma::{Arithmetic, Native};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn values(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| rng.random_range(-2.0..2.0)).collect()
}

fn assert_bits(got: &[f32], expected: &[f32], what: &str) {
    let bits = |values: &[f32]| {
        values
            .iter()
            .map(|value| value.to_bits())
            .collect::<Vec<_>>()
    };
    assert_eq!(bits(got), bits(expected), "{what}");
}

/// Runs a case over 200 seeds.
fn repeated(case: impl Fn(&mut ChaCha8Rng)) {
    for seed in 0..200 {
        case(&mut ChaCha8Rng::seed_from_u64(seed));
    }
}

/// Weights `[inputs][outputs]` as the dense kernel wants them.
fn packed(weights: &[f32], inputs: usize, outputs: usize) -> Vec<f32> {
    let (mut packed, mut first) = (Vec::new(), 0);
    while first < outputs {
        let lanes = block_lanes(outputs - first);
        for i in 0..inputs {
            for o in first..first + lanes {
                packed.push(if o < outputs {
                    weights[i * outputs + o]
                } else {
                    0.0
                });
            }
        }
        first += lanes;
    }
    packed
}

#[test]
fn a_dense_layer_has_the_bits_of_its_written_order() {
    repeated(|rng| {
        let (inputs, outputs) = (rng.random_range(1..40), rng.random_range(1..200));
        let (x, weights, bias) = (
            values(rng, inputs),
            values(rng, inputs * outputs),
            values(rng, outputs),
        );
        let expected: Vec<f32> = (0..outputs)
            .map(|o| {
                (0..inputs).fold(bias[o], |sum, i| {
                    Native::fma(x[i], weights[i * outputs + o], sum)
                })
            })
            .collect();
        let packed = packed(&weights, inputs, outputs);
        assert_eq!(packed.len(), packed_length(inputs, outputs));
        let mut y = vec![f32::NAN; outputs];
        dense(&x, &packed, &bias, &mut y);
        assert_bits(&y, &expected, &format!("{inputs} -> {outputs}"));
    });
}

#[test]
fn blocks_pad_at_most_a_quarter() {
    for outputs in 1..1000 {
        assert!(
            packed_length(1, outputs) * 3 <= outputs * 4,
            "{outputs} outputs"
        );
    }
}

#[test]
fn a_convolution_has_the_bits_of_its_written_order() {
    repeated(|rng| {
        let sizes = Conv1d {
            length: rng.random_range(1..20),
            inputs: rng.random_range(1..20),
            outputs: rng.random_range(1..40),
            kernel: 2 * rng.random_range(0..4) + 1,
        };
        let Conv1d {
            length,
            inputs,
            outputs,
            kernel,
        } = sizes;
        let (x, weights) = (
            values(rng, length * inputs),
            values(rng, kernel * inputs * outputs),
        );
        let bias = values(rng, outputs);
        let mut expected = vec![0.0; length * outputs];
        for p in 0..length {
            for o in 0..outputs {
                let mut sum = bias[o];
                for t in 0..kernel {
                    let q = p as i64 + t as i64 - kernel as i64 / 2;
                    if (0..length as i64).contains(&q) {
                        for i in 0..inputs {
                            let weight = weights[(t * inputs + i) * outputs + o];
                            sum = Native::fma(x[q as usize * inputs + i], weight, sum);
                        }
                    }
                }
                expected[p * outputs + o] = sum;
            }
        }
        let mut y = vec![f32::NAN; length * outputs];
        conv1d(&x, &weights, &bias, &mut y, sizes);
        assert_bits(&y, &expected, &format!("{sizes:?}"));
    });
}

#[test]
fn a_transposed_convolution_has_the_bits_of_its_written_order() {
    repeated(|rng| {
        let sizes = TransposedConv1d {
            length_in: rng.random_range(1..12),
            length_out: rng.random_range(1..40),
            inputs: rng.random_range(1..20),
            outputs: rng.random_range(1..40),
            kernel: 2 * rng.random_range(0..4) + 1,
            stride: rng.random_range(1..4),
        };
        let TransposedConv1d {
            length_in,
            length_out,
            inputs,
            outputs,
            kernel,
            stride,
        } = sizes;
        let (x, weights) = (
            values(rng, length_in * inputs),
            values(rng, kernel * inputs * outputs),
        );
        let bias = values(rng, outputs);
        let natural = (length_in - 1) * stride + kernel - 2 * (kernel / 2);
        let mut expected = vec![0.0; length_out * outputs];
        for p in 0..length_out.min(natural) {
            for o in 0..outputs {
                let mut sum = bias[o];
                for t in 0..kernel {
                    // The input position that spreads to p by this tap, if one does.
                    for q in (0..length_in).filter(|q| q * stride + t == p + kernel / 2) {
                        for i in 0..inputs {
                            sum = Native::fma(
                                x[q * inputs + i],
                                weights[(t * inputs + i) * outputs + o],
                                sum,
                            );
                        }
                    }
                }
                expected[p * outputs + o] = sum;
            }
        }
        let mut y = vec![f32::NAN; length_out * outputs];
        transposed_conv1d(&x, &weights, &bias, &mut y, sizes);
        assert_bits(&y, &expected, &format!("{sizes:?}"));
    });
}

#[test]
fn resize_and_transpose_move_each_value_to_its_place() {
    repeated(|rng| {
        let (length_in, length_out, channels) = (
            rng.random_range(1..30),
            rng.random_range(1..60),
            rng.random_range(1..6),
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
        add(&x, &a, &mut y);
        let expected: Vec<f32> = (0..count).map(|j| x[j] + a[j]).collect();
        assert_bits(&y, &expected, "add");
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
        dense(&x, &weights, &bias, &mut y);
        // Any size may also be absurd: it costs no work, overflows nothing.
        let mut any = |most| match rng.random_range(0..12) {
            0 => usize::MAX,
            _ => rng.random_range(0..most),
        };
        let (length, inputs, outputs, kernel, stride) = (any(9), any(9), any(9), any(9), any(4));
        conv1d(
            &x,
            &weights,
            &bias,
            &mut y,
            Conv1d {
                length,
                inputs,
                outputs,
                kernel,
            },
        );
        let length_out = any(9);
        let sizes = TransposedConv1d {
            length_in: length,
            length_out,
            inputs,
            outputs,
            kernel,
            stride,
        };
        transposed_conv1d(&x, &weights, &bias, &mut y, sizes);
        resize(
            &x,
            &mut y,
            Resize {
                length_in: length,
                length_out,
                channels: inputs,
            },
        );
        transpose(&x, &mut y, length, inputs);
        add(&x, &bias, &mut y);
        rescale(&x, &bias, &mut y);
    });
}
