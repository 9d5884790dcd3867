//! Activation: `Relu`, `Tanh`, and SiLU as `x * Sigmoid(x)`, for which the operators of version 13 have no name.

use super::{Activation, Function};
use crate::onnx::draft::Draft;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Activation {
    const OPERATORS: &'static [&'static str] = &["Relu", "Sigmoid", "Mul", "Tanh"];
}

impl WriteOnnx for Activation {
    fn onnx(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let x = &operands.values[0];
        match self.function {
            Function::Relu => draft.push("Relu", &[x], Vec::new()),
            Function::Silu => {
                let sigmoid = draft.push("Sigmoid", &[x], Vec::new());
                draft.push("Mul", &[x, &sigmoid], Vec::new())
            }
            Function::Tanh => draft.push("Tanh", &[x], Vec::new()),
        }
    }
}
