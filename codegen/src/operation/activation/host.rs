//! Activation on this machine.

use super::{Activation, Function};
use crate::operation::host::{Call, Execute};
use dense_runtime::kernels::elementwise;

impl Execute for Activation {
    fn execute(&self, call: &Call<'_>, y: &mut [f32]) {
        let function = match self.function {
            Function::Relu => elementwise::Activation::Relu,
            Function::Silu => elementwise::Activation::Silu,
            Function::Tanh => elementwise::Activation::Tanh,
            Function::Sine => elementwise::Activation::Sine,
        };
        call.each_sample(y, |_, y| elementwise::activation(function, y));
    }
}
