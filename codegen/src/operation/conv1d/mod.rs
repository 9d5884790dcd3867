//! Conv1d: convolution of stride 1 that keeps the length; taps that fall outside are skipped.
//!
//! `y[p][o] = bias[o] + sum_t sum_c x[p + t - K/2][c] * weight[t][c][o]`, in the order of
//! `window.rs`.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{ParameterId, Parameters, Real, Shape};
use crate::operation::convolution::Kernel;
use crate::operation::convolution::window::{Axis, Window};
use crate::operation::rule::{Fusion, Mismatch, Rule, Value, sequence};
use serde::{Deserialize, Serialize};

/// A convolution along the positions of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Conv1d {
    /// `[K][CIN][COUT]`, K odd.
    pub weight: ParameterId,
    /// `[COUT]`.
    pub bias: ParameterId,
}

impl Conv1d {
    fn window<'a>(&self, parameters: &'a Parameters, from: Shape) -> Window<'a> {
        let ([_, length], _) = from.size_and_channels();
        let axes = [Axis::ONE, Axis::Kept { length }];
        Window::new(parameters, [self.weight, self.bias], axes)
    }
}

impl Rule for Conv1d {
    const KIND: &'static str = "conv1d";
    const IS_CONVOLUTION: bool = true;

    fn fusion(&self) -> Fusion {
        Fusion::Layer { adds: true }
    }

    fn parameters_mut(&mut self) -> Vec<&mut ParameterId> {
        vec![&mut self.weight, &mut self.bias]
    }

    fn shape(&self, parameters: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        let (length, channels) = sequence(inputs)?;
        let kernel = Kernel::checked(parameters, [self.weight, self.bias], 1, channels)?;
        Ok(Shape::Sequence {
            length,
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
