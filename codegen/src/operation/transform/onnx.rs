//! Transform: `Exp`, and the hyperbolic sine as `tanh(x) * (exp(x) + exp(-x)) / 2`.
//!
//! Not every engine has `Sinh`. The usual difference of two exponentials loses digits of small
//! results; this product has no cancellation. It overflows from 88.7 on, not from 89.4.

use super::{Inverse, Transform};
use crate::onnx::builder::ModelBuilder;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Transform {
    const OPERATORS: &'static [&'static str] = &["Exp", "Neg", "Add", "Mul", "Tanh"];
}

impl WriteOnnx for Transform {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        let x = &operands.values[0];
        match self.function {
            Inverse::Exp => builder.push("Exp", &[x], Vec::new()),
            Inverse::Sinh => {
                let negative = builder.push("Neg", &[x], Vec::new());
                let rising = builder.push("Exp", &[x], Vec::new());
                let falling = builder.push("Exp", &[&negative], Vec::new());
                let sum = builder.push("Add", &[&rising, &falling], Vec::new());
                let half = builder.number("half", 0.5);
                let cosh = builder.push("Mul", &[&sum, &half], Vec::new());
                let tanh = builder.push("Tanh", &[x], Vec::new());
                builder.push("Mul", &[&tanh, &cosh], Vec::new())
            }
        }
    }
}
