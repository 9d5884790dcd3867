//! TransposedConv1d: PyTorch's `ConvTranspose1d` with padding K/2, cut or padded with zeros to a
//! length.
//!
//! `y[p][o] = bias[o] + sum_t sum_c x[i][c] * weight[t][c][o]` over the taps t for which
//! `i * stride = p + K/2 - t` has a solution inside, in the order of `window.rs`. The natural
//! length is `(n - 1) * stride + 1`; positions beyond it are plain zeros, without the bias.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{ParameterId, Parameters, Real, Shape};
use crate::operation::convolution::Kernel;
use crate::operation::convolution::window::{Axis, Window};
use crate::operation::rule::{Fusion, Mismatch, Rule, Value, sequence, strides};
use serde::{Deserialize, Serialize};

/// A convolution that lengthens the sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TransposedConv1d {
    /// `[K][CIN][COUT]`, K odd.
    pub weight: ParameterId,
    /// `[COUT]`.
    pub bias: ParameterId,
    /// Distance of neighbouring source positions in the result.
    pub stride: usize,
    /// Length of the result.
    pub length: usize,
}

impl TransposedConv1d {
    fn window<'a>(&self, parameters: &'a Parameters, from: Shape) -> Window<'a> {
        let ([_, length], _) = from.size_and_channels();
        let along = Axis::Spread {
            from: length,
            to: self.length,
            stride: self.stride,
        };
        Window::new(parameters, [self.weight, self.bias], [Axis::ONE, along])
    }
}

impl Rule for TransposedConv1d {
    const KIND: &'static str = "transposed_conv1d";
    const IS_CONVOLUTION: bool = true;

    fn fusion(&self) -> Fusion {
        Fusion::Layer { adds: false }
    }

    fn parameters_mut(&mut self) -> Vec<&mut ParameterId> {
        vec![&mut self.weight, &mut self.bias]
    }

    fn shape(&self, parameters: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let (_, channels) = sequence(inputs)?;
        let kernel = Kernel::checked(parameters, [self.weight, self.bias], 1, channels)?;
        strides(&[self.stride])?;
        Ok(Shape::Sequence {
            length: self.length,
            channels: kernel.outputs,
        })
    }

    fn macs(&self, parameters: &Parameters, inputs: &[Shape], _: Shape) -> u64 {
        self.window(parameters, inputs[0]).macs()
    }

    fn evaluate<R: Real>(
        &self,
        parameters: &Parameters,
        inputs: &[Value<'_, R>],
        _: Shape,
    ) -> Vec<R> {
        let window = self.window(parameters, inputs[0].shape);
        window.evaluate(inputs[0].data)
    }
}
