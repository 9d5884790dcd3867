use super::*;
use crate::emulator::{Emulator, EmulatorParts};
use crate::executor::Executor;
use crate::interpreter::{Order, interpret_f32, interpret_f64};
use crate::testing;

fn with(local: Local) -> Result<Emulator> {
    Emulator::new(EmulatorParts {
        local,
        ..testing::emulator(2).into_parts()
    })
}

fn coordinates() -> Coordinates {
    Coordinates {
        centre: vec![0.1, 0.3, 0.1],
        scale: vec![2.0, 0.5, 6.0],
    }
}

fn error_scale() -> ErrorScale {
    ErrorScale {
        coordinates: coordinates(),
        linear: vec![0.5, 0.0, -0.2],
        square: vec![0.1, 0.3, 0.0],
        constant: 0.2,
        limits: [-1.0, 1.0],
    }
}

/// One centre at the coordinates (0, 0, 0), with a radius of one.
fn coverage() -> Coverage {
    Coverage {
        coordinates: coordinates(),
        whitening: vec![1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        centres: vec![0.0; 3],
        square_radius: 1.0,
    }
}

/// Rounding of a few operations in single precision.
const ROUNDING: f64 = 1e-5;

#[test]
fn deviations_are_multiplied_by_the_exponential_of_the_polynomial() {
    let plain = with(Local::default()).unwrap();
    let scaled = with(Local {
        error_scale: Some(error_scale()),
        coverage: None,
    })
    .unwrap();
    for (row, x) in testing::rows(20, 4).chunks_exact(3).enumerate() {
        let u = [
            (f64::from(x[0]) - 0.1) * 2.0,
            (f64::from(x[1]).ln() - 0.3) * 0.5,
            (f64::from(x[2]) - 0.1) * 6.0,
        ];
        let exponent = 0.2 + 0.5 * u[0] - 0.2 * u[2] + 0.1 * u[0] * u[0] + 0.3 * u[1] * u[1];
        let expected = exponent.clamp(-1.0, 1.0).exp();
        let (before, after) = (interpret_f64(&plain, x), interpret_f64(&scaled, x));
        assert_eq!(before.mean, after.mean);
        for (before, after) in before.std.iter().zip(&after.std) {
            assert!(
                (after / before / expected - 1.0).abs() < ROUNDING,
                "row {row}"
            );
        }
    }
}

#[test]
fn an_input_outside_the_radius_is_far_and_inside_it_is_not() {
    let emulator = with(Local {
        error_scale: None,
        coverage: Some(coverage()),
    })
    .unwrap();
    let at = |u: f32| [0.1 + u / 2.0, 0.3f32.exp(), 0.1];
    for (u, far) in [
        (0.0, false),
        (0.99, false),
        (-0.99, false),
        (1.01, true),
        (-1.01, true),
    ] {
        let x = at(u);
        let expected = interpret_f64(&emulator, &x).status;
        assert_eq!(expected.far, far, "{u}");
        assert_eq!(expected.is_ok(), !far);
        for order in Order::ALL {
            assert_eq!(interpret_f32(&emulator, &x, order).status.far, far);
        }
        let found = Executor::new(&emulator).predict(&x, 1);
        assert_eq!(found.status[0].far, far);
    }
    // Inputs that are not finite are reported as such, and nothing else is.
    let x = [9.0, f32::NAN, 0.1];
    let status = interpret_f32(&emulator, &x, Order::Fused).status;
    assert_eq!(Executor::new(&emulator).predict(&x, 1).status[0], status);
    assert!(!status.far && status.non_finite == 2);
}

#[test]
fn sizes_and_numbers_that_do_not_fit_are_refused() {
    type Change = fn(&mut ErrorScale, &mut Coverage);
    let changes: [(Change, &str); 9] = [
        (|scale, _| scale.linear.truncate(2), "error scale"),
        (|scale, _| scale.square[1] = f32::NAN, "error scale"),
        (|scale, _| scale.limits = [0.5, 0.2], "error scale"),
        (|scale, _| scale.limits[1] = 50.0, "error scale"),
        (|scale, _| scale.coordinates.centre.clear(), "coordinates"),
        (|_, coverage| coverage.whitening.truncate(3), "coverage"),
        (|_, coverage| coverage.centres.clear(), "coverage"),
        (
            |_, coverage| coverage.centres[2] = f32::INFINITY,
            "coverage",
        ),
        (|_, coverage| coverage.square_radius = 0.0, "coverage"),
    ];
    for (number, (change, part)) in changes.into_iter().enumerate() {
        let (mut scale, mut near) = (error_scale(), coverage());
        change(&mut scale, &mut near);
        let local = Local {
            error_scale: Some(scale),
            coverage: Some(near),
        };
        let error = with(local).unwrap_err().to_string();
        assert!(error.contains(part), "{number}: {error}");
    }
}

#[test]
fn blocks_hold_every_centre_and_are_filled_up_with_the_last() {
    let mut coverage = coverage();
    coverage.centres = (0..27).map(|value| value as f32).collect();
    let blocks = coverage.blocks();
    assert_eq!(blocks.len(), 48);
    assert_eq!(blocks[..8], [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0]);
    assert_eq!(blocks[40..], [26.0; 8]);
}
