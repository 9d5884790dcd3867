//! The executor gives the bits of the f32 interpreter, with one thread and with several.

use dense_codegen::executor::Executor;
use dense_codegen::interpreter::Order;
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
