//! TransposedConv2d: PyTorch's `ConvTranspose2d` with padding K/2, each axis cut or padded with
//! zeros to a length.
//!
//! `y[r][c][o] = bias[o] + sum_s sum_t sum_i x[q][p][i] * weight[s][t][i][o]` over the taps (s, t)
//! for which `q * stride = r + KH/2 - s` and `p * stride = c + KW/2 - t` have solutions inside, in
//! the order of `window.rs`. The natural size is `(n - 1) * stride + 1` along each axis; rows below
//! it and columns to its right are plain zeros, without the bias.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{ParameterId, Parameters, Real, Shape};
use crate::operation::convolution::Kernel;
use crate::operation::convolution::window::{Axis, Window};
use crate::operation::rule::{Fusion, Mismatch, Rule, Value, image, strides};
use serde::{Deserialize, Serialize};

/// A convolution that enlarges the image.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TransposedConv2d {
    /// `[KH][KW][CIN][COUT]`, KH and KW odd.
    pub weight: ParameterId,
    /// `[COUT]`.
    pub bias: ParameterId,
    /// Distance of neighbouring source rows, and of columns, in the result.
    pub stride: [usize; 2],
    /// Rows of the result.
    pub height: usize,
    /// Columns of the result.
    pub width: usize,
}

impl TransposedConv2d {
    fn window<'a>(&self, parameters: &'a Parameters, from: Shape) -> Window<'a> {
        let (from, _) = from.size_and_channels();
        let to = [self.height, self.width];
        let axes = [0, 1].map(|axis| Axis::Spread {
            from: from[axis],
            to: to[axis],
            stride: self.stride[axis],
        });
        Window::new(parameters, [self.weight, self.bias], axes)
    }
}

impl Rule for TransposedConv2d {
    const KIND: &'static str = "transposed_conv2d";
    const IS_CONVOLUTION: bool = true;

    fn fusion(&self) -> Fusion {
        Fusion::Layer { adds: false }
    }

    fn parameters_mut(&mut self) -> Vec<&mut ParameterId> {
        vec![&mut self.weight, &mut self.bias]
    }

    fn shape(&self, parameters: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let (_, channels) = image(inputs)?;
        let kernel = Kernel::checked(parameters, [self.weight, self.bias], 2, channels)?;
        strides(&self.stride)?;
        Ok(Shape::Image {
            height: self.height,
            width: self.width,
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
