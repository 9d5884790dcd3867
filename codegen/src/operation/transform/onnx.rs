//! Transform: `Exp`, and the hyperbolic sine as `tanh(x) * (exp(x) + exp(-x)) / 2`.
//!
//! Not every engine has `Sinh`. The usual difference of two exponentials loses small results; nothing cancels in this
//! product. It overflows from 88.7 on, not from 89.4.

use super::{Inverse, Transform};
use crate::onnx::draft::Draft;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Transform {
    const OPERATORS: &'static [&'static str] = &["Exp", "Neg", "Add", "Mul", "Tanh"];
}

impl WriteOnnx for Transform {
    fn onnx(&self, draft: &mut Draft<'_>, operands: &Operands<'_>) -> String {
        let x = &operands.values[0];
        match self.function {
            Inverse::Exp => draft.push("Exp", &[x], Vec::new()),
            Inverse::Sinh => {
                let negative = draft.push("Neg", &[x], Vec::new());
                let rising = draft.push("Exp", &[x], Vec::new());
                let falling = draft.push("Exp", &[&negative], Vec::new());
                let sum = draft.push("Add", &[&rising, &falling], Vec::new());
                let half = draft.number("half", 0.5);
                let cosh = draft.push("Mul", &[&sum, &half], Vec::new());
                let tanh = draft.push("Tanh", &[x], Vec::new());
                draft.push("Mul", &[&tanh, &cosh], Vec::new())
            }
        }
    }
}
