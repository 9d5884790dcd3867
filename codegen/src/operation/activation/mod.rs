//! Activation: an elementwise function between layers.

mod c;
mod host;
mod onnx;
mod rust;

use crate::graph::{Parameters, Real, Shape};
use crate::operation::rule::{Fusion, Mismatch, Rule, Value, single};
use serde::{Deserialize, Serialize};

/// Applies a function to every value.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Activation {
    /// The function.
    pub function: Function,
}

/// The functions between layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Function {
    /// `x` above zero, else 0; NaN becomes 0.
    Relu,
    /// `x / (1 + exp(-x))`.
    Silu,
    /// The hyperbolic tangent.
    Tanh,
    /// The sine, of arguments up to 32,768 in size; in single precision, that of the nearest of
    /// these where the argument lies beyond.
    Sine,
}

impl Rule for Activation {
    const KIND: &'static str = "activation";
    const IN_PLACE: bool = true;

    fn format(&self) -> u64 {
        match self.function {
            Function::Relu | Function::Silu | Function::Tanh => 1,
            Function::Sine => 5,
        }
    }

    fn fusion(&self) -> Fusion {
        match self.function {
            Function::Relu => Fusion::Relu,
            Function::Silu | Function::Tanh | Function::Sine => Fusion::Nothing,
        }
    }

    fn shape(&self, _: &Parameters, inputs: &[Shape]) -> Result<Shape, Mismatch> {
        single(inputs)
    }

    fn evaluate<R: Real>(&self, _: &Parameters, inputs: &[Value<'_, R>], _: Shape) -> Vec<R> {
        let zero = R::from_f32(0.0);
        let function = |&x: &R| match self.function {
            Function::Relu => {
                if x > zero {
                    x
                } else {
                    zero
                }
            }
            Function::Silu => x.silu(),
            Function::Tanh => x.tanh(),
            Function::Sine => x.sin(),
        };
        inputs[0].data.iter().map(function).collect()
    }
}
