//! The weights with which a super-network starts.

use super::error::Error;
use crate::space::Candidate;
use crate::streams::{stream, uniform};
use crate::transfer;
use candle_core::{DType, Device, Tensor, Var};
use std::f64::consts::FRAC_PI_2;

/// Standard deviation of the frequencies of a Fourier candidate, in radians per unit of its inputs.
/// The network's inputs have variance 1.
const FREQUENCIES: f64 = 3.5;

/// One parameter of a candidate, before it has values.
pub(super) struct Blank<'a> {
    pub(super) candidate: Candidate,
    /// The role in `lowering::parameters`.
    pub(super) role: &'static str,
    pub(super) shape: &'a [usize],
    /// The name of the random stream from which the values are drawn.
    pub(super) name: &'a str,
    /// A factor of the weights that are added to an identity.
    pub(super) gain: f64,
}

impl Blank<'_> {
    /// Returns the parameter with its first values.
    ///
    /// # Errors
    /// If the device does not support the type.
    pub(super) fn variable(&self, seed: u64, dtype: DType, device: &Device) -> Result<Var, Error> {
        let values = match (self.candidate, self.role, self.shape) {
            (Candidate::Fourier { .. }, "weight1", &[inputs, waves]) => {
                self.frequencies(seed, inputs, waves)
            }
            (Candidate::Fourier { .. }, "bias1", &[waves]) => phases(waves),
            _ => self.uniform(seed),
        };
        let values = Tensor::from_vec(values, self.shape, &Device::Cpu)?;
        Ok(Var::from_tensor(&transfer::sent(
            &values.to_dtype(dtype)?,
            device,
        )?)?)
    }

    /// Returns values that are uniform in `+-gain / sqrt(fan_in)`; zeros for a bias.
    fn uniform(&self, seed: u64) -> Vec<f64> {
        let mut random = stream(seed, self.name);
        let bound = match fan_in(self.candidate, self.shape) {
            0.0 => 0.0,
            fan_in => self.gain / fan_in.sqrt(),
        };
        (0..self.shape.iter().product())
            .map(|_| bound * (2.0 * uniform(&mut random) - 1.0))
            .collect()
    }

    /// Returns the matrix `[inputs][waves]` that gives every input its own `waves / inputs` waves,
    /// one after the other, in pairs of equal frequency.
    fn frequencies(&self, seed: u64, inputs: usize, waves: usize) -> Vec<f64> {
        let mut random = stream(seed, self.name);
        let mut matrix = vec![0.0; inputs * waves];
        let own = waves / inputs;
        for pair in 0..waves / 2 {
            // Nearly normal, of variance 1 and without a function whose last digits depend on the
            // platform: the sum of twelve uniform values.
            let normal = (0..12).map(|_| uniform(&mut random)).sum::<f64>() - 6.0;
            let input = 2 * pair / own;
            let row = &mut matrix[input * waves..(input + 1) * waves];
            row[2 * pair..2 * pair + 2].fill(FREQUENCIES * normal);
        }
        matrix
    }
}

/// Returns the phases of pairs of waves: a sine and a cosine.
fn phases(waves: usize) -> Vec<f64> {
    let phase = |wave: usize| [0.0, FRAC_PI_2][wave % 2];
    (0..waves).map(phase).collect()
}

/// Returns the number of products in a sum over a parameter of this shape; 0 for a bias.
fn fan_in(candidate: Candidate, shape: &[usize]) -> f64 {
    let [taps @ .., inputs, _] = shape else {
        return 0.0;
    };
    let products = (taps.iter().product::<usize>() * inputs) as f64;
    match candidate {
        // Each output uses only every stride-th tap along an axis.
        Candidate::TransposedConv { kernel, stride } => {
            products / (stride.min(kernel) as f64).powi(taps.len() as i32)
        }
        _ => products,
    }
}
