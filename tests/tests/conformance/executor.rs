//! The executor gives the bits of the f32 interpreter, with one thread and with several, and what is
//! stated of rows that others answered for is the executor's.

use dense_codegen::Emulator;
use dense_codegen::executor::Executor;
use dense_codegen::interpreter::Order;
use dense_codegen::local::Local;
use dense_search::unseen::Unseen;
use dense_tests::cases::CASES;

#[test]
fn the_executor_equals_the_f32_interpreter_bit_for_bit() {
    for case in CASES.iter() {
        let executor = Executor::new(&case.emulator);
        let expected = case.interpreted(Order::Fused);
        for threads in [1, 3] {
            let got = executor.predict(&case.rows, threads);
            case.assert_same_bits(&expected, &got.mean, &got.std, &got.status);
        }
    }
}

/// Where those who answered differ as the members do, the emulator states its own standard deviations.
#[test]
fn the_deviations_of_unseen_rows_are_those_of_the_call() {
    let mut compared = 0;
    for case in CASES.iter() {
        let emulator = &case.emulator;
        let own = Executor::new(emulator).predict(&case.rows, 1);
        let mut parts = emulator.clone().into_parts();
        parts.local = Local::default();
        parts.calibration.gain = 1.0;
        parts.calibration.floor.fill(0.0);
        parts.calibration.slope = None;
        let spread = Emulator::new(parts).unwrap();
        let spread = Executor::new(&spread).predict(&case.rows, 1).std;
        let unseen = Unseen {
            rows: (0..own.status.len()).collect(),
            mean: own.mean.clone(),
            spread,
        };
        let stated = unseen.std(emulator, &case.rows, &own.mean);
        for (stated, own) in stated.iter().zip(&own.std) {
            // Hostile inputs give NaN and infinities.
            if own.is_normal() {
                assert!(
                    (stated / own - 1.0).abs() < 1e-4,
                    "{}: {stated} {own}",
                    case.name()
                );
                compared += 1;
            }
        }
    }
    assert!(compared > 1000, "{compared} values");
}
