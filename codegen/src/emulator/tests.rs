use super::*;
use crate::testing;

/// The message of the error that `change` causes.
fn refused(change: impl FnOnce(&mut EmulatorParts)) -> String {
    let mut parts = testing::emulator(1).into_parts();
    change(&mut parts);
    Emulator::new(parts).unwrap_err().to_string()
}

#[test]
fn parts_that_do_not_belong_together_are_refused_and_named() {
    let cases: [(String, &str); 14] = [
        (
            refused(|parts| parts.inputs.truncate(2)),
            "inputs: expected as many as the graph's [3], got 2",
        ),
        (
            refused(|parts| parts.inputs.clear()),
            "inputs: expected 1 to 64, got 0",
        ),
        (
            refused(|parts| parts.inputs[0].low = 2.0),
            "input \"temperature_eV\": expected limits low < high",
        ),
        (
            refused(|parts| parts.inputs[1].low = -1.0),
            "input \"density_m3\": expected a positive normal",
        ),
        (
            refused(|parts| parts.members.clear()),
            "members: expected at least one, got 0",
        ),
        (
            refused(|parts| parts.members[1] = Graph::INPUT),
            "member 1: expected outputs of shape [2, 9], got 3 numbers",
        ),
        (
            refused(|parts| parts.calibration.gain = -1.0),
            "expected a finite gain, at least 0, got -1",
        ),
        (
            refused(|parts| parts.calibration.unit[3] = 0.3),
            "powers of two between 2^-126 and 2^126, got 0.3",
        ),
        (
            refused(|parts| parts.calibration.slope = Some(vec![0.1; 17])),
            "calibration: expected 18 slopes, got 17",
        ),
        (
            refused(|parts| parts.calibration.slope = Some(vec![-0.1; 18])),
            "calibration: expected finite slopes, at least 0, got -0.1",
        ),
        (
            refused(|parts| parts.outputs.layout = Layout::Images),
            "expected [3] dimensions for Images, got [2, 9]",
        ),
        (
            refused(|parts| relative(parts, |to| to.scale[3] = 0.0)),
            "positive scales, got 0",
        ),
        (
            refused(|parts| relative(parts, |to| to.offset[3] = f64::NAN)),
            "finite offsets, got NaN",
        ),
        (
            refused(|parts| relative(parts, |to| to.offset.truncate(17))),
            "18 offsets and scales, got 17 and 18",
        ),
    ];
    for (message, part) in cases {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

/// Changes the offsets and scales of the outputs.
fn relative(parts: &mut EmulatorParts, change: impl FnOnce(&mut Relative)) {
    *parts = testing::relative_emulator(1).into_parts();
    change(parts.outputs.relative.as_mut().unwrap());
}

#[test]
fn outputs_are_offset_and_scale_times_the_numbers_of_a_call() {
    let relative = Relative {
        offset: vec![1e6, 0.0],
        scale: vec![1.0, 1e-43],
    };
    let (mean, std) = relative.physical(&[0.25, 4.0], &[0.5, 2.0]);
    assert_eq!(mean.collect::<Vec<_>>(), [1_000_000.25, 4e-43]);
    assert_eq!(std.collect::<Vec<_>>(), [0.5, 2e-43]);
}

#[test]
fn shared_operations_count_once_in_the_shipped_call() {
    let emulator = testing::emulator(1);
    let member = emulator.member_macs();
    let head = 45 * 18 + 18;
    assert_eq!(emulator.macs(), member + 2 * head + emulator.local().macs());
}

#[test]
fn what_no_member_needs_is_left_out() {
    let mut parts = testing::emulator(1).into_parts();
    parts.members.truncate(1);
    let reduced = Emulator::new(parts).unwrap();
    assert_eq!(
        reduced.macs(),
        reduced.member_macs() + reduced.local().macs()
    );
    assert_eq!(
        reduced.graph().needed(reduced.members()),
        vec![true; reduced.graph().nodes().len()]
    );
}
