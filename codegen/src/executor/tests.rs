use super::*;
use crate::interpreter::{Order, interpret_f32};
use crate::testing::{emulator, random_structure, rows};

/// Compares an executor's predictions with the interpreter's, row by row, bit by bit.
fn assert_equals_the_interpreter(emulator: &Emulator, x: &[f32], threads: usize) {
    let (inputs, outputs) = (emulator.input_count(), emulator.output_count());
    let predictions = Executor::new(emulator).predict(x, threads);
    let bits = |values: &[f32]| {
        values
            .iter()
            .map(|value| value.to_bits())
            .collect::<Vec<_>>()
    };
    for (row, x) in x.chunks_exact(inputs).enumerate() {
        let expected = interpret_f32(emulator, x, Order::Fused);
        let outputs = row * outputs..(row + 1) * outputs;
        assert_eq!(
            bits(&predictions.mean[outputs.clone()]),
            bits(&expected.mean),
            "mean of row {row}, {x:?}"
        );
        assert_eq!(
            bits(&predictions.std[outputs]),
            bits(&expected.std),
            "std of row {row}, {x:?}"
        );
        assert_eq!(
            predictions.status[row], expected.status,
            "status of row {row}, {x:?}"
        );
    }
}

#[test]
fn any_batch_on_any_threads_equals_the_interpreter_bit_for_bit() {
    let emulator = emulator(3);
    for count in 0..70 {
        for threads in 1..4 {
            assert_equals_the_interpreter(&emulator, &rows(count, count as u64), threads);
        }
    }
}

#[test]
fn random_structures_equal_the_interpreter_bit_for_bit() {
    for seed in 0..100 {
        let emulator = random_structure(seed);
        let x: Vec<f32> = rows(40, seed)
            .into_iter()
            .cycle()
            .take(20 * emulator.input_count())
            .collect();
        assert_equals_the_interpreter(&emulator, &x, 2);
    }
}

#[test]
fn inputs_that_are_odd_equal_the_interpreter_bit_for_bit() {
    let odd = [f32::NAN, f32::INFINITY, -0.0, 1e-42, f32::MAX, -5.0];
    let x: Vec<f32> = odd
        .into_iter()
        .flat_map(|x| [[x, 1.0, 0.1], [0.5, x, 0.1], [0.5, 1.0, x]])
        .flatten()
        .collect();
    assert_equals_the_interpreter(&emulator(4), &x, 1);
}
