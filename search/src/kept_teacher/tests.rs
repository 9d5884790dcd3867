use super::*;
use crate::streams::{stream, uniform};

#[test]
fn errors_of_components_become_those_of_outputs() {
    let (count, outputs, rows) = (3, 2500, 40);
    let mut random = stream(77, "errors of components");
    let mut draw = |length: usize| -> Vec<f32> {
        (0..length)
            .map(|_| (uniform(&mut random) - 0.3) as f32)
            .collect()
    };
    let (basis, errors) = (draw(count * outputs), draw(count * rows));
    let mut squares = vec![0.0; count * count];
    for error in errors.chunks_exact(count) {
        for (k, square) in squares.iter_mut().enumerate() {
            *square += f64::from(error[k / count]) * f64::from(error[k % count]) / rows as f64;
        }
    }
    let found = expanded(&squares, &basis, count);
    assert_eq!(found.len(), outputs);
    for j in (0..outputs).step_by(37) {
        let square = errors.chunks_exact(count).map(|error| {
            let products = error.iter().enumerate();
            let sum = products.map(|(k, e)| f64::from(*e) * f64::from(basis[k * outputs + j]));
            sum.sum::<f64>().powi(2)
        });
        let expected = square.sum::<f64>() / rows as f64;
        assert!((found[j] / expected - 1.0).abs() < 1e-9, "{j}");
    }
}
