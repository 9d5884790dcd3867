use super::*;
use crate::testing;

#[test]
fn one_member_is_its_own_mean_and_the_floor_its_deviation() {
    let mut parts = testing::emulator(2).into_parts();
    parts.members.truncate(1);
    let emulator = Emulator::new(parts).unwrap();
    let prediction = interpret_f64(&emulator, &[0.1, 2.0, 0.2]);
    let values = node_values::<f64>(emulator.graph(), &[0.1, 2.0, 0.2]);
    assert_eq!(&prediction.mean, values.last().unwrap());
    let floor = f64::from(1e-4_f32);
    assert!(prediction.std.iter().all(|&std| std == 0.25 * floor.sqrt()));
}

#[test]
fn the_deviation_is_the_members_own_with_gain_one_and_no_floor() {
    let mut parts = testing::emulator(2).into_parts();
    parts.calibration.gain = 1.0;
    parts.calibration.floor.fill(0.0);
    let emulator = Emulator::new(parts).unwrap();
    let x = [0.3, 0.2, 0.1];
    let values = node_values::<f64>(emulator.graph(), &x);
    let prediction = interpret_f64(&emulator, &x);
    for (output, (computed_mean, computed_std)) in
        prediction.mean.iter().zip(&prediction.std).enumerate()
    {
        let members: Vec<_> = emulator
            .members()
            .iter()
            .map(|member| values[member.index()][output])
            .collect();
        let mean = members.iter().sum::<f64>() / 3.0;
        let variance = members
            .iter()
            .map(|value| (value - mean).powi(2))
            .sum::<f64>()
            / 3.0;
        // 1/2, 1/3 and 1/M are single-precision constants: half a unit in the last place of these.
        let tolerance = f64::from(f32::EPSILON) * (1.0 + mean.abs());
        assert!((computed_mean - mean).abs() < tolerance);
        assert!((computed_std - variance.sqrt()).abs() < tolerance);
    }
}

#[test]
fn a_slope_adds_its_part_of_the_mean_in_squares() {
    let mut parts = testing::emulator(1).into_parts();
    let x = [0.3, 0.2, 0.1];
    let without = interpret_f64(&Emulator::new(parts.clone()).unwrap(), &x);
    parts.local.error_scale = None;
    let unscaled = interpret_f64(&Emulator::new(parts.clone()).unwrap(), &x);
    parts.calibration.slope = Some((0..18).map(|output| output as f32 / 8.0).collect());
    let sloped = interpret_f64(&Emulator::new(parts).unwrap(), &x);
    assert_eq!(sloped.mean, without.mean);
    for output in 0..18 {
        let beside = output as f64 / 8.0 * unscaled.mean[output];
        let expected = (unscaled.std[output].powi(2) + beside.powi(2)).sqrt();
        assert!((sloped.std[output] / expected - 1.0).abs() < 1e-14);
    }
    assert_eq!(sloped.std[0], unscaled.std[0]);
}

#[test]
fn an_input_that_is_not_finite_makes_every_output_nan() {
    let emulator = testing::emulator(1);
    for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let prediction = interpret_f64(&emulator, &[0.0, wrong, 0.0]);
        assert!(
            prediction
                .mean
                .iter()
                .chain(&prediction.std)
                .all(|value| value.is_nan())
        );
    }
}

#[test]
fn either_single_precision_order_stays_near_the_truth_and_they_differ() {
    let (mut largest, mut differ) = (0.0_f64, false);
    for seed in 0..20 {
        let emulator = testing::emulator(seed);
        for x in testing::rows(5, seed).chunks_exact(3) {
            let truth = interpret_f64(&emulator, x);
            let [fused, separate] = Order::ALL.map(|order| interpret_f32(&emulator, x, order));
            differ |= fused != separate;
            for single in [&fused, &separate] {
                for (single, truth) in single
                    .mean
                    .iter()
                    .zip(&truth.mean)
                    .chain(single.std.iter().zip(&truth.std))
                {
                    largest = largest.max((f64::from(*single) - truth).abs() / (1.0 + truth.abs()));
                }
            }
        }
    }
    assert!(differ);
    // Seven layers of at most 45 terms of magnitude about one, each rounded to 2^-24; observed: a
    // sixtieth of this.
    assert!(largest < 7.0 * 45.0 * 2.0_f64.powi(-24), "{largest}");
}

#[test]
fn the_status_tells_inside_from_outside_in_every_arithmetic() {
    let emulator = testing::emulator(2);
    let statuses = |x: &[f32]| {
        [
            interpret_f64(&emulator, x).status,
            interpret_f32(&emulator, x, Order::Fused).status,
            interpret_f32(&emulator, x, Order::Separate).status,
        ]
    };
    for status in statuses(&[0.0, 1.0, 0.1]) {
        assert!(status.is_ok());
    }
    // The density's box is 0.1 to 10: one decade above it is half of its width in logarithms.
    for status in statuses(&[0.0, 100.0, 0.1]) {
        assert_eq!((status.outside, status.worst), (0b10, 1));
        // The logarithm's error of a few ulp of ln 100, over a width of 4.6.
        assert!((status.excess - 0.5).abs() < 4.0 * f32::EPSILON);
    }
    // Below zero there is no logarithm; the guard measures from the smallest normal number.
    for status in statuses(&[f32::NAN, -1.0, 0.1]) {
        assert_eq!((status.non_finite, status.outside), (0b01, 0b10));
        assert!(status.excess > 10.0 && !status.overflow);
    }
}

#[test]
fn a_result_beyond_single_precision_is_an_overflow() {
    let emulator = testing::emulator(2);
    let far = [1e30, 1.0, 0.1];
    for order in Order::ALL {
        let prediction = interpret_f32(&emulator, &far, order);
        assert!(prediction.status.overflow && !prediction.status.is_ok());
        assert_eq!(prediction.status.non_finite, 0);
    }
}

#[test]
fn single_precision_stays_near_the_truth_on_graphs_of_any_structure() {
    let mut largest = 0.0_f64;
    for seed in 0..60 {
        let emulator = testing::random_structure(seed);
        for x in testing::rows(3, seed).chunks_exact(3) {
            let truth = interpret_f64(&emulator, x);
            let size = truth.mean.iter().fold(1.0_f64, |size, m| size.max(m.abs()));
            for order in Order::ALL {
                let single = interpret_f32(&emulator, x, order);
                for (single, truth) in single.mean.iter().zip(&truth.mean) {
                    largest = largest.max((f64::from(*single) - truth).abs() / size);
                }
            }
        }
    }
    // Sums of at most 200 terms, rounded to 2^-24 each with signs that mostly cancel; observed:
    // half of this.
    assert!(largest < 16.0 * 2.0_f64.powi(-24), "{largest}");
    assert!(largest > 0.0, "f32 rounds");
}
