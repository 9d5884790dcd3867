//! Dense: `Gemm` with weights `[OUT, IN]`; operands and results that are sequences or images are
//! flattened and unflattened.

use super::Dense;
use crate::graph::Shape;
use crate::onnx::builder::{ModelBuilder, int, position_major, sizes};
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Dense {
    const OPERATORS: &'static [&'static str] = &["Reshape", "Gemm"];
}

impl WriteOnnx for Dense {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        let (from, to) = (operands.shapes[0], operands.result);
        let (inputs, outputs) = (from.size(), to.size());
        let x = match from {
            Shape::Vector(_) => operands.values[0].clone(),
            Shape::Sequence { .. } | Shape::Image { .. } => {
                builder.reshape(&operands.values[0], &[inputs])
            }
        };
        let weight = builder.parameter(self.weight, &[outputs, inputs], |place| {
            let (output, input) = (place / inputs, place % inputs);
            position_major(from, input) * outputs + position_major(to, output)
        });
        let bias = builder.parameter(self.bias, &[outputs], |place| position_major(to, place));
        let y = builder.push("Gemm", &[&x, &weight, &bias], vec![int("transB", 1)]);
        match to {
            Shape::Vector(_) => y,
            Shape::Sequence { .. } | Shape::Image { .. } => builder.reshape(&y, &sizes(to)),
        }
    }
}
