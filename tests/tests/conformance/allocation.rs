//! Frozen code does not allocate: a counting global allocator counts nothing in `predict`,
//! `predict_batch` and `self_test`.

use crate::frozen_program::{ANY_PROCESSOR, EMULATORS, PROGRAM};
use dense_tests::program::printed;
use std::process::Command;

#[test]
fn frozen_code_does_not_allocate_and_an_allocation_in_it_would_be_counted() {
    let program = PROGRAM.built(ANY_PROCESSOR);
    let report = printed(Command::new(program).arg("blocks"));
    let mut expected: String = EMULATORS
        .iter()
        .map(|(name, _)| format!("{name}: predict 0, predict_batch 0, self_test 0\n"))
        .collect();
    // One block a call: of a row, of each of five, of the one in its self-test.
    expected += "planted: predict 1, predict_batch 5, self_test 1\n";
    assert_eq!(report, expected);
}
