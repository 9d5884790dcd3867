//! Estimates that depend on the position of the inputs: the error scale, and whether a training
//! point is near.
//!
//! ```text
//! u = (c(x) - centre) scale,    exp(Max(Where(e < most, e, most), least)),  e = constant + ReduceSum((square u + linear) u)
//! ReduceMin_k ReduceSum_i (whitening u - centres_k)_i^2 <= square_radius
//! ```
//!
//! Distances are computed from differences, as in deployed code, so that nothing cancels near a
//! centre: an engine holds `n x centres x inputs` floats for them. A sum that is NaN counts as
//! large, a distance that is NaN as far.

use super::builder::{INPUT, ModelBuilder, int, ints};
use crate::emulator::Emulator;
use crate::graph::{Logarithm, Shape};
use crate::local::{Coordinates, Coverage, ErrorScale};
use crate::operation::onnx::{Operands, WriteOnnx};

/// The deviation times the error scale: `[n, OUT]`, or unchanged if the emulator has none.
pub(super) fn scaled(
    builder: &mut ModelBuilder<'_>,
    emulator: &Emulator,
    deviation: String,
) -> String {
    let Some(scale) = &emulator.local().error_scale else {
        return deviation;
    };
    let ErrorScale {
        coordinates,
        linear,
        square,
        constant,
        limits: [least, most],
    } = scale;
    let u = of(builder, emulator, coordinates);
    let (linear, square) = (
        builder.numbers("linear", linear),
        builder.numbers("square", square),
    );
    let [constant, least, most] = [("constant", constant), ("least", least), ("most", most)]
        .map(|(name, &value)| builder.number(name, value));
    let bend = builder.push("Mul", &[&u, &square], Vec::new());
    let slope = builder.push("Add", &[&bend, &linear], Vec::new());
    let terms = builder.push("Mul", &[&slope, &u], Vec::new());
    let sum = sum(builder, &terms, 1, true);
    let exponent = builder.push("Add", &[&sum, &constant], Vec::new());
    let is_below = builder.push("Less", &[&exponent, &most], Vec::new());
    let below = builder.push("Where", &[&is_below, &exponent, &most], Vec::new());
    let within = builder.push("Max", &[&below, &least], Vec::new());
    let scale = builder.push("Exp", &[&within], Vec::new());
    builder.push("Mul", &[&deviation, &scale], Vec::new())
}

/// Whether a row is near a training point: `[n]`.
pub(super) fn near(
    builder: &mut ModelBuilder<'_>,
    emulator: &Emulator,
    coverage: &Coverage,
) -> String {
    let Coverage {
        coordinates,
        whitening,
        centres,
        square_radius,
    } = coverage;
    let inputs = emulator.input_count();
    let u = of(builder, emulator, coordinates);
    let transposed: Vec<_> = (0..inputs * inputs)
        .map(|place| whitening[place % inputs * inputs + place / inputs])
        .collect();
    let whitening = builder.array("whitening", &[inputs, inputs], &transposed);
    let w = builder.push("MatMul", &[&u, &whitening], Vec::new());
    let w = builder.reshape(&w, &[1, inputs]);
    let centres = builder.array("centres", &[coverage.count(), inputs], centres);
    let differences = builder.push("Sub", &[&w, &centres], Vec::new());
    let squares = builder.push("Mul", &[&differences, &differences], Vec::new());
    let distances = sum(builder, &squares, 2, false);
    let settings = vec![ints("axes", &[1]), int("keepdims", 0)];
    let nearest = builder.push("ReduceMin", &[&distances], settings);
    let radius = builder.number("square_radius", *square_radius);
    builder.push("LessOrEqual", &[&nearest, &radius], Vec::new())
}

/// The coordinates u of the model's input, `[n, IN]`.
fn of(builder: &mut ModelBuilder<'_>, emulator: &Emulator, coordinates: &Coordinates) -> String {
    let mask = emulator.inputs().iter().map(|input| input.logarithmic);
    let shape = Shape::Vector(emulator.input_count());
    let operands = Operands {
        values: &[INPUT.to_owned()],
        shapes: &[shape],
        result: shape,
    };
    let logarithm = Logarithm {
        mask: mask.collect(),
    };
    let c = logarithm.onnx(builder, &operands);
    let centre = builder.numbers("centre", &coordinates.centre);
    let scale = builder.numbers("scale", &coordinates.scale);
    let moved = builder.push("Sub", &[&c, &centre], Vec::new());
    builder.push("Mul", &[&moved, &scale], Vec::new())
}

/// The sum over an axis, which is kept with length one or dropped.
fn sum(builder: &mut ModelBuilder<'_>, values: &str, axis: i64, kept: bool) -> String {
    let axes = builder.integers("axes", &[axis]);
    let settings = vec![int("keepdims", kept.into())];
    builder.push("ReduceSum", &[values, &axes], settings)
}
