//! Logarithm: `Log(Max(x, f32::MIN_POSITIVE))`, selected by `Where` if only some values are masked.

use super::Logarithm;
use crate::onnx::builder::{ModelBuilder, position_major, sizes};
use crate::onnx::proto::TensorProto;
use crate::operation::onnx::{Operands, Operators, WriteOnnx};

impl Operators for Logarithm {
    const OPERATORS: &'static [&'static str] = &["Max", "Log", "Where"];
}

impl WriteOnnx for Logarithm {
    fn onnx(&self, builder: &mut ModelBuilder<'_>, operands: &Operands<'_>) -> String {
        let x = &operands.values[0];
        if !self.mask.contains(&true) {
            return x.clone();
        }
        let smallest = builder.number("smallest", f32::MIN_POSITIVE);
        let positive = builder.push("Max", &[x, &smallest], Vec::new());
        let logarithm = builder.push("Log", &[&positive], Vec::new());
        if !self.mask.contains(&false) {
            return logarithm;
        }
        let shape = operands.shapes[0];
        let masked = |place| u8::from(self.mask[position_major(shape, place)]);
        let bytes = (0..self.mask.len()).map(masked).collect();
        let mask = builder.constant("logarithmic", &sizes(shape), TensorProto::BOOL, bytes);
        builder.push("Where", &[&mask, &logarithm, x], Vec::new())
    }
}
