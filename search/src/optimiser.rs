//! AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019) over a
//! super-network's variables.
//!
//! ```text
//! m += (1 - b1) (g - m),   v += (1 - b2) (g^2 - v),
//! w -= rate (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + decay w)
//! ```
//!
//! A variable that the architecture of a step does not use has no gradient; it keeps its weights,
//! moments and step count `t`. On the CPU one pass updates weights and moments in place. On a GPU
//! one kernel updates all variables. On other devices candle's operations compute the same update.

#[cfg(feature = "cuda")]
mod cuda;
mod moments;

use crate::nodes::Form;
use crate::transfer;
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, DType, Device, InplaceOp2, Layout, Result, Tensor, Var};
pub(crate) use moments::{BETA_1, BETA_2, EPSILON, correction};
use moments::{Entry, Moments};
use rayon::prelude::*;
use std::sync::Mutex;

/// Number of weights below which a second thread does not speed up an update.
const SHARED_FROM: usize = 1 << 16;

/// The state of the optimiser.
#[derive(Debug)]
pub struct AdamW {
    entries: Vec<Entry>,
    decay: f64,
    #[cfg(feature = "cuda")]
    on_gpu: bool,
}

/// The moments of a variable in a checkpoint.
#[derive(Debug, Clone)]
pub struct Saved {
    /// Number of updates of the variable.
    pub steps: u32,
    /// Moving average of its gradients.
    pub mean: Tensor,
    /// Moving average of their squares.
    pub square: Tensor,
}

impl AdamW {
    /// Returns an optimiser of these F32 variables with this weight decay.
    ///
    /// # Errors
    /// The variables' device has no memory for their moments.
    pub fn new(variables: Vec<Var>, decay: f64) -> Result<Self> {
        let start = |variable: Var| {
            let moments = match Form::of(variable.device()) {
                Form::Fused => {
                    Moments::Fused(Mutex::new([0; 2].map(|_| vec![0.0; variable.elem_count()])))
                }
                _ => Moments::Composite([variable.zeros_like()?, variable.zeros_like()?]),
            };
            Ok(Entry {
                variable,
                steps: 0,
                moments,
            })
        };
        Ok(Self {
            #[cfg(feature = "cuda")]
            on_gpu: variables.iter().any(|variable| variable.device().is_cuda()),
            entries: variables.into_iter().map(start).collect::<Result<_>>()?,
            decay,
        })
    }

    /// Takes a step with step size `rate`.
    ///
    /// # Errors
    /// If a gradient is not on the device of its variable.
    pub fn step(&mut self, gradients: &GradStore, rate: f64) -> Result<()> {
        let decay = self.decay;
        let mut used: Vec<(&mut Entry, &Tensor)> = self
            .entries
            .iter_mut()
            .filter_map(|entry| {
                gradients
                    .get(&entry.variable)
                    .map(|gradient| (entry, gradient))
            })
            .collect();
        #[cfg(feature = "cuda")]
        if self.on_gpu {
            return cuda::step(&mut used, rate, decay);
        }
        let weights: usize = used.iter().map(|(_, gradient)| gradient.elem_count()).sum();
        if weights < SHARED_FROM {
            used.iter_mut()
                .try_for_each(|(entry, gradient)| entry.step(gradient, rate, decay))
        } else {
            used.par_iter_mut()
                .try_for_each(|(entry, gradient)| entry.step(gradient, rate, decay))
        }
    }

    /// Returns the state of every variable on the CPU, in the order of [`AdamW::new`].
    ///
    /// # Errors
    /// If the device cannot be read.
    pub fn save(&self) -> Result<Vec<Saved>> {
        let saved = |entry: &Entry| {
            let [mean, square] = match &entry.moments {
                Moments::Fused(moments) => {
                    let [mean, square] = &*moments.lock().expect("no holder panics");
                    let tensor = |values: &[f32]| {
                        Tensor::from_slice(values, entry.variable.shape(), &Device::Cpu)
                    };
                    [tensor(mean)?, tensor(square)?]
                }
                Moments::Composite([mean, square]) => {
                    [transfer::fetched(mean)?, transfer::fetched(square)?]
                }
            };
            Ok(Saved {
                steps: entry.steps,
                mean,
                square,
            })
        };
        self.entries.iter().map(saved).collect()
    }

    /// Restores a state that [`AdamW::save`] returned for the same variables.
    ///
    /// # Errors
    /// If the state belongs to other variables.
    pub fn restore(&mut self, saved: &[Saved]) -> Result<()> {
        if saved.len() != self.entries.len() {
            candle_core::bail!(
                "expected the moments of {} variables, got {}",
                self.entries.len(),
                saved.len()
            );
        }
        for (entry, saved) in self.entries.iter_mut().zip(saved) {
            for moment in [&saved.mean, &saved.square] {
                if moment.shape() != entry.variable.shape() || moment.dtype() != DType::F32 {
                    candle_core::bail!(
                        "expected moments of {:?}, got {:?}",
                        entry.variable.shape(),
                        moment.shape()
                    );
                }
            }
            entry.steps = saved.steps;
            entry.moments = match Form::of(entry.variable.device()) {
                Form::Fused => {
                    let values = |moment: &Tensor| transfer::numbers(moment);
                    Moments::Fused(Mutex::new([values(&saved.mean)?, values(&saved.square)?]))
                }
                _ => {
                    let device = entry.variable.device();
                    Moments::Composite([
                        transfer::sent(&saved.mean, device)?,
                        transfer::sent(&saved.square, device)?,
                    ])
                }
            };
        }
        Ok(())
    }
}

impl Entry {
    fn step(&mut self, gradient: &Tensor, rate: f64, decay: f64) -> Result<()> {
        self.steps += 1;
        let (correct_1, correct_2) = (
            correction(BETA_1, self.steps),
            correction(BETA_2, self.steps),
        );
        match &mut self.moments {
            Moments::Fused(moments) => self.variable.inplace_op2(
                &gradient.contiguous()?,
                &Update {
                    moments,
                    step: (rate / correct_1) as f32,
                    root: (1.0 / correct_2) as f32,
                    keep: (1.0 - rate * decay) as f32,
                },
            ),
            Moments::Composite([mean, square]) => {
                *mean = ((&*mean * BETA_1)? + (gradient * (1.0 - BETA_1))?)?;
                *square = ((&*square * BETA_2)? + (gradient.sqr()? * (1.0 - BETA_2))?)?;
                let root = ((&*square * (1.0 / correct_2))?.sqrt()? + EPSILON)?;
                let step = ((&*mean * (rate / correct_1))? / root)?;
                self.variable
                    .set(&((self.variable.as_tensor() * (1.0 - rate * decay))? - step)?)
            }
        }
    }
}

/// One pass over a variable: updates the moments, then
/// `w = keep w - step m / (sqrt(root v) + eps)`.
struct Update<'a> {
    moments: &'a Mutex<[Vec<f32>; 2]>,
    step: f32,
    root: f32,
    keep: f32,
}

impl InplaceOp2 for Update<'_> {
    fn name(&self) -> &'static str {
        "fused AdamW"
    }

    fn cpu_fwd(
        &self,
        weights: &mut CpuStorage,
        weights_layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> Result<()> {
        let (CpuStorage::F32(weights), CpuStorage::F32(gradient)) = (weights, gradient) else {
            candle_core::bail!("the fused AdamW updates F32 variables");
        };
        let (Some((w, w_end)), Some((g, g_end))) = (
            weights_layout.contiguous_offsets(),
            gradient_layout.contiguous_offsets(),
        ) else {
            candle_core::bail!("the fused AdamW updates contiguous variables");
        };
        let [mean, square] = &mut *self.moments.lock().expect("no holder panics");
        let (weights, gradient) = (&mut weights[w..w_end], &gradient[g..g_end]);
        let (step, root, keep) = (self.step, self.root, self.keep);
        let (decay_1, decay_2) = ((1.0 - BETA_1) as f32, (1.0 - BETA_2) as f32);
        let pairs = weights
            .iter_mut()
            .zip(gradient)
            .zip(mean.iter_mut().zip(square));
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for ((w, &g), (mean, square)) in pairs {
                    *mean += decay_1 * (g - *mean);
                    *square += decay_2 * (g * g - *square);
                    *w = keep * *w - step * *mean / ((root * *square).sqrt() + EPSILON as f32);
                }
            },
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn var(values: &[f32]) -> Var {
        Var::from_tensor(&Tensor::new(values, &Device::Cpu).unwrap()).unwrap()
    }

    fn values(var: &Var) -> Vec<f32> {
        var.to_vec1().unwrap()
    }

    /// The gradient of `sum (w - k)^2`, where `k` is the index of an element.
    fn gradients(variable: &Var) -> GradStore {
        let goal: Vec<f32> = (0..variable.elem_count()).map(|k| k as f32).collect();
        let goal = Tensor::new(goal, &Device::Cpu).unwrap();
        let loss = (variable.as_tensor() - goal)
            .unwrap()
            .sqr()
            .unwrap()
            .sum_all()
            .unwrap();
        loss.backward().unwrap()
    }

    #[test]
    fn it_finds_the_least_of_a_parabola_and_leaves_unused_variables_alone() {
        let (used, unused) = (var(&[3.0, 3.0]), var(&[7.0]));
        let mut optimiser = AdamW::new(vec![used.clone(), unused.clone()], 0.0).unwrap();
        for step in 0..600 {
            let rate = 0.1 * (1.0 - f64::from(step) / 600.0);
            optimiser.step(&gradients(&used), rate).unwrap();
        }
        for (k, value) in values(&used).into_iter().enumerate() {
            assert!((value - k as f32).abs() < 1e-3);
        }
        assert_eq!(values(&unused), [7.0]);
    }

    #[test]
    fn a_step_is_that_of_the_formula_in_either_form() {
        let start: Vec<f32> = (0..37).map(|k| (k as f32 * 0.7).sin()).collect();
        let (fused, composite) = (var(&start), var(&start));
        let mut optimisers =
            [&fused, &composite].map(|v| AdamW::new(vec![v.clone()], 0.01).unwrap());
        let zeros = || composite.zeros_like().unwrap();
        optimisers[1].entries[0].moments = Moments::Composite([zeros(), zeros()]);
        let (mut w, mut m, mut v) = (
            start.iter().map(|&w| f64::from(w)).collect::<Vec<_>>(),
            [0.0; 37],
            [0.0; 37],
        );
        for t in 1..=30 {
            let rate = 0.05 / f64::from(t);
            optimisers[0].step(&gradients(&fused), rate).unwrap();
            optimisers[1].step(&gradients(&composite), rate).unwrap();
            for k in 0..37 {
                let g = 2.0 * (w[k] - k as f64);
                m[k] += (1.0 - BETA_1) * (g - m[k]);
                v[k] += (1.0 - BETA_2) * (g * g - v[k]);
                let root = (v[k] / (1.0 - BETA_2.powi(t))).sqrt() + EPSILON;
                w[k] -= rate * (m[k] / (1.0 - BETA_1.powi(t)) / root + 0.01 * w[k]);
            }
        }
        for (k, w) in w.into_iter().enumerate() {
            // Rounding of thirty steps in f32.
            assert!(
                (f64::from(values(&fused)[k]) - w).abs() < 1e-5,
                "fused, {k}"
            );
            assert!(
                (f64::from(values(&composite)[k]) - w).abs() < 1e-5,
                "composite, {k}"
            );
        }
    }

    #[test]
    fn a_restored_state_continues_with_the_same_bits() {
        let (one, other) = (var(&[3.0, -1.0]), var(&[3.0, -1.0]));
        let mut optimiser = AdamW::new(vec![one.clone()], 0.01).unwrap();
        for _ in 0..5 {
            optimiser.step(&gradients(&one), 0.1).unwrap();
        }
        let mut second = AdamW::new(vec![other.clone()], 0.01).unwrap();
        other.set(one.as_tensor()).unwrap();
        second.restore(&optimiser.save().unwrap()).unwrap();
        optimiser.step(&gradients(&one), 0.1).unwrap();
        second.step(&gradients(&other), 0.1).unwrap();
        assert_eq!(values(&one).map_bits(), values(&other).map_bits());
        assert!(second.restore(&[]).is_err());
    }

    trait Bits {
        fn map_bits(self) -> Vec<u32>;
    }

    impl Bits for Vec<f32> {
        fn map_bits(self) -> Vec<u32> {
            self.into_iter().map(f32::to_bits).collect()
        }
    }
}
