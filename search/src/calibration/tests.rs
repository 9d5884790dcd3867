use super::*;
use crate::streams::uniform;

/// About standard normal: the sum of twelve uniform draws.
fn normal(random: &mut impl FnMut() -> f64) -> f64 {
    (0..12).map(|_| random()).sum::<f64>() - 6.0
}

/// Inputs, and the logarithms of squared errors that scatter about `trend`.
fn group(rows: usize, seed: u64, trend: impl Fn(&[f32]) -> f64) -> (Vec<f32>, Vec<f64>) {
    let mut stream = stream(seed, "trend test");
    let mut random = || uniform(&mut stream);
    let x: Vec<f32> = (0..2 * rows)
        .map(|_| (3.4 * random() - 1.7) as f32)
        .collect();
    let logarithms = x.chunks_exact(2).map(|x| trend(x) + normal(&mut random));
    let logarithms = logarithms.collect();
    (x, logarithms)
}

#[test]
fn a_trend_of_the_errors_is_found_again_whatever_the_offsets() {
    let truth = |x: &[f32]| f64::from(1.2 * x[0] - 0.8 * x[1] * x[1]);
    let groups = [group(200, 1, truth), group(200, 2, |x| truth(x) - 5.0)];
    let trend = Trend::find(&groups, 2).expect("the trend is far above the scatter");
    // Of standard deviations: half of it.
    for (found, expected) in [
        (trend.linear[0], 0.6),
        (trend.linear[1], 0.0),
        (trend.square[0], 0.0),
        (trend.square[1], -0.4),
    ] {
        assert!((found - expected).abs() < 0.12, "{found}, not {expected}");
    }
    assert!(trend.limits[0] < 0.0 && trend.limits[1] > 0.0);
    assert_eq!(trend.of_rows.len(), 200);
}

#[test]
fn scatter_and_few_rows_have_no_trend() {
    let found = (0..40).filter(|&seed| {
        let groups = [group(60, seed, |_| 0.0), group(60, seed + 100, |_| 1.0)];
        Trend::find(&groups, 2).is_some()
    });
    assert_eq!(found.count(), 0);
    let few = [
        group(15, 1, |x| f64::from(3.0 * x[0])),
        group(15, 2, |x| f64::from(3.0 * x[0])),
    ];
    assert!(Trend::find(&few, 2).is_none());
}
