//! Stacks: weighted means of several models, with weights from what each says of rows that it has
//! not seen.
//!
//! With `E_ab` the mean product of the errors of the models a and b on such rows, the weights are
//!
//! ```text
//! w = argmin w^T (E + lambda e I) w,   w >= 0,   sum w = 1,   e = min_a E_aa
//! ```
//!
//! For weights of sum one, the term of lambda is the squared distance from equal weights, up to a
//! constant. In units of the smallest error, it makes models alike that are about as good as the
//! best one, which few rows cannot tell apart, and leaves out those that are far worse, which they
//! can. Cross-validation over the rows chooses lambda, and whether each output has weights of its
//! own. The stack's error is judged by rows that took no part in its weights or in these choices
//! (nested cross-validation).
//!
//! Source: Breiman, "Stacked regressions", Machine Learning 24, 49 (1996), section 2: non-negative
//! weights. The shrinkage is a ridge towards equal weights instead of none.

use crate::arrays::{ArraysIn, ArraysOut};
use crate::error::{Error, Result};
use crate::streams::{permutation, stream};

/// Values of lambda.
const SHRINKAGES: [f64; 6] = [3.0, 1.0, 0.3, 0.1, 0.03, 0.01];
/// Number of folds of the rows.
const FOLDS: usize = 8;
/// Up to this number of outputs, each may have weights of its own.
const OWN: usize = 20;
/// The weights have converged where none changes by more,
const CONVERGED: f64 = 1e-9;
/// and at the latest after this number of sweeps.
const SWEEPS: usize = 2000;

/// The weights of models, which add up to one for each output.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    models: usize,
    /// `[models]`, or `[outputs][models]`.
    values: Vec<f64>,
}

/// The weights of a stack, and how well it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Stack {
    weights: Weights,
    shrinkage: f64,
    error: f64,
    left_out: Vec<f32>,
}

/// What the folds choose: lambda, and whether outputs have weights of their own.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Choice {
    shrinkage: f64,
    is_own: bool,
}

/// Sums of products of errors over the rows of a fold, `[outputs or 1][models][models]`.
#[derive(Debug, Clone)]
struct Products {
    rows: usize,
    own: Vec<Vec<f64>>,
}

impl Stack {
    /// Returns the stack of models that predict these rows, each of which says of a row what it
    /// says without having seen it; `None` without rows or finite models.
    ///
    /// *Shapes*: each of `models` and `y`: `[rows][outputs]`.
    #[must_use]
    pub fn fit(models: &[&[f32]], y: &[f32], outputs: usize) -> Option<Self> {
        let is_sound: Vec<bool> = models
            .iter()
            .map(|model| model.iter().all(|value| value.is_finite()))
            .collect();
        let sound: Vec<&[f32]> = models
            .iter()
            .zip(&is_sound)
            .filter_map(|(model, is_sound)| is_sound.then_some(*model))
            .collect();
        let rows = y.len() / outputs.max(1);
        if sound.is_empty() || rows == 0 {
            return None;
        }
        let fold_of = folds(rows);
        let count = FOLDS.min(rows);
        let products: Vec<Products> = (0..count)
            .map(|fold| {
                let rows: Vec<usize> = (0..rows).filter(|&row| fold_of[row] == fold).collect();
                Products::of(&sound, y, outputs, &rows)
            })
            .collect();
        let mut left_out = vec![0.0f32; y.len()];
        let mut error = 0.0;
        for fold in 0..count {
            let others: Vec<&Products> = (0..count)
                .filter(|&other| other != fold || count == 1)
                .map(|other| &products[other])
                .collect();
            let weights = weights(&others, choose(&others));
            error += products[fold].error(&weights);
            let of_fold = (0..rows).filter(|&row| fold_of[row] == fold);
            for row in of_fold {
                let place = row * outputs..(row + 1) * outputs;
                combine(&sound, &weights, place.clone(), &mut left_out[place]);
            }
        }
        let all: Vec<&Products> = products.iter().collect();
        let choice = choose(&all);
        let of_sound = weights(&all, choice);
        let mut weights = Vec::with_capacity(of_sound.len() / sound.len() * models.len());
        for of_sound in of_sound.chunks_exact(sound.len()) {
            let mut of_sound = of_sound.iter();
            weights.extend(is_sound.iter().map(|is_sound| match is_sound {
                true => of_sound.next().copied().unwrap_or_default(),
                false => 0.0,
            }));
        }
        Some(Self {
            weights: Weights {
                models: models.len(),
                values: weights,
            },
            shrinkage: choice.shrinkage,
            error: error / y.len() as f64,
            left_out,
        })
    }

    /// Returns the mean squared error, over rows and outputs, of weights from other rows.
    #[must_use]
    pub fn error(&self) -> f64 {
        self.error
    }

    /// Returns what the stack says of each row by the weights from other rows, `[rows][outputs]`.
    #[must_use]
    pub fn left_out(&self) -> &[f32] {
        &self.left_out
    }

    /// Returns lambda.
    #[must_use]
    pub fn shrinkage(&self) -> f64 {
        self.shrinkage
    }

    /// Returns the weights.
    #[must_use]
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Returns whether each output has weights of its own.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.weights.is_own()
    }

    /// Returns a model's weight, the mean over outputs.
    #[must_use]
    pub fn weight(&self, model: usize) -> f64 {
        self.weights.of(model)
    }

    /// Returns the weighted mean of predictions, as [`Weights::combine`].
    #[must_use]
    pub fn combine(&self, models: &[&[f32]], outputs: usize) -> Vec<f32> {
        self.weights.combine(models, outputs)
    }
}

impl Weights {
    /// Returns the weights of this number of models; `None` if `values` are not `[models]` or
    /// `[outputs][models]` finite numbers that are not negative.
    #[must_use]
    pub fn new(models: usize, values: Vec<f64>) -> Option<Self> {
        let is_whole = models > 0 && !values.is_empty() && values.len().is_multiple_of(models);
        let is_sound = |value: &f64| value.is_finite() && *value >= 0.0;
        (is_whole && values.iter().all(is_sound)).then_some(Self { models, values })
    }

    /// Adds the weights to a file.
    pub(crate) fn save(&self, name: &str, arrays: &mut ArraysOut) {
        let shape = match self.is_own() {
            true => vec![self.values.len() / self.models, self.models],
            false => vec![self.models],
        };
        arrays.add(name, &shape, self.values.iter().copied());
    }

    /// Reads what [`Weights::save`] has added.
    ///
    /// # Errors
    /// The file has no weights of this number of models and outputs.
    pub(crate) fn load(
        name: &str,
        (models, outputs): (usize, usize),
        arrays: &ArraysIn<'_>,
    ) -> Result<Self> {
        let (shape, values) = arrays.take_any(name)?;
        let is_fit = shape == [models] || shape == [outputs, models];
        let weights = is_fit.then(|| Self::new(models, values)).flatten();
        let text = || format!("damaged: {name} are no weights of {models} models");
        weights.ok_or_else(|| Error::Run(text()))
    }

    /// Returns whether each output has weights of its own.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.values.len() > self.models
    }

    /// Returns a model's weight, the mean over outputs.
    #[must_use]
    pub fn of(&self, model: usize) -> f64 {
        let of_outputs = self.values.iter().skip(model).step_by(self.models);
        of_outputs.sum::<f64>() / (self.values.len() / self.models) as f64
    }

    /// Returns the indices of the models that have a weight, and the weights of these: they combine
    /// to the same bits.
    #[must_use]
    pub fn used(&self) -> (Vec<usize>, Self) {
        let used: Vec<usize> = (0..self.models).filter(|&k| self.of(k) > 0.0).collect();
        let rows = self.values.chunks_exact(self.models);
        let values = rows.flat_map(|row| used.iter().map(|&k| row[k])).collect();
        let weights = Self {
            models: used.len(),
            values,
        };
        (used, weights)
    }

    /// Returns the weighted mean of predictions. A model of weight zero is not read: its slice may
    /// be empty.
    ///
    /// *Shapes*: each of `models`, in the order of the fit: `[rows][outputs]`; result the same.
    #[must_use]
    pub fn combine(&self, models: &[&[f32]], outputs: usize) -> Vec<f32> {
        let length = models.iter().map(|model| model.len()).max().unwrap_or(0);
        let mut y = vec![0.0; length];
        for (row, y) in y.chunks_exact_mut(outputs).enumerate() {
            let place = row * outputs..(row + 1) * outputs;
            combine(models, &self.values, place, y);
        }
        y
    }
}

/// Writes the weighted mean of the models' values at a place, a row.
fn combine(models: &[&[f32]], weights: &[f64], place: std::ops::Range<usize>, y: &mut [f32]) {
    let is_own = weights.len() > models.len();
    for (k, y) in y.iter_mut().enumerate() {
        let own = if is_own { k * models.len() } else { 0 };
        let mut sum = 0.0;
        for (model, weight) in models.iter().zip(&weights[own..]) {
            if *weight > 0.0 {
                sum += weight * f64::from(model[place.start + k]);
            }
        }
        *y = sum as f32;
    }
}

/// Returns the fold of each row.
fn folds(rows: usize) -> Vec<usize> {
    let mut fold_of = vec![0; rows];
    let order = permutation(&mut stream(0, "folds of a stack"), rows);
    for (place, row) in order.into_iter().enumerate() {
        fold_of[row] = place % FOLDS;
    }
    fold_of
}

impl Products {
    fn of(models: &[&[f32]], y: &[f32], outputs: usize, rows: &[usize]) -> Self {
        let count = models.len();
        let own = if outputs <= OWN { outputs } else { 1 };
        let mut sums = vec![vec![0.0; count * count]; own];
        let mut errors = vec![0.0; count];
        for &row in rows {
            for k in 0..outputs {
                let place = row * outputs + k;
                for (error, model) in errors.iter_mut().zip(models) {
                    *error = f64::from(model[place]) - f64::from(y[place]);
                }
                let sums = &mut sums[if own > 1 { k } else { 0 }];
                for a in 0..count {
                    for b in 0..=a {
                        sums[a * count + b] += errors[a] * errors[b];
                    }
                }
            }
        }
        for sums in &mut sums {
            for a in 0..count {
                for b in 0..a {
                    sums[b * count + a] = sums[a * count + b];
                }
            }
        }
        Self {
            rows: rows.len(),
            own: sums,
        }
    }

    /// Returns the sum of squared errors over rows and outputs.
    fn error(&self, weights: &[f64]) -> f64 {
        let count = self.own.first().map_or(0, |sums| sums.len().isqrt());
        let mut error = 0.0;
        for (k, sums) in self.own.iter().enumerate() {
            let own = if weights.len() > count { k * count } else { 0 };
            let weights = &weights[own..][..count];
            for (row, weight) in sums.chunks_exact(count).zip(weights) {
                let products = row.iter().zip(weights).map(|(product, w)| product * w);
                error += weight * products.sum::<f64>();
            }
        }
        error
    }
}

/// Returns the choice of the smallest error in cross-validation over these folds; the most shrunk
/// of equal ones, and weights that outputs share before own ones.
fn choose(folds: &[&Products]) -> Choice {
    let own = folds.first().map_or(1, |fold| fold.own.len());
    let mut best = (
        f64::INFINITY,
        Choice {
            shrinkage: SHRINKAGES[0],
            is_own: false,
        },
    );
    for is_own in [false, true] {
        if is_own && own == 1 {
            continue;
        }
        for shrinkage in SHRINKAGES {
            let choice = Choice { shrinkage, is_own };
            let judged = (0..folds.len()).map(|fold| {
                let others: Vec<&Products> = (0..folds.len())
                    .filter(|&other| other != fold || folds.len() == 1)
                    .map(|other| folds[other])
                    .collect();
                folds[fold].error(&weights(&others, choice))
            });
            let error: f64 = judged.sum();
            if error < best.0 {
                best = (error, choice);
            }
        }
    }
    best.1
}

/// Returns the weights by these folds, `[models]` or `[outputs][models]`.
fn weights(folds: &[&Products], choice: Choice) -> Vec<f64> {
    let rows: usize = folds.iter().map(|fold| fold.rows).sum();
    let own = folds.first().map_or(0, |fold| fold.own.len());
    let sum = |outputs: std::ops::Range<usize>| -> Vec<f64> {
        let all = folds.iter().flat_map(|fold| &fold.own[outputs.clone()]);
        let mut sum = Vec::new();
        for products in all {
            sum.resize(products.len(), 0.0);
            for (sum, product) in sum.iter_mut().zip(products) {
                *sum += product / rows as f64;
            }
        }
        sum
    };
    match choice.is_own {
        true => (0..own)
            .flat_map(|k| of_products(&sum(k..k + 1), choice.shrinkage))
            .collect(),
        false => of_products(&sum(0..own), choice.shrinkage),
    }
}

/// Returns the weights for a matrix of products of errors: coordinate descent to the v >= 0 of
/// least `v^T A v / 2 - sum v`, a multiple of the weights.
fn of_products(products: &[f64], shrinkage: f64) -> Vec<f64> {
    let count = products.len().isqrt();
    let diagonal = |a: usize| products[a * count + a];
    let least = (0..count).map(diagonal).fold(f64::INFINITY, f64::min);
    if least <= 0.0 {
        // Models without an error share the weight.
        let exact = (0..count).filter(|&a| diagonal(a) <= 0.0).count().max(1);
        let weight = |a| {
            if diagonal(a) <= 0.0 {
                1.0 / exact as f64
            } else {
                0.0
            }
        };
        return (0..count).map(weight).collect();
    }
    let ridge = shrinkage * least;
    // In units in which each model alone has v = 1.
    let scale: Vec<f64> = (0..count).map(|a| (diagonal(a) + ridge).sqrt()).collect();
    let mut v = vec![0.0; count];
    for _ in 0..SWEEPS {
        let mut most = 0.0f64;
        for a in 0..count {
            let mut rest = least.sqrt() / scale[a];
            for b in 0..count {
                if b != a {
                    rest -= products[a * count + b] / (scale[a] * scale[b]) * v[b];
                }
            }
            let next = rest.max(0.0);
            most = most.max((next - v[a]).abs());
            v[a] = next;
        }
        if most < CONVERGED {
            break;
        }
    }
    for (v, scale) in v.iter_mut().zip(&scale) {
        *v /= scale;
    }
    let sum: f64 = v.iter().sum();
    v.iter().map(|v| v / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::streams::uniform;

    #[test]
    fn weights_of_known_matrices_are_those_by_hand() {
        // Without shrinkage, uncorrelated errors have weights of inverse squares: 4 : 1.
        let found = of_products(&[1.0, 0.0, 0.0, 4.0], 0.0);
        assert!((found[0] - 0.8).abs() < 1e-8, "{found:?}");
        // A ridge of one times the smaller error: 5 : 2.
        let found = of_products(&[1.0, 0.0, 0.0, 4.0], 1.0);
        assert!((found[0] - 5.0 / 7.0).abs() < 1e-8, "{found:?}");
        // The second errs as the first and more: its weight would be negative.
        let found = of_products(&[1.0, 1.2, 1.2, 4.0], 0.0);
        assert_eq!(found, [1.0, 0.0]);
        assert_eq!(of_products(&[0.0, 0.0, 0.0, 4.0], 0.1), [1.0, 0.0]);
        let found = of_products(&[1e-10, 0.0, 0.0, 1.0], 0.1);
        assert!(found[1] < 1e-9, "{found:?}");
    }

    /// Three models of two outputs, with errors of the given widths.
    fn models(rows: usize, widths: [[f64; 2]; 3]) -> (Vec<Vec<f32>>, Vec<f32>) {
        let mut random = stream(5, "stack");
        let mut draw = || 2.0 * uniform(&mut random) - 1.0;
        let y: Vec<f32> = (0..2 * rows).map(|_| draw() as f32).collect();
        let models = widths.map(|widths| {
            let errs = y.iter().enumerate();
            errs.map(|(k, y)| y + (widths[k % 2] * draw()) as f32)
                .collect()
        });
        (models.to_vec(), y)
    }

    #[test]
    fn the_stack_is_better_than_its_best_model_and_says_how_good_it_is() {
        let widths = [[0.1, 0.1], [0.1, 0.1], [5.0, 5.0]];
        let (known, y) = models(400, widths);
        let slices: Vec<&[f32]> = known.iter().map(Vec::as_slice).collect();
        let stack = Stack::fit(&slices, &y, 2).unwrap();
        assert!(stack.weight(2) < 0.01, "{stack:?}");
        let sum: f64 = (0..3).map(|model| stack.weight(model)).sum();
        assert!((sum - 1.0).abs() < 1e-12);
        let square = 0.01 / 3.0;
        assert!(
            (0.4..0.6).contains(&(stack.error() / square)),
            "{}",
            stack.error()
        );
        let judged = stack.left_out().iter().zip(&y);
        let squares = judged.map(|(a, b)| f64::from(a - b).powi(2));
        let error = squares.sum::<f64>() / y.len() as f64;
        assert!((error / stack.error() - 1.0).abs() < 1e-3);
        let combined = stack.combine(&slices, 2);
        assert_eq!(combined.len(), y.len());
    }

    #[test]
    fn outputs_have_weights_of_their_own_where_that_pays() {
        let (known, y) = models(400, [[0.01, 1.0], [1.0, 0.01], [1.0, 1.0]]);
        let slices: Vec<&[f32]> = known.iter().map(Vec::as_slice).collect();
        let stack = Stack::fit(&slices, &y, 2).unwrap();
        assert!(stack.is_own());
        assert!(stack.error() < 1.1 * 1e-4 / 3.0, "{}", stack.error());
        let (alike, y) = models(400, [[0.1, 0.1]; 3]);
        let slices: Vec<&[f32]> = alike.iter().map(Vec::as_slice).collect();
        let shared = Stack::fit(&slices, &y, 2).unwrap();
        assert!((shared.weight(0) - 1.0 / 3.0).abs() < 0.05, "{shared:?}");
    }

    #[test]
    fn models_without_a_weight_are_left_out_to_the_same_bits() {
        let (known, y) = models(50, [[0.1, 0.2]; 3]);
        let [first, second, third] = &known[..] else {
            unreachable!("there are three models");
        };
        for values in [
            vec![0.25, 0.0, 0.75],
            vec![0.3, 0.0, 0.7, 1.0, 0.0, 0.0],
            vec![0.3, 0.5, 0.2, 0.1, 0.0, 0.9],
        ] {
            let weights = Weights::new(3, values).unwrap();
            let (used, fewer) = weights.used();
            let all: [&[f32]; 3] = [first, second, third];
            let some: Vec<&[f32]> = used.iter().map(|&k| all[k]).collect();
            assert_eq!(used.len(), 3 - usize::from(weights.of(1) == 0.0));
            assert_eq!(fewer.is_own(), weights.is_own());
            assert_eq!(fewer.combine(&some, 2), weights.combine(&all, 2));
        }
        assert_eq!(y.len(), 100);
        assert_eq!(Weights::new(2, vec![0.5, 0.4, 0.1]), None);
        assert_eq!(Weights::new(0, Vec::new()), None);
        assert_eq!(Weights::new(1, vec![f64::NAN]), None);
        assert_eq!(Weights::new(2, vec![1.5, -0.5]), None);
    }

    #[test]
    fn a_model_that_is_not_finite_is_left_out_and_one_row_is_enough() {
        let (known, y) = models(1, [[0.1, 0.1]; 3]);
        let broken = vec![f32::NAN; 2];
        let stack = Stack::fit(&[&broken, &known[0]], &y, 2).unwrap();
        assert_eq!((stack.weight(0), stack.weight(1)), (0.0, 1.0));
        assert_eq!(stack.combine(&[&[], &known[0]], 2), known[0]);
        assert_eq!(Stack::fit(&[&broken], &y, 2), None);
        assert_eq!(Stack::fit(&[], &[], 2), None);
    }
}
