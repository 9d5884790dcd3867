//! The principal components of the outputs, with which low-rank heads are initialised.
//!
//! With `y = U S V^T` the standardised training outputs (n rows, mean zero), row k of the basis is
//! `V_k S_k / sqrt(n)`. Its coefficients then have unit variance over the rows, which suits a
//! network with outputs of order one.

use faer::{Mat, Side};

/// Maximum number of rows used, evenly spread over the training rows.
const ROWS: usize = 1500;

/// Returns `count` components, `[count][outputs]`; rows beyond the rank of the outputs are zero.
///
/// *Shapes*: `y: [rows][outputs]`, each output of mean zero.
pub(crate) fn components(y: &[f32], outputs: usize, count: usize) -> Vec<f32> {
    let all = y.len() / outputs;
    let rows = all.min(ROWS);
    let row = |k: usize| &y[k * all / rows * outputs..][..outputs];
    let matrix = Mat::<f64>::from_fn(rows, outputs, |r, c| f64::from(row(r)[c]));
    // Use the smaller of y^T y and y y^T: their nonzero eigenvalues are equal.
    let wide = outputs > rows;
    let gram = if wide {
        &matrix * matrix.transpose()
    } else {
        matrix.transpose() * &matrix
    };
    let mut basis = vec![0.0f32; count * outputs];
    let Ok(found) = gram.self_adjoint_eigen(Side::Lower) else {
        return basis;
    };
    let (values, vectors) = (found.S().column_vector(), found.U());
    let largest = values.nrows();
    for (k, basis) in basis.chunks_exact_mut(outputs).enumerate().take(largest) {
        let place = largest - 1 - k;
        let square = values[place];
        // Directions below the rounding error of the largest are ignored.
        if square <= 1e-12 * values[largest - 1] {
            break;
        }
        let vector = vectors.col(place);
        let scale = if wide { 1.0 } else { square.sqrt() } / (rows as f64).sqrt();
        // Fix the sign, which is arbitrary: the element of largest magnitude is positive.
        let component: Vec<f64> = (0..outputs)
            .map(|c| match wide {
                true => (0..rows).map(|r| matrix[(r, c)] * vector[r]).sum::<f64>() * scale,
                false => vector[c] * scale,
            })
            .collect();
        let peak = component.iter().fold(
            0.0f64,
            |peak, v| if v.abs() > peak.abs() { *v } else { peak },
        );
        for (basis, v) in basis.iter_mut().zip(component) {
            *basis = (v * peak.signum()) as f32;
        }
    }
    basis
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounding error of f32 components for outputs of order one.
    const ROUNDING: f32 = 1e-4;

    /// Outputs in two known directions, with both shapes of the Gram matrix.
    #[test]
    fn known_directions_are_found_with_their_spread() {
        for (rows, outputs) in [(400, 12), (30, 90)] {
            let direction = |k: usize, c: usize| {
                let angle = std::f64::consts::TAU * (k + 1) as f64 * c as f64 / outputs as f64;
                (2.0 / outputs as f64).sqrt() * angle.sin()
            };
            let coefficient = |k: usize, r: usize| {
                let angle = std::f64::consts::TAU * (k + 1) as f64 * r as f64 / rows as f64;
                std::f64::consts::SQRT_2 * angle.cos() * if k == 0 { 5.0 } else { 1.0 }
            };
            let y: Vec<f32> = (0..rows * outputs)
                .map(|e| {
                    (0..2)
                        .map(|k| coefficient(k, e / outputs) * direction(k, e % outputs))
                        .sum::<f64>()
                })
                .map(|y| y as f32)
                .collect();
            let basis = components(&y, outputs, 4);
            for k in 0..2 {
                let spread = if k == 0 { 5.0 } else { 1.0 };
                let found = &basis[k * outputs..][..outputs];
                let along: f64 = (0..outputs)
                    .map(|c| f64::from(found[c]) * direction(k, c))
                    .sum();
                for (c, found) in found.iter().enumerate() {
                    let expected = spread * direction(k, c) * along.signum();
                    assert!(
                        (f64::from(*found) - expected).abs() < f64::from(ROUNDING),
                        "{rows} x {outputs}, {k}"
                    );
                }
            }
            assert!(basis[2 * outputs..].iter().all(|v| v.abs() < 1e-3));
        }
    }
}
