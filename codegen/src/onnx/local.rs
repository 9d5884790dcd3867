//! What depends on where the inputs lie: the scale of errors, and whether a training point is near.
//!
//! ```text
//! u = (c(x) - centre) scale,    exp(Max(Where(e < most, e, most), least)),  e = constant + ReduceSum((square u + linear) u)
//! ReduceMin_k ReduceSum_i (whitening u - centres_k)_i^2 <= square_radius
//! ```
//!
//! Distances are of differences, as in deployed code, so that near a centre nothing cancels: an engine holds
//! `n x centres x inputs` numbers for them. A sum that is no number counts as large, a distance that is none as far.

use super::draft::{Draft, INPUT, int, ints};
use crate::emulator::Emulator;
use crate::graph::{Logarithm, Shape};
use crate::local::{Coordinates, Coverage, ErrorScale};
use crate::operation::onnx::{Operands, WriteOnnx};

/// The deviation times the scale of errors: `[n, OUT]`, or as it was where the emulator has none.
pub(super) fn scaled(draft: &mut Draft<'_>, emulator: &Emulator, deviation: String) -> String {
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
    let u = of(draft, emulator, coordinates);
    let (linear, square) = (
        draft.numbers("linear", linear),
        draft.numbers("square", square),
    );
    let [constant, least, most] = [("constant", constant), ("least", least), ("most", most)]
        .map(|(name, &value)| draft.number(name, value));
    let bend = draft.push("Mul", &[&u, &square], Vec::new());
    let slope = draft.push("Add", &[&bend, &linear], Vec::new());
    let terms = draft.push("Mul", &[&slope, &u], Vec::new());
    let sum = sum(draft, &terms, 1, true);
    let exponent = draft.push("Add", &[&sum, &constant], Vec::new());
    let is_below = draft.push("Less", &[&exponent, &most], Vec::new());
    let below = draft.push("Where", &[&is_below, &exponent, &most], Vec::new());
    let within = draft.push("Max", &[&below, &least], Vec::new());
    let scale = draft.push("Exp", &[&within], Vec::new());
    draft.push("Mul", &[&deviation, &scale], Vec::new())
}

/// Whether a row is near a training point: `[n]`.
pub(super) fn near(draft: &mut Draft<'_>, emulator: &Emulator, coverage: &Coverage) -> String {
    let Coverage {
        coordinates,
        whitening,
        centres,
        square_radius,
    } = coverage;
    let inputs = emulator.input_count();
    let u = of(draft, emulator, coordinates);
    let transposed: Vec<_> = (0..inputs * inputs)
        .map(|place| whitening[place % inputs * inputs + place / inputs])
        .collect();
    let whitening = draft.array("whitening", &[inputs, inputs], &transposed);
    let w = draft.push("MatMul", &[&u, &whitening], Vec::new());
    let w = draft.reshape(&w, &[1, inputs]);
    let centres = draft.array("centres", &[coverage.count(), inputs], centres);
    let differences = draft.push("Sub", &[&w, &centres], Vec::new());
    let squares = draft.push("Mul", &[&differences, &differences], Vec::new());
    let distances = sum(draft, &squares, 2, false);
    let settings = vec![ints("axes", &[1]), int("keepdims", 0)];
    let nearest = draft.push("ReduceMin", &[&distances], settings);
    let radius = draft.number("square_radius", *square_radius);
    draft.push("LessOrEqual", &[&nearest, &radius], Vec::new())
}

/// The coordinates u of the model's input, `[n, IN]`.
fn of(draft: &mut Draft<'_>, emulator: &Emulator, coordinates: &Coordinates) -> String {
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
    let c = logarithm.onnx(draft, &operands);
    let centre = draft.numbers("centre", &coordinates.centre);
    let scale = draft.numbers("scale", &coordinates.scale);
    let moved = draft.push("Sub", &[&c, &centre], Vec::new());
    draft.push("Mul", &[&moved, &scale], Vec::new())
}

/// The sum over an axis, which is kept with one place or dropped.
fn sum(draft: &mut Draft<'_>, values: &str, axis: i64, kept: bool) -> String {
    let axes = draft.integers("axes", &[axis]);
    let settings = vec![int("keepdims", kept.into())];
    draft.push("ReduceSum", &[values, &axes], settings)
}
