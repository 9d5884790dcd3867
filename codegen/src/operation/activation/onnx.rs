//! Activation: `Relu`, `Tanh`, `Sin`, and SiLU as `x * Sigmoid(x)`, since version 13 of the operators has
//! no SiLU.

use super::{Activation, Function};
use crate::onnx::builder::ModelBuilder;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Activation {
    const OPERATORS: &'static [&'static str] = &["Relu", "Sigmoid", "Mul", "Tanh", "Sin"];
}

impl WriteOnnx for Activation {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        let x = &operands.values[0];
        match self.function {
            Function::Relu => builder.push("Relu", &[x], Vec::new()),
            Function::Silu => {
                let sigmoid = builder.push("Sigmoid", &[x], Vec::new());
                builder.push("Mul", &[x, &sigmoid], Vec::new())
            }
            Function::Tanh => builder.push("Tanh", &[x], Vec::new()),
            Function::Sine => builder.push("Sin", &[x], Vec::new()),
        }
    }
}
