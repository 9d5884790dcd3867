use super::*;
use crate::fma::{Native, Separate};

/// Distance of `got` from `exact`, in units in the last place of `exact`.
fn ulps(got: f32, exact: f64) -> f64 {
    let rounded = exact as f32;
    if got == rounded || (got.is_nan() && rounded.is_nan()) {
        return 0.0;
    }
    if !got.is_finite() || !rounded.is_finite() {
        // Either may overflow where the other is within a place of the largest float.
        let near = |value: f64| (value.abs() - f64::from(f32::MAX)).abs() < 3.0e31;
        return if near(f64::from(got)) || near(exact) {
            1.0
        } else {
            f64::INFINITY
        };
    }
    let place = exact.abs().max(f64::from(f32::MIN_POSITIVE)).log2().floor() as i32 - 23;
    (f64::from(got) - exact).abs() / 2f64.powi(place)
}

type Case = (
    &'static str,
    fn(f32) -> f32,
    fn(f32) -> f32,
    fn(f64) -> f64,
    f64,
);

/// Every function in both arithmetics, the f64 reference, and the stated bound.
const CASES: [Case; 8] = [
    ("exp", exp::<Native>, exp::<Separate>, f64::exp, 1.5),
    ("ln", ln::<Native>, ln::<Separate>, f64::ln, 1.5),
    ("tanh", tanh::<Native>, tanh::<Separate>, f64::tanh, 2.0),
    ("sinh", sinh::<Native>, sinh::<Separate>, f64::sinh, 2.0),
    (
        "sigmoid",
        sigmoid::<Native>,
        sigmoid::<Separate>,
        |x| 1.0 / (1.0 + (-x).exp()),
        3.0,
    ),
    (
        "silu",
        silu::<Native>,
        silu::<Separate>,
        |x| {
            let x = if x < -87.0 { -87.0 } else { x };
            x / (1.0 + (-x).exp())
        },
        2.5,
    ),
    (
        "sin",
        sin::<Native>,
        sin::<Separate>,
        |x| reduced(x).sin(),
        2.5,
    ),
    (
        "cos",
        cos::<Native>,
        cos::<Separate>,
        |x| reduced(x).cos(),
        2.5,
    ),
];

/// The argument whose sine and cosine are stated for `x`.
fn reduced(x: f64) -> f64 {
    match x.is_finite() {
        true => x.clamp(-32_768.0, 32_768.0),
        false => f64::NAN,
    }
}

/// Compares every function with f64 over `patterns`, and prints the largest distance of each.
fn sweep(patterns: impl Iterator<Item = u32> + Clone) {
    for (name, native, separate, exact, bound) in CASES {
        let mut worst = [(0.0, 0.0); 2];
        for x in patterns.clone().map(f32::from_bits) {
            let truth = exact(f64::from(x));
            for (function, worst) in [native, separate].into_iter().zip(&mut worst) {
                let distance = ulps(function(x), truth);
                if distance.is_nan() || distance > worst.0 {
                    *worst = (distance, x);
                }
            }
        }
        println!(
            "{name}: native {:?}, separate {:?} (ulp, at)",
            worst[0], worst[1]
        );
        for (distance, x) in worst {
            assert!(
                distance <= bound,
                "{name}({x:e}) is {distance} ulp off, stated {bound}"
            );
        }
    }
}

#[test]
fn every_function_keeps_its_stated_bound_on_a_sweep_of_all_bit_patterns() {
    // The worst arguments of each function among all floats of size 2^-26 to 2^8 (sine
    // and cosine: 2^-31 to 2^15), found by exhaustive search.
    let worst = [
        5.198_865,
        -48.866_352,
        1.405_459_5,
        0.631_044_2,
        1.423_037_3,
        -4.157_294,
        -3.211_251_3,
        12_126.673,
        27_342.6_f32,
    ];
    let special = [0, 0x8000_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000];
    let swept = (0..=u32::MAX).step_by(4099);
    sweep(swept.chain(special).chain(worst.map(f32::to_bits)));
}

#[test]
#[ignore = "exhaustive: several minutes"]
fn every_function_keeps_its_stated_bound_everywhere() {
    sweep(0..=u32::MAX);
}

#[test]
fn zeros_infinities_and_nan_are_as_stated() {
    assert_eq!(exp::<Native>(0.0), 1.0);
    assert_eq!(exp::<Native>(f32::NEG_INFINITY), 0.0);
    assert_eq!(exp::<Native>(f32::INFINITY), f32::INFINITY);
    assert_eq!(ln::<Native>(1.0), 0.0);
    assert_eq!(ln::<Native>(-0.0), f32::NEG_INFINITY);
    assert!(ln::<Native>(-1.0).is_nan());
    assert_eq!(tanh::<Native>(-0.0).to_bits(), (-0.0_f32).to_bits());
    assert_eq!(sinh::<Native>(-0.0).to_bits(), (-0.0_f32).to_bits());
    let least = silu::<Native>(f32::NEG_INFINITY);
    assert!((-1.5e-36..0.0).contains(&least), "{least:e}");
    assert_eq!(relu(f32::NAN), 0.0);
    assert_eq!(sin::<Native>(-0.0).to_bits(), (-0.0_f32).to_bits());
    assert_eq!(sin::<Native>(0.0).to_bits(), 0);
    // One place below 1, as the bound allows.
    assert_eq!(cos::<Native>(0.0), 0.999_999_94);
    assert_eq!(sin::<Native>(-f32::MAX), -sin::<Native>(32_768.0));
    assert_eq!(cos::<Native>(f32::MAX), cos::<Native>(32_768.0));
    for infinity in [f32::INFINITY, f32::NEG_INFINITY] {
        assert!(sin::<Native>(infinity).is_nan());
        assert!(cos::<Native>(infinity).is_nan());
    }
    for function in [
        exp::<Native>,
        ln::<Native>,
        tanh::<Native>,
        sinh::<Native>,
        sigmoid::<Native>,
        silu::<Native>,
        sin::<Native>,
        cos::<Native>,
    ] {
        assert!(function(f32::NAN).is_nan());
    }
}
