use super::*;
use crate::data::ReadOptions;
use crate::streams::uniform;

fn csv(rows: usize, mut y: impl FnMut(&[f64], f64) -> f64) -> Dataset {
    let mut random = stream(3, "learning curve test");
    let mut text = "a,b,c,y\n".to_owned();
    for _ in 0..rows {
        let x: Vec<f64> = (0..3).map(|_| uniform(&mut random)).collect();
        let noise = (0..12).map(|_| uniform(&mut random)).sum::<f64>() - 6.0;
        text += &format!("{},{},{},{}\n", x[0], x[1], x[2], y(&x, noise));
    }
    let options = ReadOptions {
        inputs: ["a", "b", "c"].map(str::to_owned).to_vec(),
        outputs: vec!["y".into()],
        ..ReadOptions::default()
    };
    Dataset::from_csv_bytes(text.as_bytes(), "test.csv", &options).unwrap()
}

#[test]
fn a_smooth_simulator_gains_by_more_runs_and_noise_does_not() {
    let smooth = measure(&csv(400, |x, _| {
        (4.0 * x[0]).sin() * x[1] + (3.0 * x[2]).cos()
    }))
    .unwrap();
    assert!(smooth.exponent > 1.0, "{smooth:?}");
    assert!(
        smooth.answer.starts_with("More runs would help"),
        "{smooth}"
    );
    assert!(
        smooth.doubled_mse_z < 0.7 * smooth.expected_mse_z,
        "{smooth}"
    );
    assert!(
        smooth
            .points
            .windows(2)
            .all(|pair| pair[1].rows > pair[0].rows),
        "{smooth}"
    );

    let noisy = measure(&csv(800, |x, noise| x[0] + noise)).unwrap();
    assert!(noisy.exponent < 0.3, "{noisy:?}");
    assert!(
        noisy.answer.starts_with("More runs would hardly help"),
        "{noisy}"
    );
}

#[test]
fn a_power_law_is_found_again() {
    let points = [25, 50, 100, 200, 400].map(|rows| {
        let mse_z = 3.0 * f64::from(rows).powf(-1.5);
        Point {
            rows: rows as usize,
            mse_z,
            range: [mse_z; 2],
        }
    });
    let found = law(points.to_vec(), 400);
    assert!(
        (found.exponent - 1.5).abs() < 1e-9 && found.exponent_error < 1e-6,
        "{found:?}"
    );
    assert!(
        (found.doubled_mse_z / (3.0 * 800f64.powf(-1.5)) - 1.0).abs() < 1e-9,
        "{found:?}"
    );
}

#[test]
fn too_few_rows_and_constant_outputs_are_refused() {
    let error = measure(&csv(30, |x, _| x[0])).unwrap_err().to_string();
    assert!(
        error.contains("needs 64 rows") && error.contains("got 30"),
        "{error}"
    );
    assert!(measure(&csv(64, |x, _| x[0])).is_ok());
    let error = measure(&csv(100, |_, _| 2.0)).unwrap_err().to_string();
    assert!(error.contains("every output is constant"), "{error}");
}
