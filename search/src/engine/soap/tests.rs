//! SOAP against its formulas in double precision, and on a network.

use super::*;
use crate::engine::{Core, Data, Layer};
use crate::optimiser::{BETA_1, EPSILON};
use crate::space::{Candidate, Function, Identity, Placement};
use crate::streams::stream;
use rand::Rng;

const DECAY: f64 = 0.01;

/// The paper's algorithm 3 with the mean outside the bases, in double precision.
struct Reference {
    weights: Mat<f64>,
    mean: Mat<f64>,
    square: Mat<f64>,
    statistics: [Mat<f64>; 2],
    bases: [Mat<f64>; 2],
    steps: i32,
}

impl Reference {
    fn step(&mut self, gradient: &Mat<f64>, rate: f64, sides: [bool; 2]) {
        let products = [
            gradient * gradient.transpose(),
            gradient.transpose() * gradient,
        ];
        for (statistics, product) in self.statistics.iter_mut().zip(products) {
            *statistics = &*statistics * faer::Scale(BETA_2) + product;
        }
        self.steps += 1;
        for (side, statistics) in self.statistics.iter().enumerate() {
            if !sides[side] {
                continue;
            } else if self.steps == 1 {
                let found = statistics.self_adjoint_eigen(Side::Lower).unwrap();
                self.bases[side] = found.U().to_owned();
            } else if self.steps % 10 == 0 {
                self.bases[side] = (statistics * &self.bases[side]).qr().compute_Q();
            }
        }
        if self.steps == 1 {
            return;
        }
        let t = self.steps - 1;
        let [p, q] = &self.bases;
        self.mean = &self.mean * faer::Scale(BETA_1) + gradient * faer::Scale(1.0 - BETA_1);
        let (g, m) = (p.transpose() * gradient * q, p.transpose() * &self.mean * q);
        let step = Mat::from_fn(g.nrows(), g.ncols(), |i, j| {
            let v = &mut self.square[(i, j)];
            *v = BETA_2 * *v + (1.0 - BETA_2) * g[(i, j)].powi(2);
            let root = (*v / (1.0 - BETA_2.powi(t))).sqrt() + EPSILON;
            m[(i, j)] / (1.0 - BETA_1.powi(t)) / root
        });
        let step = p * step * q.transpose() + &self.weights * faer::Scale(DECAY);
        self.weights = &self.weights - step * faer::Scale(rate);
    }
}

#[test]
fn steps_are_those_of_the_formulas() {
    let mut random = stream(1, "soap");
    // Square, or one-sided: the first gradient has full rank then. Else some eigenvalues are zero,
    // and their vectors arbitrary.
    for (rows, columns) in [(16, 16), (9, 9), (5, 600)] {
        let mut parameters = Parameters::zeros(&[(rows, columns)], DECAY);
        let mut soap = Soap::new(&parameters);
        let mut reference = Reference {
            weights: Mat::zeros(rows, columns),
            mean: Mat::zeros(rows, columns),
            square: Mat::zeros(rows, columns),
            statistics: [Mat::zeros(rows, rows), Mat::zeros(columns, columns)],
            bases: [Mat::identity(rows, rows), Mat::identity(columns, columns)],
            steps: 0,
        };
        let sides = [rows, columns].map(|side| side <= WIDEST);
        let place = parameters.place(0);
        let by = Instructions::available()[0];
        let mut gradient = || {
            // Rows and columns of different sizes.
            let size = |k: usize| 1.0 / (1.0 + (k % 7) as f64);
            Mat::from_fn(rows, columns, |i, j| {
                f64::from(random.random_range(-1.0..1.0_f32)) * size(i) * size(j + 3)
            })
        };
        for step in 0..35 {
            let gradient = gradient();
            let mut packed = vec![0.0; rows * place.stride];
            for (i, row) in packed.chunks_exact_mut(place.stride).enumerate() {
                for (j, number) in row[..columns].iter_mut().enumerate() {
                    *number = gradient[(i, j)] as f32;
                }
            }
            let rate = 0.01 / (1.0 + f64::from(step) / 10.0);
            soap.step(by, &mut parameters, 0, &packed, rate);
            reference.step(&gradient, rate, sides);
        }
        let weights = parameters.weights(0);
        let mut most = 0.0_f64;
        for (place, &weight) in weights.iter().enumerate() {
            let (column, row) = (place / rows, place % rows);
            most = most.max((f64::from(weight) - reference.weights[(row, column)]).abs());
        }
        // Steps of 0.01 each, with rounding of their directions.
        assert!(most < 2e-3, "{rows} x {columns}: {most}");
    }
}

/// A small gated network and a product of functions of its inputs.
fn task() -> (Core, Vec<f32>, Vec<f32>) {
    let layer = |candidate, inputs, outputs, identity| Layer {
        candidate,
        inputs,
        outputs,
        identity,
        placement: Placement::After,
        activation: Some(Function::Silu),
    };
    let head = Layer {
        activation: None,
        ..layer(Candidate::Dense, 24, 1, Identity::Absent)
    };
    let groups = [
        vec![layer(Candidate::Dense, 3, 24, Identity::Absent)],
        vec![layer(Candidate::Gated, 24, 24, Identity::Beside)],
        vec![layer(Candidate::Gated, 24, 24, Identity::Beside)],
        vec![head],
    ];
    let mut core = Core::new(&groups, 0.0).unwrap();
    let mut random = stream(5, "soap task");
    for parameter in 0..core.parameters() {
        let weights = core.weights(parameter).len();
        let drawn: Vec<f32> = (0..weights)
            .map(|_| random.random_range(-0.2..0.2))
            .collect();
        core.set_weights(parameter, &drawn);
    }
    let x: Vec<f32> = (0..4000 * 3)
        .map(|_| random.random_range(-1.7..1.7))
        .collect();
    let value = |x: &[f32]| x[0].sin() * (1.0 + 0.5 * x[1]) * (0.3 * x[2] * x[2] - 1.0);
    let y = x.chunks_exact(3).map(value).collect();
    (core, x, y)
}

#[test]
fn soap_comes_closer_than_adamw_and_a_restored_state_continues_with_the_same_bits() {
    const STEPS: usize = 1500;
    let (mut by_adamw, x, y) = task();
    let (mut by_soap, _, _) = task();
    let data = Data { x: &x, y: &y };
    let mut soap = by_soap.soap();
    let choice = [0; 4];
    let rows = |step: usize| {
        (0..256)
            .map(|k| (step * 256 + k) % 4000)
            .collect::<Vec<_>>()
    };
    let rate = |step: usize| 3e-3 * (1.0 - step as f64 / STEPS as f64);
    for step in 0..STEPS {
        by_adamw.step(data, &rows(step), &choice, rate(step));
        by_soap.soap_step(&mut soap, data, &rows(step), &choice, rate(step));
    }
    let all: Vec<usize> = (0..4000).collect();
    let losses = [&mut by_adamw, &mut by_soap].map(|core| core.loss(data, &all, &choice));
    assert!(losses[1] < 0.5 * losses[0], "{losses:?}");

    let (mut other, _, _) = task();
    for parameter in 0..other.parameters() {
        other.set_weights(parameter, &by_soap.weights(parameter));
        other.set_moments(parameter, &by_soap.moments(parameter));
    }
    let mut restored = other.soap();
    assert!(restored.restore(&soap.save()));
    for step in 0..25 {
        let one = by_soap.soap_step(&mut soap, data, &rows(step), &choice, 1e-3);
        let two = other.soap_step(&mut restored, data, &rows(step), &choice, 1e-3);
        assert_eq!(one.to_bits(), two.to_bits(), "{step}");
    }
    assert!(!restored.restore(&[]));
}
