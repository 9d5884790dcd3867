//! Layers of the super-network in candle: sequences are (batch, length, channels), convolutions matrix products.
//!
//! Built from operations whose gradients are whole. In candle 0.9 `conv_transpose1d` has no gradient, and the gradient
//! of `upsample_nearest1d` overwrites what a second consumer of its input has added; neither is used.

use candle_core::{Result, Tensor};

/// Returns the convolution of stride 1 with zero padding `K / 2` on both sides.
///
/// # Shapes
/// `x`: (batch, length, CIN); `weight`: (K, CIN, COUT); `bias`: (COUT); result: (batch, length, COUT).
pub(super) fn conv(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    let (kernel, length) = (weight.dim(0)?, x.dim(1)?);
    let padded = x.pad_with_zeros(1, kernel / 2, kernel / 2)?;
    correlate(&padded, weight, length)?.broadcast_add(bias)
}

/// Returns the transposed convolution with padding `K / 2`, cut to `length` or padded on the right with plain zeros.
///
/// Zeros between the inputs, then a convolution with the reversed taps: output `o` of the natural
/// `(n - 1) * stride - 2 * (K / 2) + K` sums `x[i] * weight[t]` over `i * stride + t = o + K / 2`.
///
/// # Shapes
/// `x`: (batch, n, CIN); `weight`: (K, CIN, COUT); `bias`: (COUT); result: (batch, length, COUT).
pub(super) fn transposed_conv(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    stride: usize,
    length: usize,
) -> Result<Tensor> {
    let (batch, positions, channels) = x.dims3()?;
    let kernel = weight.dim(0)?;
    let stuffed_length = (positions - 1) * stride + 1;
    let stuffed = x
        .reshape((batch, positions, 1, channels))?
        .pad_with_zeros(2, 0, stride - 1)?
        .reshape((batch, positions * stride, channels))?
        .narrow(1, 0, stuffed_length)?;
    // An odd kernel with padding K / 2: the natural length is that of the stuffed input.
    let natural = stuffed_length;
    let computed = natural.min(length);
    let reversed: Vec<u32> = (0..kernel as u32).rev().collect();
    let taps = weight.index_select(&Tensor::new(reversed, weight.device())?, 0)?;
    let padded = stuffed.pad_with_zeros(1, kernel / 2, kernel / 2)?;
    correlate(&padded, &taps, computed)?
        .broadcast_add(bias)?
        .pad_with_zeros(1, 0, length - computed)
}

/// Returns `sum_t padded[p + t] * weight[t]` for `p` in `0..length`: neighbours side by side, one matrix product.
fn correlate(padded: &Tensor, weight: &Tensor, length: usize) -> Result<Tensor> {
    let batch = padded.dim(0)?;
    let (kernel, inputs, outputs) = weight.dims3()?;
    let windows = (0..kernel)
        .map(|tap| padded.narrow(1, tap, length))
        .collect::<Result<Vec<_>>>()?;
    Tensor::cat(&windows, 2)?
        .reshape((batch * length, kernel * inputs))?
        .matmul(&weight.reshape((kernel * inputs, outputs))?)?
        .reshape((batch, length, outputs))
}

/// Returns the sequence resized by nearest neighbour: `out[p] = in[floor(p * n / length)]`.
pub(super) fn resize(x: &Tensor, length: usize) -> Result<Tensor> {
    let positions = x.dim(1)?;
    if positions == length {
        return Ok(x.clone());
    }
    let sources: Vec<u32> = (0..length)
        .map(|p| (p * positions / length) as u32)
        .collect();
    x.index_select(&Tensor::new(sources, x.device())?, 1)
}

/// Returns `x w + bias` for `x`: (batch, IN), `weight`: (IN, OUT), `bias`: (OUT).
pub(super) fn dense(x: &Tensor, weight: &Tensor, bias: &Tensor) -> Result<Tensor> {
    x.matmul(weight)?.broadcast_add(bias)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    /// Rounding of sums of fewer than 50 products of numbers below 1 in f64.
    const ROUNDING: f64 = 1e-13;

    fn waves(count: usize, step: f64) -> Vec<f64> {
        (0..count).map(|k| (k as f64 * step + 0.3).sin()).collect()
    }

    fn tensor(values: &[f64], shape: &[usize]) -> Tensor {
        Tensor::from_vec(values.to_vec(), shape, &Device::Cpu).unwrap()
    }

    fn assert_equal(actual: &Tensor, expected: &[f64], case: &str) {
        let actual: Vec<f64> = actual.flatten_all().unwrap().to_vec1().unwrap();
        assert_eq!(actual.len(), expected.len(), "{case}");
        for (left, right) in actual.iter().zip(expected) {
            assert!((left - right).abs() < ROUNDING, "{case}: {left} != {right}");
        }
    }

    const BATCH: usize = 2;
    const INPUTS: usize = 3;
    const OUTPUTS: usize = 2;

    #[test]
    fn transposed_convolutions_equal_plain_loops() {
        for positions in [1, 2, 5, 8] {
            for (kernel, stride) in [1, 3, 5, 7]
                .into_iter()
                .flat_map(|k| [(k, 1), (k, 2), (k, 3)])
            {
                for length in [1, 3, 2 * positions - 1, 2 * positions, 2 * positions + 3] {
                    let case = format!("{positions} -> {length}, kernel {kernel}, stride {stride}");
                    let x = waves(BATCH * positions * INPUTS, 0.7);
                    let w = waves(kernel * INPUTS * OUTPUTS, 1.3);
                    let bias = waves(OUTPUTS, 2.1);
                    let natural = (positions - 1) * stride + kernel - 2 * (kernel / 2);
                    let mut expected = vec![0.0; BATCH * length * OUTPUTS];
                    for (at, y) in expected.iter_mut().enumerate() {
                        let (b, o, co) =
                            (at / OUTPUTS / length, at / OUTPUTS % length, at % OUTPUTS);
                        if o >= natural {
                            continue;
                        }
                        *y = bias[co];
                        for t in 0..kernel {
                            for i in (0..positions).filter(|i| i * stride + t == o + kernel / 2) {
                                for ci in 0..INPUTS {
                                    *y += x[(b * positions + i) * INPUTS + ci]
                                        * w[(t * INPUTS + ci) * OUTPUTS + co];
                                }
                            }
                        }
                    }
                    let actual = transposed_conv(
                        &tensor(&x, &[BATCH, positions, INPUTS]),
                        &tensor(&w, &[kernel, INPUTS, OUTPUTS]),
                        &tensor(&bias, &[OUTPUTS]),
                        stride,
                        length,
                    );
                    assert_equal(&actual.unwrap(), &expected, &case);
                }
            }
        }
    }

    #[test]
    fn convolutions_equal_plain_loops() {
        for (length, kernel) in [1, 2, 7].into_iter().flat_map(|n| [(n, 1), (n, 3), (n, 5)]) {
            let x = waves(BATCH * length * INPUTS, 0.7);
            let w = waves(kernel * INPUTS * OUTPUTS, 1.3);
            let bias = waves(OUTPUTS, 2.1);
            let mut expected = vec![0.0; BATCH * length * OUTPUTS];
            for (at, y) in expected.iter_mut().enumerate() {
                let (b, p, co) = (at / OUTPUTS / length, at / OUTPUTS % length, at % OUTPUTS);
                *y = bias[co];
                for t in
                    (0..kernel).filter(|t| (kernel / 2..length + kernel / 2).contains(&(p + t)))
                {
                    let source = b * length + p + t - kernel / 2;
                    for ci in 0..INPUTS {
                        *y += x[source * INPUTS + ci] * w[(t * INPUTS + ci) * OUTPUTS + co];
                    }
                }
            }
            let actual = conv(
                &tensor(&x, &[BATCH, length, INPUTS]),
                &tensor(&w, &[kernel, INPUTS, OUTPUTS]),
                &tensor(&bias, &[OUTPUTS]),
            );
            assert_equal(
                &actual.unwrap(),
                &expected,
                &format!("{length}, kernel {kernel}"),
            );
        }
    }

    #[test]
    fn resizing_takes_the_nearest_position_below() {
        for (from, to) in [(1, 4), (3, 3), (4, 7), (7, 4), (63, 125), (5, 1)] {
            let x = waves(from * INPUTS, 0.7);
            let expected: Vec<f64> = (0..to)
                .flat_map(|p| x[p * from / to * INPUTS..][..INPUTS].to_vec())
                .collect();
            let actual = resize(&tensor(&x, &[1, from, INPUTS]), to).unwrap();
            assert_equal(&actual, &expected, &format!("{from} -> {to}"));
        }
    }
}
