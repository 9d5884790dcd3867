use super::*;
use crate::graph::Single;
use dense_runtime::fma::Native;

fn input(low: f64, high: f64, logarithmic: bool) -> InputVariable {
    InputVariable {
        name: "x".into(),
        low,
        high,
        logarithmic,
    }
}

fn ranges(inputs: &[InputVariable]) -> Vec<Range> {
    inputs.iter().map(Range::of).collect()
}

#[test]
fn limits_are_rounded_outward() {
    let range = Range::of(&input(0.1, 0.7, false));
    assert!(f64::from(range.low) <= 0.1 && f64::from(range.low.next_up()) > 0.1);
    assert!(f64::from(range.high) >= 0.7 && f64::from(range.high.next_down()) < 0.7);
    let exact = Range::of(&input(-0.5, 2.0, false));
    assert_eq!((exact.low, exact.high), (-0.5, 2.0));
}

#[test]
fn the_farthest_input_is_named_with_its_distance_in_widths() {
    let ranges = ranges(&[input(0.0, 2.0, false), input(1.0, 100.0, true)]);
    let outside = |worst, excess| Status {
        outside: 0b11,
        worst,
        excess,
        ..Status::default()
    };
    assert!(check::<f64>(&ranges, &[0.0, 100.0]).is_ok());
    // Below by a quarter of the width; above by a decade, which is half of the two.
    let logarithmic = check::<f64>(&ranges, &[-0.5, 1000.0]);
    let excess = logarithmic.excess;
    assert_eq!(logarithmic, outside(1, excess));
    assert!((excess - 0.5).abs() < 1e-6, "{excess}");
    let linear = check::<f64>(&ranges, &[3.0, 101.0]);
    assert_eq!(linear, outside(0, 0.5));
}

#[test]
fn inputs_that_are_not_finite_are_not_outside_as_well() {
    let ranges = ranges(&[input(0.0, 2.0, false), input(1.0, 100.0, true)]);
    let status = check::<f64>(&ranges, &[f32::INFINITY, 0.5]);
    assert_eq!((status.non_finite, status.outside, status.worst), (1, 2, 1));
    assert_eq!(check::<f64>(&ranges, &[f32::NAN, f32::NAN]).non_finite, 3);
}

#[test]
fn the_deployed_guard_gives_the_same_status_to_the_last_bit() {
    use dense_runtime::domain;
    let inputs = [
        input(1e30, 1.000_000_000_1e30, true),
        input(0.0, 1e-45, false),
        input(-8e37, 8e37, false),
        input(1.0, 1.000_000_000_1, false),
        input(1e-6, 3e4, true),
    ];
    for range in ranges(&inputs) {
        assert!(range.low < range.high);
        let deployed = domain::Ranges::new(&[range.deployed()]);
        for x in [
            f32::MIN,
            -1.0,
            -0.0,
            1e-45,
            1.0,
            7e4,
            1e30,
            f32::MAX,
            f32::NAN,
        ] {
            let reference = check::<Single<Native>>(&[range], &[x]);
            assert!(reference.excess >= 0.0, "{range:?} at {x}: never NaN");
            assert_eq!(
                reference,
                domain::check(&[deployed], &[x], &mut [0.0]),
                "{range:?} at {x}"
            );
        }
    }
}
