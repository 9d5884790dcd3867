//! AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019) over a super-network's variables.
//!
//! A variable that a step's architecture does not use has no gradient and keeps its weights, moments and step count.

use candle_core::backprop::GradStore;
use candle_core::{Result, Tensor, Var};

/// Decay of the mean of the gradients.
const BETA_1: f32 = 0.9;
/// Decay of the mean of their squares.
const BETA_2: f32 = 0.999;
/// Keeps the step finite where no gradient was seen.
const EPSILON: f32 = 1e-8;

/// One variable with its moments.
struct Moments {
    variable: Var,
    steps: i32,
    mean: Vec<f32>,
    square: Vec<f32>,
}

/// The optimiser's state.
pub struct AdamW {
    moments: Vec<Moments>,
    decay: f32,
}

impl AdamW {
    /// Returns an optimiser of these F32 variables with this weight decay.
    #[must_use]
    pub fn new(variables: Vec<Var>, decay: f32) -> Self {
        let start = |variable: Var| {
            let count = variable.elem_count();
            Moments {
                variable,
                steps: 0,
                mean: vec![0.0; count],
                square: vec![0.0; count],
            }
        };
        Self {
            moments: variables.into_iter().map(start).collect(),
            decay,
        }
    }

    /// Takes one step of size `rate`.
    ///
    /// # Errors
    /// Candle cannot read or write a variable.
    pub fn step(&mut self, gradients: &GradStore, rate: f32) -> Result<()> {
        for moments in &mut self.moments {
            if let Some(gradient) = gradients.get(&moments.variable) {
                moments.step(gradient, rate, self.decay)?;
            }
        }
        Ok(())
    }
}

impl Moments {
    fn step(&mut self, gradient: &Tensor, rate: f32, decay: f32) -> Result<()> {
        self.steps += 1;
        let (correct_1, correct_2) = (1.0 - BETA_1.powi(self.steps), 1.0 - BETA_2.powi(self.steps));
        let gradient = gradient.flatten_all()?.to_vec1::<f32>()?;
        let mut values = self.variable.flatten_all()?.to_vec1::<f32>()?;
        let moments = self.mean.iter_mut().zip(&mut self.square);
        for ((value, gradient), (mean, square)) in values.iter_mut().zip(gradient).zip(moments) {
            *mean += (1.0 - BETA_1) * (gradient - *mean);
            *square += (1.0 - BETA_2) * (gradient * gradient - *square);
            let step = *mean / correct_1 / ((*square / correct_2).sqrt() + EPSILON);
            *value -= rate * (step + decay * *value);
        }
        self.variable.set(&Tensor::from_vec(
            values,
            self.variable.shape(),
            self.variable.device(),
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn it_finds_the_least_of_a_parabola_and_leaves_unused_variables_alone() {
        let var =
            |value: f32| Var::from_tensor(&Tensor::new(&[value], &Device::Cpu).unwrap()).unwrap();
        let (used, unused) = (var(3.0), var(7.0));
        let mut optimiser = AdamW::new(vec![used.clone(), unused.clone()], 0.0);
        for step in 0..600 {
            let loss = (used.as_tensor() - 1.0)
                .unwrap()
                .sqr()
                .unwrap()
                .sum_all()
                .unwrap();
            optimiser
                .step(&loss.backward().unwrap(), 0.1 * (1.0 - step as f32 / 600.0))
                .unwrap();
        }
        assert!((used.to_vec1::<f32>().unwrap()[0] - 1.0).abs() < 1e-3);
        assert_eq!(unused.to_vec1::<f32>().unwrap()[0], 7.0);
    }
}
