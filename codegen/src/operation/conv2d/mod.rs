//! Conv2d: convolution of stride 1 that keeps rows and columns; taps that fall outside are skipped.
//!
//! ```text
//! y[r][c][o] = bias[o] + sum_s sum_t sum_i x[r + s - KH/2][c + t - KW/2][i] * weight[s][t][i][o]
//! ```
//!
//! in the order of `window.rs`.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{ParameterId, Parameters, Real, Shape};
use crate::operation::convolution::Kernel;
use crate::operation::convolution::window::{Axis, Window};
use crate::operation::rule::{Fusion, Mismatch, Rule, Value, image};
use serde::{Deserialize, Serialize};

/// A convolution over the rows and columns of an image.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Conv2d {
    /// `[KH][KW][CIN][COUT]`, KH and KW odd.
    pub weight: ParameterId,
    /// `[COUT]`.
    pub bias: ParameterId,
}

impl Conv2d {
    fn window<'a>(&self, parameters: &'a Parameters, from: Shape) -> Window<'a> {
        let (size, _) = from.size_and_channels();
        let axes = size.map(|length| Axis::Kept { length });
        Window::new(parameters, [self.weight, self.bias], axes)
    }
}

impl Rule for Conv2d {
    const KIND: &'static str = "conv2d";
    const IS_CONVOLUTION: bool = true;

    fn fusion(&self) -> Fusion {
        Fusion::Layer { adds: true }
    }

    fn parameters_mut(&mut self) -> Vec<&mut ParameterId> {
        vec![&mut self.weight, &mut self.bias]
    }

    fn shape(&self, parameters: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let ([height, width], channels) = image(inputs)?;
        let kernel = Kernel::checked(parameters, [self.weight, self.bias], 2, channels)?;
        Ok(Shape::Image {
            height,
            width,
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
