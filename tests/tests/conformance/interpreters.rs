//! The f32 interpreter is near the f64 interpreter in both orders, on cases that use every
//! operation; and the comparison used for all other executions detects a changed bit and a changed
//! order.

use dense_codegen::emulator::{
    Calibration, Emulator, EmulatorParts, InputVariable, Layout, Outputs,
};
use dense_codegen::graph::{Dense, Graph, Operation, Shape};
use dense_codegen::interpreter::{Order, Prediction, interpret_f64};
use dense_tests::cases::{CASES, Case, EMULATORS};
use dense_tests::random_graph::{every_operation, operations};
use dense_tests::tolerance::F32_AGAINST_F64;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::collections::BTreeSet;

#[test]
fn each_half_of_the_cases_uses_every_operation() {
    for half in CASES.chunks(EMULATORS / 2) {
        let used: BTreeSet<_> = half
            .iter()
            .flat_map(|case| operations(&case.emulator))
            .collect();
        assert_eq!(used, every_operation());
    }
}

#[test]
fn the_f32_interpreter_is_near_the_f64_interpreter() {
    for order in Order::ALL {
        for case in CASES.iter() {
            let error = largest_error(case, order);
            assert!(
                error <= F32_AGAINST_F64,
                "{case}, {order:?}: {error:.1e} is above {F32_AGAINST_F64:.1e}"
            );
        }
    }
}

/// The largest error of a mean or std over the rows inside the box.
fn largest_error(case: &Case, order: Order) -> f64 {
    let rows = case.rows.par_chunks(case.emulator.input_count());
    rows.zip(case.interpreted(order))
        .filter(|(_, prediction)| prediction.status.is_ok())
        .map(|(row, prediction)| error(case, row, &prediction))
        .reduce(|| 0.0, f64::max)
}

/// The largest error of one row, in the scale of the tolerance; infinite if it is NaN.
fn error(case: &Case, row: &[f32], single: &Prediction<f32>) -> f64 {
    let exact = interpret_f64(&case.emulator, row);
    let scale = exact
        .mean
        .iter()
        .fold(0.0, |largest: f64, mean| largest.max(mean.abs()));
    let units = &case.emulator.calibration().unit;
    let pairs = single
        .mean
        .iter()
        .chain(&single.std)
        .zip(exact.mean.iter().chain(&exact.std));
    pairs
        .zip(units.iter().chain(units))
        .map(|((&single, exact), &unit)| (f64::from(single) - exact).abs() / scale.max(unit.into()))
        .map(|error| if error.is_nan() { f64::INFINITY } else { error })
        .fold(0.0, f64::max)
}

/// Inputs and outputs of the linear emulators below.
const SIZE: usize = 16;

/// One dense layer with these weights on rows in [-1, 1].
fn linear(weight: Vec<f32>, rows: Vec<f32>) -> Case {
    let mut graph = Graph::new(SIZE);
    let weight = graph
        .parameter("weight", &[SIZE, SIZE], weight)
        .expect("finite");
    let bias = graph
        .parameter("bias", &[SIZE], vec![0.25; SIZE])
        .expect("finite");
    let dense = Dense {
        weight,
        bias,
        output: Shape::Vector(SIZE),
    };
    let member = graph
        .push(Operation::Dense(dense), &[Graph::INPUT])
        .expect("shapes agree");
    let input = |index| InputVariable {
        name: format!("x{index}"),
        low: -1.0,
        high: 1.0,
        logarithmic: false,
    };
    let emulator = Emulator::new(EmulatorParts {
        graph,
        members: vec![member],
        calibration: Calibration {
            gain: 1.0,
            unit: vec![1.0; SIZE],
            floor: vec![0.0; SIZE],
            slope: None,
        },
        local: Default::default(),
        inputs: (0..SIZE).map(input).collect(),
        outputs: Outputs {
            layout: Layout::Scalars,
            shape: vec![SIZE],
            names: Vec::new(),
            axes: Vec::new(),
            relative: None,
        },
        provenance: Default::default(),
    })
    .expect("a valid emulator");
    Case {
        number: 0,
        seed: 0,
        emulator,
        rows,
    }
}

/// Weights and ten rows for [`linear`].
fn numbers() -> (Vec<f32>, Vec<f32>) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut draw = |count| (0..count).map(|_| rng.random_range(-1.0..1.0)).collect();
    (draw(SIZE * SIZE), draw(10 * SIZE))
}

/// Compares two emulators in the way an execution is compared with the interpreter.
fn compare(case: &Case, other: &Case) {
    let got = other.interpreted(Order::Fused);
    let mean: Vec<_> = got
        .iter()
        .flat_map(|prediction| prediction.mean.clone())
        .collect();
    let std: Vec<_> = got
        .iter()
        .flat_map(|prediction| prediction.std.clone())
        .collect();
    let status: Vec<_> = got.iter().map(|prediction| prediction.status).collect();
    case.assert_same_bits(&case.interpreted(Order::Fused), &mean, &std, &status);
}

#[test]
fn the_comparison_accepts_the_same_emulator() {
    let (weight, rows) = numbers();
    compare(&linear(weight.clone(), rows.clone()), &linear(weight, rows));
}

#[test]
#[should_panic(expected = "mean of output 3")]
fn the_comparison_sees_one_flipped_bit_of_a_weight() {
    let (mut weight, rows) = numbers();
    let case = linear(weight.clone(), rows.clone());
    let last = &mut weight[(SIZE - 1) * SIZE + 3];
    *last = f32::from_bits(last.to_bits() ^ 1 << 3);
    compare(&case, &linear(weight, rows));
}

#[test]
#[should_panic(expected = "mean of output")]
fn the_comparison_sees_a_reversed_summation() {
    let (weight, rows) = numbers();
    let backwards = |rows: &[f32], width: usize| -> Vec<f32> {
        rows.chunks(SIZE * width)
            .flat_map(|table| table.chunks(width).rev().flatten())
            .copied()
            .collect()
    };
    let reversed = linear(backwards(&weight, SIZE), backwards(&rows, 1));
    compare(&linear(weight, rows), &reversed);
}
